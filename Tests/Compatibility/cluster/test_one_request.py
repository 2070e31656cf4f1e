"""One name follows a request: from the server's log to the object, the controller, the Job, the committer and the registry."""

import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from cluster.box import Boxes, status, wait_for_snapshot, wait_for_state
from testbed import Cluster, ClusterServer
from wire import Wire

ANNOTATION = "stasis.dev/request-id"


def annotations(cluster: Cluster, kind: str, name: str) -> dict[str, str]:
    found = json.loads(cluster.kubectl("get", kind, name, "--output=json"))
    return found["metadata"].get("annotations", {})


def made_by(cluster: Cluster, kind: str, request: str) -> list[dict[str, Any]]:
    """The objects of a kind that say that they are of a request."""
    items = json.loads(cluster.kubectl("get", kind, "--output=json"))["items"]
    return [item for item in items if item["metadata"].get("annotations", {}).get(ANNOTATION) == request]


def registry_log(cluster: Cluster) -> str:
    return Path(cluster.environment["STASIS_TESTBED"], "logs", "login-registry.log").read_text(errors="replace")


def expect_in_log(read: Any, request: str, what: str, seconds: float = 30) -> str:
    """Waits for a line with the request in a log, and answers all of them."""
    deadline = time.monotonic() + seconds
    while True:
        lines = [line for line in read().splitlines() if request in line]
        if any(what in line for line in lines):
            return "\n".join(lines)
        assert time.monotonic() < deadline, f"no line with {request} and {what!r}: {lines}"
        time.sleep(0.2)


def look_at_job(cluster: Cluster, wire: Wire, sandbox: str, request: str) -> str | None:
    """The log of the Job that captures a sandbox; None if that was gone before anybody could look."""
    while True:
        state = status(wire, sandbox)["state"]
        for job in made_by(cluster, "jobs", request):
            environment = job["spec"]["template"]["spec"]["containers"][0]["env"]
            assert {"name": "STASIS_REQUEST_ID", "value": request} in environment
            log = cluster.kubectl("logs", f"job/{job['metadata']['name']}", "--container=commit", check=False)
            if f"request_id={request}" in log:
                return log
        if state != "Pausing":
            return None
        time.sleep(0.1)


def expect_everywhere(cluster: Cluster, server: ClusterServer, request: str) -> None:
    """Looks for a request that has led to a capture in each of the logs that last."""
    expect_in_log(lambda: server.end_of_log(2000), request, "request_id=")
    controller = expect_in_log(lambda: cluster.end_of_log(5000), request, "transition")
    assert f"request_id={request} " in controller
    events = made_by(cluster, "events", request)
    assert events, "no Event bears the name of the request"
    expect_in_log(lambda: registry_log(cluster), request, f"(request={request})")
    pushed = [line for line in registry_log(cluster).splitlines() if f"(request={request})" in line]
    assert any('"PUT /v2/' in line and "/manifests/" in line for line in pushed), pushed


