"""What clients see on the wire and the SDK hides."""

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from testbed import Testbed
from wire import Wire

UNKNOWN = str(uuid.UUID(int=7))


@pytest.fixture(params=["", "/v1"])
def mount(request: pytest.FixtureRequest) -> str:
    """Every route is there twice."""
    return request.param


def creation(testbed: Testbed, **changes: Any) -> dict[str, Any]:
    body = {
        "image": {"uri": testbed.image},
        "entrypoint": ["stasis-responder"],
        "resourceLimits": {"cpu": "500m", "memory": "128Mi"},
    } | changes
    return {name: value for name, value in body.items() if value is not ...}


def nulls(value: Any, path: str = "") -> Iterator[str]:
    """Where a JSON value has a null. The SDK breaks on most of them."""
    if value is None:
        yield path
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from nulls(item, f"{path}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from nulls(item, f"{path}[{number}]")


def test_health_needs_no_key(testbed: Testbed) -> None:
    answer = Wire(testbed.server.address, None).get("/health")
    assert (answer.status, answer.json) == (200, {"status": "healthy"})


def test_keys(testbed: Testbed, mount: str) -> None:
    path = f"{mount}/sandboxes"
    assert Wire(testbed.server.address, None).get(path).error == (401, "MISSING_API_KEY")
    assert Wire(testbed.server.address, "wrong").get(path).error == (401, "INVALID_API_KEY")
    assert Wire(testbed.server.address, testbed.server.key).get(path).status == 200


def test_request_ids_and_dates(wire: Wire) -> None:
    answer = wire.get("/v1/sandboxes", X_Request_ID="mine-17")
    assert answer.headers["x-request-id"] == ["mine-17"]
    assert len(answer.headers["date"]) == 1
    made = wire.get("/v1/sandboxes").headers["x-request-id"]
    assert len(made) == 1 and uuid.UUID(hex=made[0]).hex == made[0]


def test_the_name_of_a_request_reaches_the_registry(wire: Wire, testbed: Testbed) -> None:
    sandbox = wire.send("POST", "/v1/sandboxes", creation(testbed)).json["id"]
    path = f"/v1/sandboxes/{sandbox}"
    taken = wire.send("POST", f"{path}/snapshots", {}, X_Request_ID="a-snapshot")
    wait_for(wire, f"/v1/snapshots/{taken.json['id']}", "Ready")
    assert wire.send("POST", f"{path}/pause", X_Request_ID="a pause").status == 202
    wait_for(wire, path, "Paused")
    lines = Path(testbed.folder, "registry", "registry.log").read_text(errors="replace").splitlines()
    for request in ("a-snapshot", "a_pause"):
        pushed = [line for line in lines if f"(request={request})" in line and '"PUT ' in line]
        assert any("/manifests/" in line for line in pushed), request
    assert wire.send("DELETE", path).status == 204
    assert wire.send("DELETE", f"/v1/snapshots/{taken.json['id']}").status == 204


def wait_for(wire: Wire, path: str, state: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (status := wire.get(path).json["status"])["state"] != state:
        assert time.monotonic() < deadline, f"still {status}"
        time.sleep(0.1)


def test_the_whole_life(wire: Wire, testbed: Testbed, mount: str) -> None:
    created = wire.send("POST", f"{mount}/sandboxes", creation(testbed, metadata={"a": "b"}, extensions={"x.y": "z"}))
    assert created.status == 202
    path = f"{mount}/sandboxes/{created.json['id']}"
    assert {"id", "status", "createdAt", "entrypoint"} <= created.json.keys()
    assert str(uuid.UUID(created.json["id"])) == created.json["id"]
    found = wire.get(path)
    listed = wire.get(f"{mount}/sandboxes")
    assert (found.status, listed.status) == (200, 200)
    assert found.json["image"] == {"uri": testbed.image}
    assert listed.json["items"][0]["id"] == created.json["id"]
    for answer in (created, found, listed):
        assert list(nulls(answer.json)) == []
        assert answer.headers["content-type"][0].startswith("application/json")
    endpoint = wire.get(f"{path}/endpoints/8080?use_server_proxy=false")
    assert endpoint.status == 200
    assert endpoint.json["endpoint"].endswith(":8080") and "://" not in endpoint.json["endpoint"]
    paused = wire.send("POST", f"{path}/pause")
    assert (paused.status, paused.body) == (202, b"")
    deleted = wire.send("DELETE", path)
    assert (deleted.status, deleted.body) == (204, b"")
    assert wire.get(path).error == (404, "KUBERNETES::SANDBOX_NOT_FOUND")


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({"image": ...}, "body"),
        ({"image": {"uri": 7}}, "uri"),
        ({"timeout": 59}, "timeout"),
        ({"timeout": "soon"}, "timeout"),
        ({"entrypoint": []}, "entrypoint"),
        ({"entrypoint": "sh -c true"}, "entrypoint"),
        ({"resourceLimits": {"cpu": 1}}, "cpu"),
        ({"env": {"A": 1}}, "A"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_a_body_that_is_not_valid(wire: Wire, testbed: Testbed, changes: dict[str, Any], location: str) -> None:
    answer = wire.send("POST", "/v1/sandboxes", creation(testbed, **changes))
    assert answer.status == 422
    for detail in answer.json["detail"]:
        assert {"loc", "msg", "type"} <= detail.keys()
    assert any(location in detail["loc"] for detail in answer.json["detail"]), answer.json


def test_every_mistake_is_named_at_once(wire: Wire, testbed: Testbed) -> None:
    answer = wire.send("POST", "/v1/sandboxes", creation(testbed, timeout=1, entrypoint=[], env={"A": 1}))
    assert answer.status == 422
    named = {part for detail in answer.json["detail"] for part in detail["loc"]}
    assert {"timeout", "entrypoint", "A"} <= named


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"\xff", b'{"image":' + b"[" * 10_000])
def test_a_body_that_is_not_json(wire: Wire, body: bytes) -> None:
    assert wire.send("POST", "/v1/sandboxes", body).status == 422


def test_a_body_that_is_too_large(wire: Wire, testbed: Testbed) -> None:
    answer = wire.send("POST", "/v1/sandboxes", creation(testbed, env={"A": "x" * (2 << 20)}))
    assert answer.status == 413


def test_unknown_fields_are_ignored(wire: Wire, testbed: Testbed) -> None:
    assert wire.send("POST", "/v1/sandboxes", creation(testbed, novelty={"deep": [None]})).status == 202


@pytest.mark.parametrize("query", ["page=0", "pageSize=0", "pageSize=201", "page=x"])
def test_pages_out_of_range(wire: Wire, query: str) -> None:
    assert wire.get(f"/v1/sandboxes?{query}").status == 422


def test_routes_that_do_not_exist(wire: Wire) -> None:
    assert wire.get("/v1/no/such/route").error == (404, "GENERAL::UNKNOWN_ERROR")
    assert wire.send("PUT", "/v1/sandboxes").error == (405, "GENERAL::UNKNOWN_ERROR")


def test_an_endpoint_of_nothing(wire: Wire) -> None:
    assert wire.get(f"/v1/sandboxes/{UNKNOWN}/endpoints/80").error == (404, "KUBERNETES::SANDBOX_NOT_FOUND")


def test_metrics_events_are_accepted(wire: Wire) -> None:
    event = {"eventType": "sandbox.create", "createDurationMs": 5, "success": True}
    assert wire.send("POST", "/v1/metrics/events", event).status == 204
