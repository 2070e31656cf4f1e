"""Snapshots on Kubernetes through the official SDK."""

import time
import uuid

import pytest
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import SnapshotFilter

from cluster.box import Boxes, run, wait_for_snapshot
from cluster.test_life import status_and_code
from sdk import Sdk
from wire import Wire


def test_created_listed_restored_and_deleted(sdk: Sdk, boxes: Boxes, wire: Wire) -> None:
    sandbox = boxes.create(sdk, env={"ONLY": "the first"})
    run(sdk, sandbox, "echo kept >/kept; rm /bin/vi")
    name = f"base-{uuid.uuid4().hex[:8]}"
    created = sdk(sandbox.create_snapshot(name))
    assert (created.sandbox_id, created.name, created.status.state) == (sandbox.id, name, "Creating")

    # While it is being taken. It may be ready before anybody asks.
    if sdk(sdk.manager.get_snapshot(created.id)).status.state == "Creating":
        with pytest.raises(SandboxApiException) as caught:
            boxes.create(sdk, snapshot_id=created.id)
        assert status_and_code(caught) == (409, "SNAPSHOT::NOT_READY")
    part = wait_for_snapshot(wire, created.id, "Ready")["artifact"]["parts"][0]
    assert part["digest"].startswith("sha256:") and part["size"] > 0
    assert sdk(sandbox.get_info()).status.state == "Running"
    run(sdk, sandbox, "echo later >/later")

    def listed(**criteria: object) -> list[str]:
        return [item.id for item in sdk(sdk.manager.list_snapshots(SnapshotFilter(**criteria))).snapshot_infos]

    second = sdk(sdk.manager.create_snapshot(sandbox.id))
    assert second.name is None
    wait_for_snapshot(wire, second.id, "Ready")
    assert listed(sandbox_id=sandbox.id) == [second.id, created.id], "newest first"
    assert listed(name=name) == [created.id]
    assert listed(sandbox_id=sandbox.id, states=["Ready"], page=2, page_size=1) == [created.id]
    assert listed(sandbox_id=sandbox.id, states=["Failed"]) == []

    # It outlives its sandbox, and what was made of it outlives the snapshot.
    sdk(sandbox.kill())
    fork = boxes.create(sdk, snapshot_id=created.id, env={"NUMBER": "1"})
    info = sdk(fork.get_info())
    assert (fork.id != sandbox.id, info.snapshot_id, info.image) == (True, created.id, None)
    assert run(sdk, fork, 'cat /kept; ls /later /bin/vi 2>/dev/null; echo "$NUMBER|$ONLY"').split() == ["kept", "1|"]
    for snapshot_id in (created.id, second.id):
        sdk(sdk.manager.delete_snapshot(snapshot_id))
    deadline = time.monotonic() + 30
    while listed(sandbox_id=sandbox.id):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    for call in (sdk.manager.get_snapshot, sdk.manager.delete_snapshot):
        with pytest.raises(SandboxApiException) as caught:
            sdk(call(created.id))
        assert status_and_code(caught) == (404, "SNAPSHOT::NOT_FOUND")
    run(sdk, fork, "echo more >/more")
    sdk(fork.pause())
    sdk.wait_for(fork.id, "Paused")
    fork = sdk(sdk.Sandbox.resume(fork.id, connection_config=sdk.config))
    assert run(sdk, fork, 'cat /kept /more; echo "$NUMBER"').split() == ["kept", "more", "1"]


def test_of_sandboxes_that_are_not_there(manager: Sdk, boxes: Boxes) -> None:
    unknown = str(uuid.UUID(int=7))
    for call, code in (
        (lambda: manager.manager.create_snapshot(unknown), "KUBERNETES::SANDBOX_NOT_FOUND"),
        (lambda: boxes.create(manager, snapshot_id=unknown), None),
    ):
        with pytest.raises(SandboxApiException) as caught:
            manager(call())
        assert caught.value.status_code == 404
        # 404 is not among the statuses of a creation that the SDK knows: the code does not get through.
        assert code is None or caught.value.error.code == code
