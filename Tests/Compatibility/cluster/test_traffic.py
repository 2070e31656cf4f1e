"""What requests through the server's proxy do to sandboxes on Kubernetes, and what it does that none come."""

import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from cluster.box import Boxes, wait_for_state
from testbed import Cluster, ClusterServer
from wire import Wire

#: The shortest time that there is.
IDLE = 10


def ping(server: ClusterServer, sandbox_id: str) -> tuple[int, str]:
    """Asks execd in a sandbox, through the proxy."""
    url = f"http://{server.address}/v1/sandboxes/{sandbox_id}/proxy/44772/ping"
    with urllib.request.urlopen(url, timeout=90) as answer:
        return answer.status, answer.read().decode()


def test_idle_sandboxes_are_paused_and_woken_by_traffic(
    cluster: Cluster, server: ClusterServer, boxes: Boxes, wire: Wire
) -> None:
    created = boxes.post(
        wire, {"extensions": {"access.idle-pause.seconds": str(IDLE), "access.auto-resume": "true"}}
    )
    assert created.status == 202, created.json
    sandbox_id = created.json["id"]
    assert created.json["extensions"]["access.auto-resume"] == "true"

    # Used, it goes on for longer than it may be idle.
    busy_until = time.monotonic() + IDLE + 6
    while time.monotonic() < busy_until:
        assert ping(server, sandbox_id)[0] == 200
        time.sleep(1)
    assert wire.get(f"/v1/sandboxes/{sandbox_id}").json["status"]["state"] == "Running"
    noted = cluster.kubectl("get", "batchsandbox", sandbox_id, "--output=jsonpath={.metadata.annotations}")
    assert "stasis.dev/last-access" in noted

    # Left alone, it is paused.
    wait_for_state(wire, sandbox_id, "Paused", seconds=90)

    # Many requests wake it once, and all are answered.
    with ThreadPoolExecutor(8) as clients:
        answers = list(clients.map(lambda _: ping(server, sandbox_id)[0], range(8)))
    assert answers == [200] * 8
    generation = cluster.kubectl("get", "batchsandbox", sandbox_id, "--output=jsonpath={.spec.pause}")
    assert generation == "false"
    assert wire.get(f"/v1/sandboxes/{sandbox_id}").json["status"]["state"] == "Running"


def test_a_paused_sandbox_that_does_not_ask_for_it_stays_asleep(
    server: ClusterServer, boxes: Boxes, wire: Wire
) -> None:
    sandbox_id = boxes.post(wire).json["id"]
    assert wire.send("POST", f"/v1/sandboxes/{sandbox_id}/pause").status == 202
    wait_for_state(wire, sandbox_id, "Paused", seconds=90)
    refused = wire.get(f"/v1/sandboxes/{sandbox_id}/proxy/44772/ping")
    assert refused.error == (404, "KUBERNETES::POD_IP_NOT_AVAILABLE")
    assert wire.get(f"/v1/sandboxes/{sandbox_id}").json["status"]["state"] == "Paused"
