"""What each sandbox must be like: a model that is told what was done, and says what must be found."""

import hashlib
from copy import deepcopy
from dataclasses import dataclass, field

#: What stands for a file that is not there.
ABSENT = ""

#: A file that every sandbox has from its image.
OF_THE_IMAGE = "/bin/vi"


def digest_of(line: str, lines: int) -> str:
    """The SHA-256 of so many lines, all alike."""
    return hashlib.sha256(f"{line}\n".encode() * lines).hexdigest()


@dataclass
class Files:
    """The files of a sandbox below /data, and how often it was told to count.

    A request whose answer was lost may have been carried out, or may be later, as long as its process lives. So `doubts` has what a
    file may be instead, and the count is between `counted` and `asked`.
    """

    expected: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, set[str]] = field(default_factory=dict)
    counted: int = 0
    asked: int = 0

    def copy(self) -> "Files":
        return deepcopy(self)

    def write(self, path: str, digest: str, answered: bool) -> None:
        """A file was written, or deleted; or perhaps, if that was not answered."""
        if answered:
            self.expected[path] = digest
        else:
            self.doubts.setdefault(path, set()).add(digest)

    def delete_folder(self, folder: str, answered: bool) -> None:
        for path in list(self.expected.keys() | self.doubts.keys()):
            if path.startswith(f"{folder}/"):
                self.write(path, ABSENT, answered)

    def count(self, counted: int | None) -> None:
        """It was told to count, and has answered with a number; or not at all."""
        self.asked += 1
        if counted is not None:
            self.counted = max(self.counted, counted)

    def differences(self, found: dict[str, str], counted: int) -> list[str]:
        """What is not as it must be, a line each."""
        lines = []
        for path in sorted(self.expected.keys() | self.doubts.keys() | found.keys()):
            allowed = {self.expected.get(path, ABSENT)} | self.doubts.get(path, set())
            if (digest := found.get(path, ABSENT)) not in allowed:
                lines.append(f"{path}: {_short(digest)} instead of {' or '.join(sorted(map(_short, allowed)))}")
        if not self.counted <= counted <= self.asked:
            lines.append(f"it has counted to {counted}, and not to {self.counted} to {self.asked}")
        return lines

    def accept(self, found: dict[str, str], counted: int, is_new: bool) -> None:
        """What was found is what there is. is_new -- its processes are new ones: nothing of before can be carried out late."""
        self.expected = dict(found)
        self.counted = counted
        if is_new:
            self.doubts = {}
            self.asked = counted


def _short(digest: str) -> str:
    return digest[:8] or "nothing"


@dataclass
class Box:
    """One sandbox, as a worker knows it."""

    id: str
    files: Files
    origin: str  # image, snapshot or pool
    wakes: bool  # whether traffic resumes it
    is_paused: bool = False
    address: str | None = None  # where it can be asked directly, as long as it runs in this pod
    cycles: int = 0
    history: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.history = [*self.history[-39:], what]


@dataclass
class Saved:
    """One snapshot, and what a sandbox must be like that is made of it."""

    id: str
    files: Files
    users: list[str] = field(default_factory=list)  # the sandboxes that were made of it
