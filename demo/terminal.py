"""What the demonstration prints: sentences, facts under them, and a progress bar. Colours only on a terminal."""

import os
import sys
import time
from collections import deque
from collections.abc import Callable


class Terminal:
    """Prints to standard output, in a form that suits a terminal or a log file."""

    def __init__(self) -> None:
        self._interactive = sys.stdout.isatty()
        self._colours = self._interactive and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self._step = 0

    def step(self, sentence: str) -> None:
        """Begins a step with a sentence."""
        self._step += 1
        print(f"\n{self._paint('1;36', f'{self._step}.')} {self._paint('1', sentence)}", flush=True)

    def fact(self, name: str, value: object) -> None:
        """One fact, under the step's sentence."""
        print(f"   {self._paint('2', f'{name:<14}')} {value}", flush=True)

    def note(self, text: str) -> None:
        """A line of prose under the step's sentence."""
        print(f"   {self._paint('2', text)}", flush=True)

    def proof(self, text: str) -> None:
        """Something that was checked and holds."""
        print(f"   {self._paint('32', '✓')} {text}", flush=True)

    def failure(self, text: str) -> None:
        """What went wrong, to standard error."""
        print(f"\n{self._paint('1;31', 'The demonstration failed:')} {text}", file=sys.stderr, flush=True)

    def progress(self) -> "Progress":
        """A progress bar; on anything but a terminal, a line now and then."""
        return Progress(self._interactive, self._paint)

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colours else text


class Progress:
    """A bar that is drawn over itself on a terminal. Elsewhere a line for each new stage, and one a second of progress."""

    _WIDTH = 28
    _WINDOW = 2.0  # seconds over which the rate is taken

    def __init__(self, interactive: bool, paint: Callable[[str, str], str]) -> None:
        self._interactive = interactive
        self._paint = paint
        self._samples: deque[tuple[float, int]] = deque([(time.monotonic(), 0)])
        self._printed = (0.0, "", -1)
        self._drawn = False

    def show(self, stage: str, done: int, total: int | None) -> None:
        """Draws the state: a stage, the bytes done and, if known, the bytes in all."""
        now = time.monotonic()
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] > self._WINDOW:
            self._samples.popleft()
        since, before = self._samples[0]
        rate = (done - before) / max(now - since, 0.05)
        numbers = size(done) + (f" of {size(total)}" if total else "")
        if rate > 0:
            numbers += f", {size(int(rate))}/s"
        if self._interactive:
            filled = round(min(done / total, 1.0) * self._WIDTH) if total else 0
            bar = self._paint("36", "█" * filled) + self._paint("2", "░" * (self._WIDTH - filled))
            print(f"\r\x1b[K   {bar} {stage}: {numbers}", end="", flush=True)
            self._drawn = True
            return
        printed_at, printed_stage, printed_done = self._printed
        if stage != printed_stage or (done != printed_done and now - printed_at >= 1):
            print(f"   {stage}: {numbers}", flush=True)
            self._printed = (now, stage, done)

    def close(self) -> None:
        """Leaves the last state on the screen and goes to the next line."""
        if self._drawn:
            print(flush=True)
            self._drawn = False


def size(count: int) -> str:
    """A number of bytes, in the largest unit that leaves a number of at least one."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}"
        value /= 1000
    return f"{value:.2f} GB"
