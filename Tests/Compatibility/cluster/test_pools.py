"""Sandboxes out of a pool, and the pools themselves, which only HTTP has calls for."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from opensandbox.exceptions import SandboxApiException

from cluster.box import RESOURCE, Boxes, run
from sdk import Sdk
from testbed import Cluster
from wire import Wire


def capacity(size: int) -> dict[str, int]:
    return {"bufferMin": size, "bufferMax": size, "poolMin": size, "poolMax": 4}


def template(cluster: Cluster, executor: str) -> dict[str, Any]:
    """A pod with a task executor, which starts execd when a sandbox begins: see docs/tasks.md."""
    mounts = [{"name": "executor", "mountPath": "/opt/stasis"}, {"name": "execd", "mountPath": "/opt/opensandbox"}]
    install = "cp ./execd ./bootstrap.sh /opt/opensandbox/"
    return {
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "initContainers": [
                {"name": "executor", "image": executor, "args": ["install", "/opt/stasis"], "volumeMounts": mounts[:1]},
                {"name": "execd", "image": cluster.execd_image, "command": ["/bin/sh", "-c", install], "volumeMounts": mounts[1:]},
            ],
            "containers": [
                {
                    "name": "sandbox", "image": cluster.image, "command": ["/opt/stasis/stasis-task-executor"],
                    "volumeMounts": mounts, "resources": {"limits": RESOURCE | {"memory": "128Mi"}},
                    "env": [{"name": "OF_THE_POOL", "value": "yes"}],
                }
            ],
            "volumes": [{"name": "executor", "emptyDir": {}}, {"name": "execd", "emptyDir": {}}],
        }
    }


def wait_until_available(wire: Wire, name: str, wanted: int, seconds: float = 60) -> dict[str, Any]:
    return wait_until(wire, name, lambda status: status.get("available") == wanted, seconds)


def wait_until(wire: Wire, name: str, condition: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
    """What a pool tells once its status is such. A pool tells a moment after it was done."""
    deadline = time.monotonic() + seconds
    while True:
        pool = wire.get(f"/v1/pools/{name}").json
        if condition(pool.get("status", {})):
            return pool
        assert time.monotonic() < deadline, pool
        time.sleep(0.2)


@pytest.fixture(scope="module")
def pool(cluster: Cluster, server: Any) -> Iterator[str]:
    """A pool with two ready pods."""
    wire = Wire(server.address, server.key)
    body = {"name": "warm", "template": template(cluster, cluster.push_program("stasis-task-executor")), "capacitySpec": capacity(2)}
    created = wire.send("POST", "/v1/pools", body)
    assert created.status == 201 and created.json["name"] == "warm" and created.json["capacitySpec"] == capacity(2)
    assert wire.send("POST", "/pools", body).error == (409, "KUBERNETES::POOL_ALREADY_EXISTS")
    yield "warm"
    assert wire.send("DELETE", "/v1/pools/warm").status == 204
    assert wire.get("/v1/pools/warm").error == (404, "KUBERNETES::POOL_NOT_FOUND")


def test_a_sandbox_of_a_pool(sdk: Sdk, boxes: Boxes, pool: str, wire: Wire) -> None:
    wait_until_available(wire, pool, 2)
    begin = time.monotonic()
    sandbox = boxes.create(
        sdk, env={"OF_THE_SANDBOX": "a 'quoted' one"}, metadata={"from": "pool"}, extensions={"poolRef": pool},
        timeout=timedelta(minutes=5),
    )
    info = sdk(sandbox.get_info())
    assert (info.status.state, info.metadata, info.entrypoint) == ("Running", {"from": "pool"}, ["tail", "-f", "/dev/null"])
    assert wire.get(f"/v1/sandboxes/{sandbox.id}").json["extensions"]["poolRef"] == pool
    assert time.monotonic() - begin < 30
    assert run(sdk, sandbox, 'echo "$OF_THE_POOL|$OF_THE_SANDBOX"').strip() == "yes|a 'quoted' one"
    sdk(sandbox.files.write_file("/kept", "kept"))
    wait_until(wire, pool, lambda status: status.get("allocated", 0) >= 1)

    # It leaves the pool when it is paused, and what it was to run is run again.
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config, resume_timeout=timedelta(seconds=60)))
    assert sdk(resumed.files.read_file("/kept")) == "kept"
    assert run(sdk, resumed, 'echo "$OF_THE_POOL|$OF_THE_SANDBOX"').strip() == "yes|a 'quoted' one"
    sdk(resumed.kill())


def test_pools_are_listed_and_resized(wire: Wire, pool: str) -> None:
    assert pool in [item["name"] for item in wire.get("/pools").json["items"]]
    changed = wire.send("PUT", f"/v1/pools/{pool}", {"capacitySpec": capacity(1)})
    assert changed.status == 200 and changed.json["capacitySpec"] == capacity(1)
    wait_until_available(wire, pool, 1)
    assert wire.send("PUT", f"/v1/pools/{pool}", {"capacitySpec": capacity(2)}).status == 200
    for path in ("/v1/pools/none", "/v1/pools/Not%20A%20Name", "/v1/pools/..%2fpods"):
        for method, body in (("GET", None), ("PUT", {"capacitySpec": capacity(1)}), ("DELETE", None)):
            assert wire.send(method, path, body).error == (404, "KUBERNETES::POOL_NOT_FOUND")
    for body in ({}, {"capacitySpec": {"bufferMin": 1}}, {"capacitySpec": capacity(1) | {"poolMax": -1}}):
        assert wire.send("PUT", f"/v1/pools/{pool}", body).status == 422


def test_a_pool_that_is_not_there(manager: Sdk, boxes: Boxes, wire: Wire) -> None:
    """It is told at once, not when the server has lost patience."""
    begin = time.monotonic()
    assert boxes.post(wire, {"extensions": {"poolRef": "no-such-pool"}}).error == (404, "KUBERNETES::POOL_NOT_FOUND")
    with pytest.raises(SandboxApiException) as caught:
        boxes.create(manager, extensions={"poolRef": "no-such-pool"})
    assert caught.value.status_code == 404
    assert time.monotonic() - begin < 5


def test_what_a_pool_does_not_go_with(wire: Wire, boxes: Boxes, pool: str) -> None:
    extensions = {"poolRef": pool}
    for more, status in (
        ({"snapshotId": "00000000-0000-0000-0000-000000000007", "image": None}, 422),
        ({"volumes": [{"name": "data", "mountPath": "/data", "pvc": {"claimName": "data"}}]}, 400),
        ({"platform": {"os": "linux", "arch": "amd64"}}, 400),
    ):
        answer = boxes.post(wire, more | {"extensions": extensions})
        assert answer.status == status, answer.json


def test_a_pool_that_has_nothing_to_give(wire: Wire, boxes: Boxes, cluster: Cluster, start_server: Any) -> None:
    server = start_server("pool_acquisition_timeout_seconds = 2", "sandbox_create_timeout_seconds = 30")
    hasty = Wire(server.address, server.key)
    container = {"name": "sandbox", "image": cluster.image, "command": ["tail", "-f", "/dev/null"]}
    nothing = {"bufferMin": 0, "bufferMax": 0, "poolMin": 0, "poolMax": 0}
    body = {"name": "empty", "template": {"spec": {"containers": [container]}}, "capacitySpec": nothing}
    assert hasty.send("POST", "/v1/pools", body).status == 201
    answer = boxes.post(hasty, {"extensions": {"poolRef": "empty"}})
    assert answer.error == (429, "KUBERNETES::POOL_CAPACITY_EXHAUSTED")
    assert int(answer.headers["retry-after"][0]) > 0
    assert wire.send("DELETE", "/v1/pools/empty").status == 204
