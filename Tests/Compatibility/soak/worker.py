"""A worker makes sandboxes and does with them whatever it likes, and knows what must be in them."""

import base64
import random
import subprocess
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from cluster.box import RESOURCE
from soak.client import Client, Violation, condition, has_answered, intent, phase, reason, short
from soak.ledger import Ledger
from soak.model import ABSENT, OF_THE_IMAGE, Box, Files, Saved, digest_of
from soak.world import World
from testbed import ClusterServer

#: How long anything may take that has to come to an end, with faults and on a machine that has other things to do.
PATIENCE = 180

POOL = "soak"

#: How many sandboxes and snapshots a worker has at a time.
_BOXES, _SAVED = 2, 2

_COUNT = "printf x >>/ticks && wc -c </ticks"

_LOOK = f"""cd /data 2>/dev/null && find . -type f -exec sha256sum {{}} +
test -e {OF_THE_IMAGE} && sha256sum {OF_THE_IMAGE}
echo count $(wc -c </ticks 2>/dev/null || echo 0)"""


class Worker:
    """One life of random choices, in a thread of its own. `number` and the seed say which."""

    def __init__(self, world: World, ledger: Ledger, seed: int, number: int) -> None:
        self._world = world
        self._ledger = ledger
        self._client = Client(world)
        self.number = number
        self._random = random.Random(f"{seed}/{number}")
        self.boxes: list[Box] = []
        self.saved: list[Saved] = []
        self._vi: str | None = None

    # Choosing

    def storm(self, over: threading.Event) -> None:
        """Does something, and something else, until it is over."""
        while not over.is_set() and not self._ledger.violations:
            self.step()

    def step(self) -> None:
        choices: list[tuple[int, Any, tuple[Any, ...]]] = []
        if len(self.boxes) < _BOXES:
            choices.append((40, self.create, ()))
        for box in self.boxes:
            if box.is_paused:
                choices += [(14, self.resume, (box,)), (3, self.renew, (box,)), (3, self.label, (box,)), (2, self.delete, (box,))]
            else:
                choices += [
                    (12, self.write, (box,)), (4, self.remove, (box,)), (3, self.count, (box,)), (3, self.check, (box, False)),
                    (9, self.pause, (box,)), (1, self.renew, (box,)), (1, self.label, (box,)), (2, self.delete, (box,)),
                ]
                if len(self.saved) < _SAVED:
                    choices.append((5, self.snapshot, (box,)))
        # One whose image is in use is deleted without that, which nobody would delete later.
        choices += [(1, self.delete_snapshot, (saved,)) for saved in self.saved if not saved.users]
        weights = [weight for weight, _, _ in choices]
        _, what, arguments = self._random.choices(choices, weights)[0]
        what(*arguments)

    def server(self) -> ClusterServer:
        return self._random.choice((self._world.steady, self._world.doomed))

    # Making and deleting

    def create(self) -> None:
        origins = ["image", "image", "pool"] + ["snapshot", "snapshot"] * bool(self.saved)
        self.make(self._random.choice(origins))

    def make(self, origin: str) -> Box | None:
        wakes = self._random.random() < 0.3
        extensions = {"access.auto-resume": "true"} if wakes else {}
        body: dict[str, Any] = {
            "entrypoint": ["tail", "-f", "/dev/null"], "timeout": 7200, "metadata": {"worker": str(self.number)}, "extensions": extensions,
        }
        files = Files()
        saved: Saved | None = None
        if origin == "snapshot":
            saved = self._random.choice(self.saved)
            body |= {"snapshotId": saved.id, "resourceLimits": RESOURCE}
            files = saved.files.copy()
        elif origin == "pool":
            body |= {"image": {"uri": self._world.image}, "extensions": extensions | {"poolRef": POOL}}
        else:
            body |= {"image": {"uri": self._world.image}, "resourceLimits": RESOURCE}
        key = f"soak-{self.number}-{uuid.UUID(int=self._random.getrandbits(128))}"
        with self._ledger.doing(f"create from {origin}") as deed:
            deadline = time.monotonic() + PATIENCE
            while True:
                answer = self._client.insist(self.server(), "POST", "/v1/sandboxes", body, PATIENCE, Idempotency_Key=key)
                if answer.status == 202:
                    break
                deed.outcome = f"{answer.status} {answer.json.get('code')}"
                # A pool has so many pods and no more; what another server has begun is made by that; and a server whose watch was
                # cut does not know yet what there is.
                if answer.status == 429 and self._random.random() < 0.5:
                    return None
                if answer.status in (404, 409, 429) and time.monotonic() < deadline:
                    time.sleep(0.5)
                    continue
                if self._ledger.is_calm(deed):
                    raise Violation(f"a sandbox of {origin} was refused: {answer.status} {answer.body.decode()}")
                return None
            box = Box(answer.json["id"], files, origin, wakes)
            self.boxes.append(box)
            if saved is not None:
                saved.users.append(box.id)
            box.note(f"created from {origin} {body.get('snapshotId', '')}")
            self.check(box, True)
            return box

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

    # In the sandbox

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

    # Pausing and resuming

    def pause(self, box: Box, must: bool = False) -> None:
        """Asks for a pause and sees it end, one way or the other. Meanwhile the sandbox is told to count.

        must -- it has to succeed.
        """
        with self._ledger.doing("pause") as deed:
            before = self._statements(box)
            self._wish(box, True)
            box.note("pause")
            deadline = time.monotonic() + PATIENCE
            while True:
                self._count_meanwhile(box)
                sandbox = self._client.object("batchsandboxes", box.id)
                if sandbox is None:
                    raise Violation(f"{box.id} is gone: {box.history}")
                if phase(sandbox) == "Paused":
                    box.is_paused, box.address = True, None
                    box.cycles += 1
                    deed.outcome = "paused"
                    return
                if phase(sandbox) == "Failed" and self._lost(box):
                    deed.outcome = "lost"
                    return
                failed = condition(sandbox, "PauseFailed")
                if failed and has_answered(sandbox, before, "running"):
                    deed.outcome = f"failed ({failed.get('reason')})"
                    box.note(f"not paused: {reason(failed)}")
                    if must or self._ledger.is_calm(deed):
                        raise Violation(f"without any fault {box.id} was not paused: {reason(failed)}\n{box.history}")
                    # It runs on, thawed, with everything in it.
                    self.check(box, False, f"after a pause that failed ({reason(failed)})")
                    return
                if phase(sandbox) == "Succeed" and box.wakes and sandbox["spec"].get("pause") is False:
                    # A request of before, whose answer was not waited for, has woken it.
                    deed.outcome = "woken again"
                    box.address = None
                    self.check(box, True, "after it was woken")
                    return
                if time.monotonic() > deadline:
                    raise Violation(f"after {PATIENCE} s {box.id} is neither paused nor not: {short(sandbox)}\n{box.history}")
                time.sleep(0.1)

    def resume(self, box: Box, must: bool = False) -> None:
        """Asks for a resume until it runs, and compares its files."""
        with self._ledger.doing("resume") as deed:
            box.note("resume")
            deadline = time.monotonic() + PATIENCE
            asked: int | None = None
            asked_at = 0.0
            while True:
                sandbox = self._client.object("batchsandboxes", box.id)
                if sandbox is None:
                    raise Violation(f"{box.id} is gone: {box.history}")
                if phase(sandbox) == "Succeed":
                    break
                if phase(sandbox) == "Failed" and self._lost(box):
                    deed.outcome = "lost"
                    return
                failed = condition(sandbox, "ResumeFailed")
                # What was asked for through a server may have come to nothing with it.
                is_unheard = asked is not None and time.monotonic() > asked_at + 15 and intent(sandbox)["pause"] is not False
                if asked is None or is_unheard or failed and has_answered(sandbox, asked, "paused"):
                    if asked is not None and not is_unheard:
                        box.note(f"not resumed: {reason(failed)}")
                        deed.outcome = f"not at once ({failed and failed.get('reason')})"
                        if must or self._ledger.is_calm(deed):
                            raise Violation(f"without any fault {box.id} was not resumed: {reason(failed)}\n{box.history}")
                        time.sleep(1)
                    asked, asked_at = self._statements(box), time.monotonic()
                    if box.wakes and self._random.random() < 0.5:
                        self._client.run(box, "true", self._world.steady, 60)
                    else:
                        self._wish(box, False)
                if time.monotonic() > deadline:
                    raise Violation(f"after {PATIENCE} s {box.id} is not resumed: {short(sandbox)}\n{box.history}")
                time.sleep(0.2)
            box.is_paused, box.address = False, None
            self.check(box, True, "after a resume")

    def _statements(self, box: Box) -> int:
        """How often a wish has been stated, as far as the controller knows."""
        sandbox = self._client.object("batchsandboxes", box.id)
        return intent(sandbox)["statements"] if sandbox else 0

    def _wish(self, box: Box, pause: bool) -> None:
        """States a wish, by one of the servers or by kubectl."""
        if self._random.random() < 0.3:
            self._patch(box, pause)
            return
        answer = self._client.insist(self.server(), "POST", f"/v1/sandboxes/{box.id}/{'pause' if pause else 'resume'}")
        if answer.status == 202:
            return
        # One that had no answer was carried out, or this server does not know yet what has become of the one before.
        if answer.status == 409:
            box.note(f"409 {answer.json['message']}")
            self._patch(box, pause)
            return
        raise Violation(f"{box.id} was not to be {'paused' if pause else 'resumed'}: {answer.status} {answer.body.decode()} {box.history}")

    def _patch(self, box: Box, pause: bool) -> None:
        sandbox = self._client.object("batchsandboxes", box.id)
        has_failed = sandbox and condition(sandbox, "PauseFailed" if pause else "ResumeFailed")
        if has_failed and sandbox and sandbox["spec"].get("pause") is pause:
            self._kubectl_patch(box, "null")
        self._kubectl_patch(box, "true" if pause else "false")

    def _kubectl_patch(self, box: Box, value: str) -> None:
        self._world.kubectl("patch", "batchsandbox", box.id, "--type=merge", f'--patch={{"spec": {{"pause": {value}}}}}')

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

    # Snapshots

    def snapshot(self, box: Box) -> None:
        with self._ledger.doing("snapshot") as deed:
            files = box.files.copy()
            if self._random.random() < 0.3:
                name = snapshot_id = f"soak-{self._random.getrandbits(64):x}"
                document = f'{{"apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "SandboxSnapshot", "metadata": {{"name": "{name}"}}, '
                self._world.kubectl("apply", "--filename", "-", standard_input=document + f'"spec": {{"sandboxName": "{box.id}"}}}}')
            else:
                # Twice asked for is twice taken: one that nobody has heard of is deleted when the round is over.
                answer = self._client.insist(self.server(), "POST", f"/v1/sandboxes/{box.id}/snapshots", {})
                if answer.status == 409 and not self._ledger.is_calm(deed):
                    deed.outcome = "409"
                    return
                if answer.status != 202:
                    raise Violation(f"no snapshot of {box.id}: {answer.status} {answer.body.decode()} {box.history}")
                snapshot_id = answer.json["id"]
                name = f"osb-snap-{snapshot_id.replace('-', '')}"
            box.note(f"snapshot {name}")
            deadline = time.monotonic() + PATIENCE
            while True:
                self._count_meanwhile(box)
                found = self._client.object("sandboxsnapshots", name)
                if found is None:
                    raise Violation(f"the snapshot {name} is gone")
                if phase(found) == "Succeed":
                    break
                if phase(found) == "Failed":
                    failed = condition(found, "Failed")
                    deed.outcome = f"failed ({failed and failed.get('reason')})"
                    box.note(f"no snapshot: {reason(failed)}")
                    if self._ledger.is_calm(deed):
                        raise Violation(f"without any fault there is no snapshot of {box.id}: {reason(failed)}")
                    self._world.kube.delete("sandboxsnapshots", name)
                    self.check(box, False, "after a snapshot that failed")
                    return
                if time.monotonic() > deadline:
                    raise Violation(f"after {PATIENCE} s the snapshot {name} of {box.id} is {short(found)}\n{box.history}")
                time.sleep(0.1)
            files.asked = box.files.asked
            for path, digests in box.files.doubts.items():
                files.doubts.setdefault(path, set()).update(digests)
            self.saved.append(Saved(snapshot_id, files))

    def delete_snapshot(self, saved: Saved) -> None:
        with self._ledger.doing("delete snapshot"):
            self.saved.remove(saved)
            deadline = time.monotonic() + PATIENCE
            path = f"/v1/snapshots/{saved.id}"
            # 409: the server does not know yet that it is taken.
            while (answer := self._client.insist(self.server(), "DELETE", path)).status == 409 and time.monotonic() < deadline:
                time.sleep(0.5)
            if answer.status not in (204, 404):
                raise Violation(f"the deletion of the snapshot {saved.id} was answered by {answer.status} {answer.body.decode()}")

    # Small things

    def renew(self, box: Box) -> None:
        with self._ledger.doing("renew"):
            end = datetime.now(timezone.utc) + timedelta(seconds=self._random.randint(7200, 9000))
            path = f"/v1/sandboxes/{box.id}/renew-expiration"
            answer = self._client.insist(self.server(), "POST", path, {"expiresAt": end.isoformat()})
            self._expect_small(box, answer.status, answer.body)

    def label(self, box: Box) -> None:
        with self._ledger.doing("label"):
            value = base64.b32encode(self._random.randbytes(5)).decode().lower()
            answer = self._client.insist(self.server(), "PATCH", f"/v1/sandboxes/{box.id}/metadata", {"mark": value})
            self._expect_small(box, answer.status, answer.body)
            if answer.status == 200 and answer.json["metadata"].get("mark") != value:
                raise Violation(f"{box.id} has not the label that was given: {answer.body.decode()}")

    def _expect_small(self, box: Box, status: int, body: bytes) -> None:
        # Of one whose pod was taken, anything.
        if status != 200 and not self._ledger.was_robbed(box.id):
            raise Violation(f"{box.id}: {status} {body.decode()} {box.history}")

    # The end of a round

    def prove(self) -> None:
        """Now that nothing is wrong any more, all can be paused and resumed, with all files in place."""
        for box in list(self.boxes):
            if box.is_paused:
                self.resume(box, must=True)
        for box in list(self.boxes):
            self.check(box, False, "when all is calm")
        if self.boxes:
            box = self._random.choice(self.boxes)
            self.write(box)
            self.pause(box, must=True)
            if box in self.boxes:
                self.resume(box, must=True)

    def clear(self) -> None:
        for box in list(self.boxes):
            self.delete(box)
        for saved in list(self.saved):
            self._await_end(saved.users)
            self.delete_snapshot(saved)

    def _await_end(self, sandboxes: list[str]) -> None:
        """Waits until nothing is left of some sandboxes that could refer to an image."""
        deadline = time.monotonic() + PATIENCE
        while any(item["metadata"]["name"].startswith(name) for name in sandboxes for item in self._all()):
            if time.monotonic() > deadline:
                raise Violation(f"of {sandboxes}, which were deleted, something is left after {PATIENCE} s")
            time.sleep(0.5)

    def _all(self) -> list[Any]:
        return self._world.kube.list("batchsandboxes") + self._world.kube.list("pods")


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
