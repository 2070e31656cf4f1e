"""What a case works with."""

import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from runner.results import Results


class Bench(ExitStack):
    """Where a suite finds its programs and folders, and where it puts what it finds.

    What cases of one suite share is entered here and lives until the suite's end.

    - `programs`: the folder of our own programs, built with optimization
    - `folder`: empty at first, and deleted at the end
    - `cache`: kept from run to run
    """

    def __init__(self, suite: str, programs: Path, folder: Path, cache: Path, results: Results) -> None:
        super().__init__()
        self.suite = suite
        self.programs = programs
        self.folder = folder
        self.cache = cache
        self.results = results
        self.shared: dict[str, object] = {}
        self._case = ""
        self._started = time.monotonic()

    def enter(self, case: str) -> None:
        """What follows belongs to another case."""
        self._case = case

    def say(self, text: str) -> None:
        """Tells whoever waits what is being done."""
        print(f"[{time.monotonic() - self._started:5.0f} s] {text}", flush=True)

    def show(self, text: str) -> None:
        """Prints a table."""
        print(f"\n{text}\n", flush=True)

    def add(
        self,
        metric: str,
        unit: str,
        stasis: float | None,
        peer: float | None = None,
        peer_name: str | None = None,
        case: str | None = None,
    ) -> None:
        """Adds a row; less is better. `case` is what was measured if the running case measures several things."""
        self.results.add(self.suite, case or self._case, metric, unit, stasis, peer, peer_name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self.say("cleaning up")
        return super().__exit__(kind, error, trace)
