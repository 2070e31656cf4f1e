"""Pauses and resumes, and what may come of them."""

import time

from soak.client import Violation, condition, has_answered, intent, phase, reason, short
from soak.hand import PATIENCE, Hand
from soak.model import Box


class PausingHand(Hand):
    """Pauses and resumes sandboxes by all ways that there are."""

    def pause(self, box: Box, must: bool = False) -> None:
        """Asks for a pause and sees it end, one way or the other. Meanwhile the sandbox is told to count.

        must -- it has to succeed.
        """
        with self._ledger.doing("pause") as deed:
            before = self._statements(box)
            self._client.locate(box)
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
                is_unheard = asked is not None and time.monotonic() > asked_at + 15 and intent(sandbox).get("pause") is not False
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