def test_a_pause(boxes: Boxes, wire: Wire, cluster: Cluster, server: ClusterServer) -> None:
    created = f"create-{uuid.uuid4().hex}"
    # So much that the Job takes a while.
    fill = "head -c 100000000 /dev/urandom >/big; exec tail -f /dev/null"
    made = boxes.post(wire, {"entrypoint": ["sh", "-c", fill]}, X_Request_ID=created)
    sandbox = made.json["id"]
    wait_for_state(wire, sandbox, "Running")
    expect_in_log(lambda: cluster.end_of_log(5000), created, "to=running")

    # A Job may be gone before anybody looks at it. Then once more.
    for _ in range(3):
        paused, resumed = (f"{word}-{uuid.uuid4().hex}" for word in ("pause", "resume"))
        answer = wire.send("POST", f"/v1/sandboxes/{sandbox}/pause", X_Request_ID=paused)
        assert (answer.status, answer.headers["x-request-id"]) == (202, [paused])
        log = look_at_job(cluster, wire, sandbox, paused)
        wait_for_state(wire, sandbox, "Paused")
        if log is not None:
            break
        wire.send("POST", f"/v1/sandboxes/{sandbox}/resume")
        wait_for_state(wire, sandbox, "Running")
    assert log is not None and "a commit begins" in log
    wish = json.loads(annotations(cluster, "batchsandbox", sandbox)["stasis.dev/wish"])
    assert (wish["request"], wish["pause"]) == (paused, True)
    (snapshot,) = made_by(cluster, "sandboxsnapshots", paused)
    assert json.loads(snapshot["metadata"]["annotations"]["stasis.dev/snapshot-request"])["requestID"] == paused
    expect_everywhere(cluster, server, paused)

    answer = wire.send("POST", f"/v1/sandboxes/{sandbox}/resume", X_Request_ID=resumed)
    assert answer.status == 202
    wait_for_state(wire, sandbox, "Running")
    lines = expect_in_log(lambda: cluster.end_of_log(5000), resumed, "to=running")
    assert "to=resuming" in lines and paused not in lines

    # A wish without a request is not taken for that of the last one, though that is still written there.
    cluster.kubectl("patch", "batchsandbox", sandbox, "--type=merge", "--patch", '{"spec":{"pause":true}}')
    wait_for_state(wire, sandbox, "Paused")
    uid = json.loads(cluster.kubectl("get", "batchsandbox", sandbox, "--output=json"))["metadata"]["uid"]
    of_its_own = [
        item["metadata"]["annotations"][ANNOTATION]
        for item in json.loads(cluster.kubectl("get", "sandboxsnapshots", "--output=json"))["items"]
        if item["spec"]["sandboxName"] == sandbox
    ]
    assert len(of_its_own) == 1 and of_its_own[0].startswith(f"{uid}-"), of_its_own
    expect_in_log(lambda: registry_log(cluster), of_its_own[0], "(request=")


def test_a_snapshot(boxes: Boxes, wire: Wire, cluster: Cluster, server: ClusterServer) -> None:
    request = f"snapshot-{uuid.uuid4().hex}"
    sandbox = boxes.post(wire).json["id"]
    wait_for_state(wire, sandbox, "Running")
    made = wire.send("POST", f"/v1/sandboxes/{sandbox}/snapshots", {}, X_Request_ID=request)
    wait_for_snapshot(wire, made.json["id"], "Ready")
    (snapshot,) = made_by(cluster, "sandboxsnapshots", request)
    assert snapshot["status"]["phase"] == "Succeed"
    expect_in_log(lambda: cluster.end_of_log(5000), request, "to=ready")
    expect_in_log(lambda: registry_log(cluster), request, f"(request={request})")
    wire.send("DELETE", f"/v1/snapshots/{made.json['id']}")


@pytest.mark.parametrize(
    ("sent", "travels"),
    [
        ("two words (and more)", "two_words__and_more_"),
        ('"quoted"; x=y, z', "_quoted___x=y__z"),
        ("l" * 128, "l" * 128),
    ],
)
def test_a_name_that_could_mean_something(
    boxes: Boxes, wire: Wire, cluster: Cluster, sent: str, travels: str
) -> None:
    made = boxes.post(wire, X_Request_ID=sent)
    assert made.headers["x-request-id"] == [sent]
    wish = json.loads(annotations(cluster, "batchsandbox", made.json["id"])["stasis.dev/wish"])
    assert wish["request"] == travels


def test_a_node_that_is_full_for_a_while(boxes: Boxes, wire: Wire, cluster: Cluster) -> None:
    """The node refuses the Job's pod for want of room; nothing is frozen, and the pause waits for some."""
    request = f"full-{uuid.uuid4().hex}"
    sandbox = boxes.post(wire).json["id"]
    wait_for_state(wire, sandbox, "Running")
    greedy = {
        "apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "greedy"},
        "spec": {"limits": [{"type": "Container", "default": {"cpu": "5k"}, "defaultRequest": {"cpu": "5k"}}]},
    }
    cluster.kubectl("apply", "--filename", "-", standard_input=json.dumps(greedy))
    try:
        assert wire.send("POST", f"/v1/sandboxes/{sandbox}/pause", X_Request_ID=request).status == 202
        expect_in_log(lambda: cluster.end_of_log(5000), request, "a node has no room for a commit", seconds=60)
        assert wire.get(f"/v1/sandboxes/{sandbox}").json["status"]["state"] == "Pausing"
    finally:
        cluster.kubectl("delete", "limitrange", "greedy")
    wait_for_state(wire, sandbox, "Paused", seconds=120)
    # Whichever Job has done it, it is the same request's.
    expect_in_log(lambda: registry_log(cluster), request, f"(request={request})")
