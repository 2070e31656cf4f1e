"""The server is killed in the middle, and there are several: nothing is lost, nothing is done twice, nothing stays behind."""

import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from cluster.box import Boxes, run, wait_for_snapshot, wait_for_state
from sdk import Sdk
from testbed import Cluster, ClusterServer
from wire import Answer, Wire

CREATED_UNTIL = "stasis.dev/created-until"
PATIENCE = 20


@pytest.fixture(scope="module")
def doomed(start_server: Callable[..., ClusterServer]) -> ClusterServer:
    """The server that is killed. Another one is there all the time."""
    return start_server(f"sandbox_create_timeout_seconds = {PATIENCE}")


@pytest.fixture
def victim(doomed: ClusterServer) -> Wire:
    return Wire(doomed.address, doomed.key)


class Call(threading.Thread):
    """A request whose server may die: `answer` is None if it did."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        super().__init__(daemon=True)
        self.answer: Answer | None = None
        self._ask = ask
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._ask()
        except OSError:
            pass


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """What is found, as soon as there is something."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
    return result


def marked(cluster: Cluster, mark: str) -> list[dict[str, Any]]:
    """The objects that a test has made, by its label."""
    text = cluster.kubectl("get", "batchsandboxes", "--selector", f"mark={mark}", "--output=json")
    return json.loads(text)["items"]


def pods(cluster: Cluster, mark: str) -> list[str]:
    return cluster.kubectl("get", "pods", "--selector", f"mark={mark}", "--output=name").split()


@pytest.fixture
def mark() -> Iterator[str]:
    yield f"m-{uuid.uuid4().hex[:12]}"


@pytest.mark.parametrize("moment", ["at once", "object", "pod"])
def test_during_a_creation_that_is_sent_again(
    boxes: Boxes, cluster: Cluster, wire: Wire, victim: Wire, doomed: ClusterServer, mark: str, moment: str
) -> None:
    """With a key, the second server gives what the first one began."""
    body = boxes.body({"metadata": {"mark": mark}, "timeout": None})
    first = Call(lambda: victim.send("POST", "/v1/sandboxes", body, Idempotency_Key=mark))
    if moment != "at once":
        until(lambda: (marked if moment == "object" else pods)(cluster, mark))
    doomed.crash()
    again = boxes.post(wire, {"metadata": {"mark": mark}, "timeout": None}, Idempotency_Key=mark)
    assert again.status == 202, again.json
    first.join()
    made, = marked(cluster, mark)
    assert made["metadata"]["name"] == again.json["id"]
    wait_for_state(wire, again.json["id"], "Running")
    assert CREATED_UNTIL not in made["metadata"]["annotations"], "somebody has heard of it"
    third = victim.send("POST", "/v1/sandboxes", body, Idempotency_Key=mark)
    assert (third.status, third.json["id"]) == (202, again.json["id"])


def test_during_a_creation_that_nobody_asks_for_again(
    boxes: Boxes, cluster: Cluster, wire: Wire, victim: Wire, doomed: ClusterServer, mark: str
) -> None:
    """It would never expire, and nobody knows of it: it is deleted, by whichever server is there."""
    begin = datetime.now(timezone.utc)
    call = Call(lambda: victim.send("POST", "/v1/sandboxes", boxes.body({"metadata": {"mark": mark}, "timeout": None})))
    made, = until(lambda: marked(cluster, mark))
    doomed.crash()
    call.join()
    assert call.answer is None, "the server was to die before it had answered"
    name = made["metadata"]["name"]
    until_when = datetime.fromisoformat(made["metadata"]["annotations"][CREATED_UNTIL])
    assert begin < until_when < begin + timedelta(seconds=PATIENCE + 60)
    # Until then it stays, then it goes. Nobody wants to wait for that: the annotation is the clock.
    wait_for_state(wire, name, "Running")
    past = "2001-01-01T00:00:00.000000Z"
    cluster.kubectl("annotate", "--overwrite", f"batchsandbox/{name}", f"{CREATED_UNTIL}={past}")
    until(lambda: wire.get(f"/v1/sandboxes/{name}").status == 404)
    until(lambda: not pods(cluster, mark))


def test_during_a_creation_with_a_timeout(
    boxes: Boxes, cluster: Cluster, wire: Wire, victim: Wire, doomed: ClusterServer, mark: str
) -> None:
    """It expires as it was to."""
    call = Call(lambda: victim.send("POST", "/v1/sandboxes", boxes.body({"metadata": {"mark": mark}, "timeout": 60})))
    made, = until(lambda: marked(cluster, mark))
    doomed.crash()
    call.join()
    boxes.made.append(made["metadata"]["name"])
    wait_for_state(wire, made["metadata"]["name"], "Running")
    end = datetime.fromisoformat(made["spec"]["expireTime"])
    assert timedelta(0) < end - datetime.now(timezone.utc) <= timedelta(seconds=60)


