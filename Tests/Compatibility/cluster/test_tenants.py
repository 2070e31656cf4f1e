"""Several tenants of one server: each has a namespace, and what is another's is not told apart from what does not exist."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.box import Boxes, wait_for_snapshot
from testbed import Cluster, ClusterServer
from wire import Answer, Wire

_TENANTS = """\
[[tenants]]
name = "red"
namespace = "{red}"
api_keys = ["key-of-red", "another-key-of-red"]

[[tenants]]
name = "blue"
namespace = "{blue}"
api_keys = ["key-of-blue"]
"""


@pytest.fixture(scope="module")
def both(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterServer]:
    """A server of two tenants. Nobody works in the second one's namespace: it only has to be another one."""
    blue = f"{cluster.namespace}-blue"
    cluster.kubectl("create", "namespace", blue)
    file: Path = tmp_path_factory.mktemp("tenants") / "tenants.toml"
    file.write_text(_TENANTS.format(red=cluster.namespace, blue=blue))
    server = cluster.server("sandbox_create_timeout_seconds = 30", f'[tenants]\nfile = "{file}"')
    yield server
    cluster.kubectl("--namespace", blue, "delete", "batchsandboxes", "--all", "--wait=false")
    cluster.kubectl("delete", "namespace", blue, "--wait=false")


def asked(wire: Wire, sandbox_id: str, snapshot_id: str) -> list[tuple[int, bytes]]:
    """What a tenant hears of identities that are not its own."""
    path, snapshot = f"/v1/sandboxes/{sandbox_id}", f"/v1/snapshots/{snapshot_id}"
    answers: list[Answer] = [
        wire.get(path), wire.send("DELETE", path), wire.send("POST", f"{path}/pause"), wire.send("POST", f"{path}/resume"),
        wire.send("POST", f"{path}/snapshots"), wire.get(f"{path}/endpoints/80"), wire.send("PATCH", f"{path}/metadata", {"a": "b"}),
        wire.send("POST", f"{path}/renew-expiration", {"expiresAt": "2099-01-01T00:00:00Z"}), wire.get(f"{path}/proxy/44772/ping"),
        wire.get(f"{path}/diagnostics/logs?scope=container"), wire.get(f"{path}/diagnostics/events?scope=runtime"),
        wire.get(snapshot), wire.send("DELETE", snapshot), wire.get(f"/v1/snapshots?sandboxId={sandbox_id}"),
        wire.send("POST", "/v1/sandboxes", {"snapshotId": snapshot_id, "entrypoint": ["tail"], "resourceLimits": {"memory": "64Mi"}}),
    ]
    hide = ((sandbox_id.encode(), b"SANDBOX"), (snapshot_id.encode(), b"SNAPSHOT"))
    heard = []
    for answer in answers:
        body = answer.body
        for found, instead in hide:
            body = body.replace(found, instead)
        heard.append((answer.status, body))
    return heard


def test_what_is_anothers_does_not_exist(both: ClusterServer, boxes: Boxes, server: ClusterServer) -> None:
    red, blue = Wire(both.address, "key-of-red"), Wire(both.address, "key-of-blue")
    answer = boxes.post(red, {"metadata": {"of": "red"}})
    assert answer.status == 202, answer.json
    sandbox_id = answer.json["id"]
    snapshot_id = red.send("POST", f"/v1/sandboxes/{sandbox_id}/snapshots").json["id"]
    wait_for_snapshot(red, snapshot_id, "Ready")

    unknown = asked(blue, str(uuid.uuid4()), str(uuid.uuid4()))
    assert asked(blue, sandbox_id, snapshot_id) == unknown
    assert {status for status, _ in unknown} <= {200, 404} and unknown[0][0] == 404
    for path in ("/v1/sandboxes", "/v1/snapshots", "/v1/sandboxes?metadata=of%3Dred"):
        assert blue.get(path).json["items"] == []
    assert blue.get("/v1/pools").json["items"] == []

    # Nothing of that has reached it.
    other = Wire(both.address, "another-key-of-red")
    assert other.get(f"/v1/sandboxes/{sandbox_id}").json["status"]["state"] == "Running"
    assert other.get(f"/v1/sandboxes/{sandbox_id}").json["metadata"] == {"of": "red"}
    assert other.get(f"/v1/snapshots/{snapshot_id}").status == 200
    # Whoever serves the namespace alone sees the same.
    assert Wire(server.address, server.key).get(f"/v1/sandboxes/{sandbox_id}").status == 200
    assert Wire(both.address, "key-of-nobody").get("/v1/sandboxes").error == (401, "INVALID_API_KEY")
    assert Wire(both.address, None).get("/v1/sandboxes").error == (401, "MISSING_API_KEY")
    assert red.send("DELETE", f"/v1/snapshots/{snapshot_id}").status == 204
