"""OpenSandbox's own server, unmodified, on this controller and its definitions; and side by side with stasis-server."""

import os
import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import SandboxFilter, SnapshotFilter

from cluster.box import Boxes, run, wait_for_snapshot, wait_for_state
from cluster.official import OfficialServer
from sdk import Sdk
from testbed import Cluster
from wire import Wire


@pytest.fixture(scope="module")
def official_server(cluster: Cluster) -> Iterator[OfficialServer]:
    if "STASIS_OFFICIAL_SERVER" not in os.environ:
        pytest.fail("STASIS_OFFICIAL_SERVER does not name OpenSandbox's server; Tests/Compatibility/run installs it")
    server = OfficialServer(cluster)
    yield server
    server.stop()


@pytest.fixture
def official(request: pytest.FixtureRequest, official_server: OfficialServer) -> Iterator[Sdk]:
    """The SDK in front of OpenSandbox's own server, in one form or the other."""
    sdk = Sdk(request.param == "async", official_server.address, official_server.key)
    yield sdk
    sdk.close()


@pytest.mark.parametrize("official", ["async"], indirect=True)
def test_it_works_on_this_controller(official: Sdk, boxes: Boxes, cluster: Cluster, wire: Wire) -> None:
    """All that it does goes by way of it; what our server says in between is the same."""
    sdk = official
    sandbox = boxes.create(sdk, env={"GREETING": "hello"}, metadata={"team": "blue"}, timeout=timedelta(minutes=5))
    info = sdk(sandbox.get_info())
    assert (info.status.state, info.image.image, info.metadata) == ("Running", cluster.image, {"team": "blue"})
    ours = wire.get(f"/v1/sandboxes/{sandbox.id}").json
    assert (ours["status"]["state"], ours["image"]["uri"], ours["metadata"]) == ("Running", cluster.image, {"team": "blue"})
    assert ours["entrypoint"] == ["tail", "-f", "/dev/null"]
    run(sdk, sandbox, "echo kept >/kept")

    sdk(sandbox.patch_metadata({"team": "red"}))
    sdk(sandbox.renew(timedelta(minutes=30)))
    listed = sdk(sdk.manager.list_sandbox_infos(SandboxFilter(states=["Running"], metadata={"team": "red"})))
    assert [item.id for item in listed.sandbox_infos] == [sandbox.id]

    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    wait_for_state(wire, sandbox.id, "Paused")
    with pytest.raises(SandboxApiException) as caught:
        sdk(sandbox.pause())
    assert caught.value.status_code == 409
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config, resume_timeout=timedelta(seconds=60)))
    assert run(sdk, resumed, 'cat /kept; echo "$GREETING"').split() == ["kept", "hello"]
    assert wire.get(f"/v1/sandboxes/{sandbox.id}").json["metadata"] == {"team": "red"}

    # It tells an address before it tells that the sandbox runs, and takes snapshots only then.
    sdk.wait_for(sandbox.id, "Running")
    snapshot = sdk(resumed.create_snapshot("theirs"))
    deadline = time.monotonic() + 60
    while sdk(sdk.manager.get_snapshot(snapshot.id)).status.state != "Ready":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert wait_for_snapshot(wire, snapshot.id, "Ready")["sandboxId"] == sandbox.id
    page = sdk(sdk.manager.list_snapshots(SnapshotFilter(sandbox_id=sandbox.id)))
    assert [item.id for item in page.snapshot_infos] == [snapshot.id]
    sdk(resumed.kill())
    fork = boxes.create(sdk, snapshot_id=snapshot.id)
    assert run(sdk, fork, "cat /kept").strip() == "kept"
    sdk(fork.kill())
    sdk(sdk.manager.delete_snapshot(snapshot.id))
    deadline = time.monotonic() + 60
    while wire.get(f"/v1/sandboxes/{fork.id}").status != 404 or wire.get(f"/v1/snapshots/{snapshot.id}").status != 404:
        assert time.monotonic() < deadline, "what is deleted there is gone here"
        time.sleep(0.2)


@pytest.mark.parametrize("official", ["sync"], indirect=True)
def test_each_serves_what_the_other_one_made(official: Sdk, manager: Sdk, boxes: Boxes, wire: Wire) -> None:
    """A sandbox of ours is theirs to pause, ours to resume, and so on; a snapshot of theirs is ours to start from."""
    theirs, ours = official, manager
    sandbox = boxes.create(ours, metadata={"made": "here"}, timeout=timedelta(minutes=5))
    run(ours, sandbox, "echo ours >/kept")
    info = theirs(theirs.manager.get_sandbox_info(sandbox.id))
    assert (info.status.state, info.metadata) == ("Running", {"made": "here"})
    listed = theirs(theirs.manager.list_sandbox_infos(SandboxFilter(metadata={"made": "here"})))
    assert [item.id for item in listed.sandbox_infos] == [sandbox.id]

    theirs(theirs.manager.pause_sandbox(sandbox.id))
    ours.wait_for(sandbox.id, "Paused")
    ours(ours.manager.resume_sandbox(sandbox.id))
    theirs.wait_for(sandbox.id, "Running")
    connected = theirs(theirs.Sandbox.connect(sandbox.id, connection_config=theirs.config))
    assert run(theirs, connected, "cat /kept").strip() == "ours"
    ours(ours.manager.pause_sandbox(sandbox.id))
    theirs.wait_for(sandbox.id, "Paused")
    resumed = theirs(theirs.Sandbox.resume(sandbox.id, connection_config=theirs.config, resume_timeout=timedelta(seconds=60)))

    theirs.wait_for(sandbox.id, "Running")
    snapshot = theirs(resumed.create_snapshot())
    wait_for_snapshot(wire, snapshot.id, "Ready")
    fork = boxes.create(ours, snapshot_id=snapshot.id)
    assert run(ours, fork, "cat /kept").strip() == "ours"
    assert theirs(theirs.manager.get_sandbox_info(fork.id)).snapshot_id == snapshot.id
    theirs(theirs.manager.kill_sandbox(fork.id))
    ours(ours.manager.kill_sandbox(sandbox.id))
    for sdk, sandbox_id in ((ours, fork.id), (theirs, sandbox.id)):
        deadline = time.monotonic() + 30
        with pytest.raises(SandboxApiException) as caught:
            while time.monotonic() < deadline:
                sdk(sdk.manager.get_sandbox_info(sandbox_id))
                time.sleep(0.2)
        assert caught.value.status_code == 404