def test_during_a_pause_a_snapshot_and_a_deletion(
    manager: Sdk, boxes: Boxes, wire: Wire, victim: Wire, doomed: ClusterServer
) -> None:
    """What was answered is done, whoever is there; what was not is done or not, and can be asked for again."""
    sdk = manager
    sandbox = boxes.create(sdk)
    run(sdk, sandbox, "echo kept >/kept")
    path = f"/v1/sandboxes/{sandbox.id}"

    created = victim.send("POST", f"{path}/snapshots", {"name": "orphan"})
    assert created.status == 202
    doomed.crash()
    assert wait_for_snapshot(wire, created.json["id"], "Ready", "Failed")["status"]["state"] == "Ready"
    assert victim.get(f"/v1/snapshots/{created.json['id']}").json["name"] == "orphan"

    call = Call(lambda: victim.send("POST", f"{path}/pause"))
    doomed.crash()
    call.join()
    if call.answer is None and wire.get(path).json["status"]["state"] == "Running":
        assert wire.send("POST", f"{path}/pause").status in (202, 409)
    wait_for_state(wire, sandbox.id, "Paused")
    assert victim.send("POST", f"{path}/resume").status == 202
    doomed.crash()
    wait_for_state(wire, sandbox.id, "Running")
    connected = sdk(sdk.Sandbox.connect(sandbox.id, connection_config=sdk.config))
    assert run(sdk, connected, "cat /kept").strip() == "kept"

    for target in (path, f"/v1/snapshots/{created.json['id']}"):
        call = Call(lambda target=target: victim.send("DELETE", target))
        doomed.crash()
        call.join()
        assert wire.send("DELETE", target).status in (204, 404)
        until(lambda target=target: wire.get(target).status == 404 and victim.get(target).status == 404)


def test_many_servers_are_one(boxes: Boxes, cluster: Cluster, wire: Wire, victim: Wire, mark: str) -> None:
    """One request at both of them at once gives one sandbox; each answers for it, and only one pause is begun."""
    body = boxes.body({"metadata": {"mark": mark}})
    calls = [Call(lambda server=server: server.send("POST", "/v1/sandboxes", body, Idempotency_Key=mark)) for server in (wire, victim) * 2]
    for call in calls:
        call.join()
    sandbox_ids = {call.answer.json["id"] for call in calls if call.answer and call.answer.status == 202}
    assert [call.answer.status for call in calls if call.answer] == [202] * 4
    assert len(sandbox_ids) == len(marked(cluster, mark)) == 1
    sandbox_id, = sandbox_ids
    boxes.made.append(sandbox_id)
    path = f"/v1/sandboxes/{sandbox_id}"
    assert wire.get(path).json == victim.get(path).json
    listed = [server.get(f"/v1/sandboxes?metadata=mark%3D{mark}").json["items"] for server in (wire, victim)]
    assert listed[0] == listed[1] and [item["id"] for item in listed[0]] == [sandbox_id]

    calls = [Call(lambda server=server: server.send("POST", f"{path}/pause")) for server in (wire, victim) * 3]
    for call in calls:
        call.join()
    statuses = sorted(call.answer.status for call in calls if call.answer)
    assert statuses[0] == 202 and set(statuses) <= {202, 409}
    for server in (wire, victim):
        wait_for_state(server, sandbox_id, "Paused")
    assert wire.send("DELETE", path).status == 204
    until(lambda: victim.get(path).status == 404)


def test_the_controller_is_killed(manager: Sdk, boxes: Boxes, cluster: Cluster, wire: Wire) -> None:
    """What the server has accepted is done by the next one."""
    sdk = manager
    sandbox = boxes.create(sdk)
    run(sdk, sandbox, "echo kept >/kept")
    sdk(sandbox.pause())
    cluster.crash_controller()
    wait_for_state(wire, sandbox.id, "Paused")
    sdk(sdk.manager.resume_sandbox(sandbox.id))
    cluster.crash_controller()
    wait_for_state(wire, sandbox.id, "Running")
    connected = sdk(sdk.Sandbox.connect(sandbox.id, connection_config=sdk.config))
    assert run(sdk, connected, "cat /kept").strip() == "kept"
