"""Watches from outside, through the kernel's cgroup files, how long a sandbox is frozen."""

import threading
import time
from pathlib import Path
from types import TracebackType

_CGROUPS = Path("/sys/fs/cgroup")


class FreezeWatch:
    """A context manager that looks at the freezer of one process every two milliseconds until it is left."""

    def __init__(self, pid: int) -> None:
        self._file, self._word = _freezer_of(pid)
        self._first: float | None = None
        self._last = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> "FreezeWatch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def milliseconds(self) -> int | None:
        """From the first look that found it frozen to the last one; None if no look did."""
        return None if self._first is None else round((self._last - self._first) * 1000)

    def _watch(self) -> None:
        while not self._ended.wait(0.002):
            try:
                frozen = self._word in self._file.read_text()
            except OSError:
                return  # The cgroup is gone, and the sandbox with it.
            if frozen:
                self._last = time.monotonic()
                self._first = self._first or self._last


def is_frozen(pid: int) -> bool:
    """Whether a process is frozen now; one that is gone is not."""
    try:
        file, word = _freezer_of(pid)
        return word in file.read_text()
    except OSError:
        return False


def _freezer_of(pid: int) -> tuple[Path, str]:
    """The file that tells whether a process is frozen, and the word in it that says so."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "freezer" in controllers.split(","):
            return _CGROUPS / "freezer" / path.lstrip("/") / "freezer.state", "FROZEN"
    path = Path(f"/proc/{pid}/cgroup").read_text().rstrip("\n").rpartition(":")[2]
    return _CGROUPS / path.lstrip("/") / "cgroup.events", "frozen 1"
