"""Snapshots, and what may come of them."""

import time

from soak.client import Violation, condition, phase, reason, short
from soak.hand import PATIENCE, Hand
from soak.model import Box, Saved


class SnapshotHand(Hand):
    """Takes snapshots of sandboxes that run, and deletes them."""

    def snapshot(self, box: Box) -> None:
        with self._ledger.doing("snapshot") as deed:
            self._client.locate(box)
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
