"""A worker makes sandboxes and does with them whatever it likes, and knows what must be in them."""

import base64
import threading
import time
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from cluster.box import RESOURCE
from soak.client import Violation
from soak.hand import PATIENCE
from soak.model import Box, Files, Saved
from soak.pausing import PausingHand
from soak.snapshots import SnapshotHand

POOL = "soak"

#: How many sandboxes and snapshots a worker has at a time.
_BOXES, _SAVED = 2, 2


class Worker(PausingHand, SnapshotHand):
    """One life of random choices, in a thread of its own. `number` and the seed say which."""

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
