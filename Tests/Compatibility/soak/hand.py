"""What a worker does inside of its sandboxes, and what it must find there."""

import random
import time

from soak.client import Client, Violation, phase, short
from soak.ledger import Ledger
from soak.model import ABSENT, OF_THE_IMAGE, Box, Saved, digest_of
from soak.world import World
from testbed import ClusterServer

#: How long anything may take that has to come to an end, with faults and on a machine that has other things to do.
PATIENCE = 180

_COUNT = "printf x >>/ticks && wc -c </ticks"

_LOOK = f"""cd /data 2>/dev/null && find . -type f -exec sha256sum {{}} +
test -e {OF_THE_IMAGE} && sha256sum {OF_THE_IMAGE}
echo count $(wc -c </ticks 2>/dev/null || echo 0)"""


class Hand:
    """Writes, deletes, counts and compares. `number` and the seed say what is chosen."""

    def __init__(self, world: World, ledger: Ledger, seed: int, number: int) -> None:
        self._world = world
        self._ledger = ledger
        self._client = Client(world)
        self.number = number
        self._random = random.Random(f"{seed}/{number}")
        self.boxes: list[Box] = []
        self.saved: list[Saved] = []
        self._vi: str | None = None

    def server(self) -> ClusterServer:
        return self._random.choice((self._world.steady, self._world.doomed))

    def write(self, box: Box) -> None:
        path = self._path()
        token = f"{self._random.getrandbits(40):x}"
        lines = self._random.choice((0, 1, 10, 500, 7000, 7000, 150_000))
        folder = path.rpartition("/")[0]
        program = f"BEGIN {{ for (n = {lines}; n > 0; n--) print \"{token}\" }}"
        script = f"mkdir -p /data/{folder} && awk '{program}' >/tmp/new && mv /tmp/new /data/{path} && echo done"
        with self._ledger.doing("write"):
            answered = (self._run(box, script) or "").strip() == "done"
            box.note(f"write {path} {answered}")
            box.files.write(f"./{path}", digest_of(token, lines), answered)

    def remove(self, box: Box) -> None:
        """A file, a folder with all that is in it, or one of the image's."""
        with self._ledger.doing("remove"):
            chance = self._random.random()
            if chance < 0.1:
                answered = self._run(box, f"rm -f {OF_THE_IMAGE} && echo done") is not None
                box.note(f"remove {OF_THE_IMAGE} {answered}")
                box.files.write(OF_THE_IMAGE, ABSENT, answered)
                return
            path = self._path()
            whole = chance < 0.5 and "/" in path
            target = path.rpartition("/")[0] if whole else path
            answered = self._run(box, f"rm -rf /data/{target} && echo done") is not None
            box.note(f"remove {target} {answered}")
            if whole:
                box.files.delete_folder(f"./{target}", answered)
            else:
                box.files.write(f"./{path}", ABSENT, answered)

    def count(self, box: Box) -> None:
        """Tells it to count. What it has answered it may never forget."""
        self._note_count(box, self._run(box, _COUNT))

    def _count_meanwhile(self, box: Box) -> None:
        """The same during a capture; not through a server, which would wake it."""
        if box.address is not None:
            self._note_count(box, self._client.run(box, _COUNT, seconds=1.5))

    def _note_count(self, box: Box, printed: str | None) -> None:
        counted = int(printed) if printed and printed.strip().isdigit() else None
        box.files.count(counted)

    def check(self, box: Box, is_new: bool, why: str = "") -> None:
        """All files must be as they must be. is_new -- it runs in a new pod."""
        with self._ledger.doing("check"):
            deadline = time.monotonic() + PATIENCE
            while (printed := self._run(box, _LOOK)) is None:
                if self._lost(box):
                    return
                if time.monotonic() > deadline:
                    found = short(self._client.object("batchsandboxes", box.id))
                    raise Violation(f"{box.id} runs and does not answer {why}: {box.history}\n{found}")
                time.sleep(0.3)
                box.address = None
            files, counted = _read(printed)
            if self._vi is None:
                # What the image has is known from the first sandbox that has not been touched.
                self._vi = files.get(OF_THE_IMAGE)
            box.files.expected.setdefault(OF_THE_IMAGE, self._vi or ABSENT)
            if differences := box.files.differences(files, counted):
                text = "\n".join(differences)
                raise Violation(f"{box.id} is not as it must be {why}:\n{text}\nhistory: {box.history}")
            box.files.accept(files, counted, is_new)

    def _run(self, box: Box, script: str, seconds: float = 20) -> str | None:
        server = self.server() if self._random.random() < 0.25 else None
        return self._client.run(box, script, server, seconds)

    def _path(self) -> str:
        return self._random.choice(("a", "b", "one/a", "one/b", "one/two/c", "three/d"))

    def delete(self, box: Box) -> None:
        with self._ledger.doing("delete"):
            box.note("delete")
            self.boxes.remove(box)
            if self._random.random() < 0.3:
                self._world.kubectl("delete", "batchsandbox", box.id, "--wait=false", "--ignore-not-found")
                return
            answer = self._client.insist(self.server(), "DELETE", f"/v1/sandboxes/{box.id}")
            if answer.status not in (204, 404):
                raise Violation(f"the deletion of {box.id} was answered by {answer.status} {answer.body.decode()}")

    def _lost(self, box: Box) -> bool:
        """Whether it is lost because a fault took its pod; then it is deleted. Otherwise nothing may be lost."""
        sandbox = self._client.object("batchsandboxes", box.id)
        if sandbox is not None and phase(sandbox) != "Failed":
            return False
        if not self._ledger.was_robbed(box.id):
            raise Violation(f"{box.id} is lost, and nobody took its pod: {short(sandbox)}\n{box.history}")
        self._ledger.lost += 1
        if box in self.boxes:
            self.delete(box)
        return True


def _read(printed: str) -> tuple[dict[str, str], int]:
    files: dict[str, str] = {}
    counted = 0
    for line in printed.splitlines():
        first, _, second = line.partition(" ")
        if first == "count":
            counted = int(second)
        elif len(first) == 64:
            files[second.strip()] = first
    return files, counted
