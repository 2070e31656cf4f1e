"""What was done and what came of it, which faults there were, and what was found wrong."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

#: A fault is felt for so long after it is over: retries come with growing pauses, and caches are behind.
AFTERMATH = 45


@dataclass
class Deed:
    """Something that a worker does."""

    begin: float
    outcome: str = "done"


class Ledger:
    """Shared by all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._durations: dict[str, list[float]] = defaultdict(list)
        self._outcomes: dict[str, Counter[str]] = defaultdict(Counter)
        self.faults: Counter[str] = Counter()
        self.violations: list[str] = []
        self.lost = 0
        self._last_fault = -1e9
        self._robbed: set[str] = set()

    @contextmanager
    def doing(self, what: str) -> Iterator[Deed]:
        deed = Deed(time.monotonic())
        yield deed
        with self._lock:
            self._durations[what].append(time.monotonic() - deed.begin)
            self._outcomes[what][deed.outcome] += 1

    @contextmanager
    def fault(self, what: str) -> Iterator[None]:
        with self._lock:
            self.faults[what] += 1
            self._last_fault = float("inf")
        try:
            yield
        finally:
            with self._lock:
                self._last_fault = time.monotonic()

    def is_calm(self, deed: Deed) -> bool:
        """Whether no fault can be why a deed did not succeed."""
        with self._lock:
            return self._last_fault + AFTERMATH < deed.begin

    def rob(self, sandbox_id: str) -> None:
        """A fault is about to take the pod of a sandbox."""
        with self._lock:
            self._robbed.add(sandbox_id)

    def was_robbed(self, sandbox_id: str) -> bool:
        with self._lock:
            return sandbox_id in self._robbed

    def violate(self, what: str) -> None:
        with self._lock:
            self.violations.append(what)

    def lines(self) -> list[str]:
        """What was done, a line each."""
        with self._lock:
            lines = []
            for what, durations in sorted(self._durations.items()):
                ordered = sorted(durations)
                outcomes = ", ".join(f"{count} {outcome}" for outcome, count in self._outcomes[what].most_common())
                median, last = ordered[len(ordered) // 2], ordered[-1]
                lines.append(f"{what:22} {len(ordered):5}   median {median:6.2f} s   longest {last:6.2f} s   {outcomes}")
            for what, count in sorted(self.faults.items()):
                lines.append(f"fault: {what:42} {count:5}")
            lines.append(f"sandboxes whose pod was taken, and which said so: {self.lost}")
            return lines
