"""What goes wrong with a sandbox that is there: it is told, nothing is lost, and once mended the same call works."""

import json

import pytest
from opensandbox.exceptions import SandboxApiException

from cluster.box import Boxes, run, wait_for_snapshot, wait_for_state
from sdk import Sdk
from testbed import Cluster
from wire import Wire


def wrong_login(cluster: Cluster) -> str:
    """A configuration of Docker's whose password the registry does not take."""
    auths = {cluster.snapshot_registry: {"username": "nobody", "password": "wrong-password"}}
    return json.dumps({"auths": auths})


def test_a_pause_that_fails(manager: Sdk, boxes: Boxes, cluster: Cluster, wire: Wire) -> None:
    sdk = manager
    sandbox = boxes.create(sdk)
    run(sdk, sandbox, "echo kept >/kept; (while :; do date +%s >/beat; sleep 0.1; done) >/dev/null 2>&1 &")
    cluster.keep_login(cluster.push_secret, wrong_login(cluster))
    try:
        sdk(sandbox.pause())
        status = wait_for_state(wire, sandbox.id, "Running", "PAUSE_FAILED")
        assert cluster.snapshot_registry in status["message"], status
        assert "wrong-password" not in json.dumps(status)
        # The same processes run on, and it is not taken for a pause that is under way.
        assert run(sdk, sandbox, "cat /kept; first=$(cat /beat); sleep 1.2; [ $(cat /beat) != $first ] && echo beats").split() == ["kept", "beats"]
        assert sdk(sdk.manager.get_sandbox_info(sandbox.id)).status.reason == "PAUSE_FAILED"
        snapshot = sdk(sandbox.create_snapshot())
        failed = wait_for_snapshot(wire, snapshot.id, "Ready", "Failed")
        assert failed["status"]["state"] == "Failed" and cluster.snapshot_registry in failed["status"]["message"]
        with pytest.raises(SandboxApiException) as caught:
            boxes.create(sdk, snapshot_id=snapshot.id)
        assert (caught.value.status_code, caught.value.error.code) == (409, "SNAPSHOT::NOT_READY")
    finally:
        cluster.keep_login(cluster.push_secret)
    sdk(sandbox.pause())
    status = sdk.wait_for(sandbox.id, "Paused").status
    assert status.reason == "PAUSED" and status.message is None
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    assert run(sdk, resumed, "cat /kept").strip() == "kept"
    assert wait_for_state(wire, sandbox.id, "Running", "RUNNING")
    sdk(sdk.manager.delete_snapshot(snapshot.id))


def test_its_pod_is_taken_away(manager: Sdk, boxes: Boxes, cluster: Cluster, wire: Wire) -> None:
    """Deleted behind the controller's back, or evicted: what was not captured is lost, and that is said."""
    sdk = manager
    sandbox = boxes.create(sdk)
    cluster.kubectl("delete", "pod", "--selector", f"opensandbox.io/id={sandbox.id}", "--grace-period=0", "--force")
    status = wait_for_state(wire, sandbox.id, "Failed")
    assert status["message"], status
    sdk(sandbox.kill())
