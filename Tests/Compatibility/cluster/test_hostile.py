"""What nobody should send, and objects that nobody should make: it is refused or put up with, and the server serves on."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cluster.box import Boxes, wait_for_state
from testbed import Cluster, ClusterServer
from wire import Answer, Wire


@pytest.fixture(autouse=True)
def serves_on(wire: Wire, server: ClusterServer) -> Iterator[None]:
    """Each test leaves the same process, which answers."""
    pid = server.pid
    yield
    assert wire.get("/v1/sandboxes").status == 200 and server.pid == pid


def raw(server: ClusterServer, *parts: bytes) -> bytes:
    """What comes back for some bytes, of which not all may be taken."""
    host, _, port = server.address.partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:

        def send() -> None:
            try:
                for part in parts:
                    connection.sendall(part)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        sender = threading.Thread(target=send, daemon=True)
        sender.start()
        answer = b""
        try:
            while part := connection.recv(65536):
                answer += part
                if answer.startswith(b"HTTP/1.1 4"):
                    break
        except ConnectionResetError:
            pass
        return answer


BODIES = [
    b"", b"{", b"[]", b"null", b"7", b'"text"', b"{}}", b'{"image": {"uri": "a", }}', b"\xff\xfe", b'{"a": "\xed\xa0\x80"}',
    b'{"image": {"uri": "x"}, "image": {"uri": "y"}', b"[" * 100_000, b'{"a":' * 100_000, b'{"timeout": 1e999}', b'{"timeout": NaN}',
    b'{"timeout": 99999999999999999999999}', b'{"metadata": {"a": 1}}', b'{"env": []}', b'{"entrypoint": "tail"}', b'{"image": "x"}',
    b'{"image": {"uri": "\\u0000"}}', b'{"volumes": [{}]}', b'{"extensions": {"poolRef": ["x"]}}', b"\x00" * 1000,
]


@pytest.mark.parametrize("path", ["/v1/sandboxes", "/v1/pools"])
def test_bodies_that_make_no_sense(wire: Wire, path: str) -> None:
    for body in BODIES:
        answer = wire.send("POST", path, body)
        assert answer.status in (400, 413, 422), (body[:40], answer.status)
        assert answer.json.keys() in ({"code", "message"}, {"detail"})


def test_bodies_without_end(wire: Wire, server: ClusterServer) -> None:
    head = f"POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nOPEN-SANDBOX-API-KEY: {server.key}\r\n".encode()
    begin = time.monotonic()
    answer = raw(server, head + b'Content-Length: 50000000\r\n\r\n{"env": {"A": "', *[b"x" * 1_000_000] * 49)
    assert answer.split()[1] == b"413" and time.monotonic() - begin < 20
    for rest in (b"Content-Length: 99999999999999\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n{"):
        answer = raw(server, head + rest)
        # Of the second one the server does not know that it would not have gone on.
        assert answer == b"" or answer.split()[1] in (b"400", b"413", b"422"), answer[:200]


PATHS = [
    "/v1/sandboxes/..%2f..%2fapi", "/v1/sandboxes/%2e%2e/snapshots", "/v1/sandboxes/a%00b", "/v1/sandboxes/a%0d%0ab", "/v1/sandboxes/%ff%fe",
    "/v1/sandboxes/a,b", "/v1/sandboxes/a=b", "/v1/sandboxes/!a", "/v1/sandboxes/" + "a" * 5000, "/v1/sandboxes/x%3Flimit=1",
    "/v1/snapshots/..%2fpods", "/v1/snapshots/a%2Fb", "/v1/snapshots/" + "a" * 5000, "/v1/snapshots/%E2%80%AE", "/v1/pools/..%2f..%2fnodes",
    "/v1/../v1/sandboxes/x", "/v1/sandboxes/./x",
]
# What needs no key is before or inside these.
DISGUISES = [
    "//v1/sandboxes", "/v1//sandboxes", "/health/../v1/sandboxes", "/health%2f..%2fv1/sandboxes", "/health/v1/sandboxes", "/docs/../v1/sandboxes",
    "/openapi.json/../v1/sandboxes", "/v1/sandboxes/x/proxy/80/../../../../sandboxes", "/sandboxes/x/proxy/80/%2e%2e/%2e%2e/%2e%2e", "/V1/sandboxes",
    "/v1/sandboxes;/health", "/v1/sandboxes?/health", "/v1/sandboxes#/health",
]


def test_paths_that_lead_elsewhere(wire: Wire, cluster: Cluster) -> None:
    """What is asked of the API server is asked by name, whatever the name is like."""
    for path in PATHS:
        for method in ("GET", "DELETE"):
            answer = wire.send(method, path)
            assert answer.status in (400, 404, 405), (path, answer.status, answer.body[:200])
    for path in PATHS[:10]:
        for call in ("pause", "resume"):
            assert wire.send("POST", f"{path}/{call}").status in (400, 404, 405), path
        assert wire.send("PATCH", f"{path}/metadata", {"a": "b"}).status in (400, 404, 405), path
        assert wire.get(f"{path}/endpoints/8080").status in (400, 404), path


def test_paths_in_disguise(server: ClusterServer, wire: Wire) -> None:
    """Nobody gets around the key."""
    for path in DISGUISES:
        for method in ("GET", "POST"):
            head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
            answer = raw(server, head.encode())
            assert answer.startswith(b"HTTP/1.1 4") and b"items" not in answer, (path, answer[:200])


def test_headers(server: ClusterServer, boxes: Boxes, wire: Wire, cluster: Cluster) -> None:
    """Nothing of a request gets into the head of an answer, and a key of a request is only a key."""
    for name, value in (("X-Request-ID", "a\r\nSet-Cookie: b=c"), ("Idempotency-Key", "a\r\nb: c"), ("Host", "x\r\ny")):
        request = f"GET /v1/sandboxes HTTP/1.1\r\nOPEN-SANDBOX-API-KEY: {server.key}\r\n{name}: {value}\r\nConnection: close\r\n\r\n"
        assert b"set-cookie" not in raw(server, request.encode()).lower()
    both = b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = raw(server, f"POST /v1/sandboxes HTTP/1.1\r\nHost: x\r\nOPEN-SANDBOX-API-KEY: {server.key}\r\n".encode() + both)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4"), answer[:200]
    answer = boxes.post(wire, Idempotency_Key="../../" + "k" * 200)
    assert answer.status == 202
    assert boxes.post(wire, Idempotency_Key="../../" + "k" * 200).json["id"] == answer.json["id"]


QUERIES = [
    "state=%00", "metadata=a", "metadata=%ff", "page=0", "page=99999999999999999999", "pageSize=201", "pageSize=-1", "page=a",
    "metadata=" + "a%3Db%26" * 2000, "state=" + "x" * 5000,
]


def test_queries(wire: Wire) -> None:
    for query in QUERIES:
        assert wire.get(f"/v1/sandboxes?{query}").status in (200, 400, 414, 422, 431), query[:50]
        assert wire.get(f"/v1/snapshots?{query}").status in (200, 400, 414, 422, 431), query[:50]


def test_what_is_asked_for_stays_in_its_place(wire: Wire, boxes: Boxes, cluster: Cluster) -> None:
    """Values are values: no shell, no template and no label selector reads them."""
    odd = "$(touch /owned); `id` \"'\\ {{.Values}} $(OPENSANDBOX_ID) ü \n end"
    answer = boxes.post(
        wire, {"env": {"ODD": odd, "EXECD": "/bin/false"}, "entrypoint": ["tail", "-f", "/dev/null", "$(touch /owned)"], "extensions": {"x": odd}}
    )
    assert answer.status == 202, answer.json
    sandbox = wire.get(f"/v1/sandboxes/{answer.json['id']}").json
    assert sandbox["extensions"] == {"x": odd} and sandbox["entrypoint"][-1] == "$(touch /owned)"
    endpoint = wire.get(f"/v1/sandboxes/{answer.json['id']}/endpoints/44772").json["endpoint"]
    script = Wire(endpoint, None).send("POST", "/cgi-bin/sh", b'printf %s "$ODD"; ls /owned')
    printed = script.body.decode()
    assert "/owned: No such file" in printed and "{{.Values}}" in printed and "`id`" in printed


def apply(cluster: Cluster, name: str, metadata: dict[str, Any], spec: dict[str, Any]) -> None:
    document = {
        "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "BatchSandbox", "metadata": {"name": name} | metadata, "spec": spec,
    }
    cluster.kubectl("apply", "--filename", "-", standard_input=json.dumps(document))


def listed(wire: Wire) -> dict[str, Any]:
    return {item["id"]: item for item in wire.get("/v1/sandboxes?pageSize=200").json["items"]}


def test_objects_that_somebody_made_by_hand(wire: Wire, boxes: Boxes, cluster: Cluster) -> None:
    """The list shows what there is, and nobody takes another one's name."""
    answer = boxes.post(wire)
    sandbox_id = answer.json["id"]
    pod = {"spec": {"containers": [{"name": "main", "image": cluster.image, "command": ["sleep", "1000"]}], "terminationGracePeriodSeconds": 1}}
    apply(cluster, "by-hand", {}, {"replicas": 1, "template": pod})
    apply(cluster, "garbage", {"annotations": {"stasis.dev/request": "{[", "sandbox.opensandbox.io/endpoints": "7"}}, {"replicas": 0, "template": pod})
    apply(cluster, "impostor", {"labels": {"opensandbox.io/id": sandbox_id, "who": "impostor"}}, {"replicas": 0, "template": pod})
    try:
        wait_for_state(wire, "by-hand", "Running")
        shown = listed(wire)
        assert {"by-hand", "garbage", sandbox_id} <= shown.keys()
        assert shown["by-hand"]["image"]["uri"] == cluster.image
        assert "who" not in shown[sandbox_id].get("metadata", {})
        assert wire.send("PATCH", f"/v1/sandboxes/{sandbox_id}/metadata", {"mine": "yes"}).json["metadata"] == {"mine": "yes"}
    finally:
        for name in ("by-hand", "garbage", "impostor"):
            cluster.kubectl("delete", "batchsandbox", name, "--wait=false")


def test_another_namespace_is_nobodys(wire: Wire, cluster: Cluster) -> None:
    """What is elsewhere in the cluster is unknown, and not told apart from what is nowhere."""
    other = f"{cluster.namespace}-other"
    cluster.kubectl("create", "namespace", other)
    try:
        metadata = {"namespace": other, "labels": {"opensandbox.io/id": "elsewhere"}}
        document = {
            "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "BatchSandbox", "metadata": {"name": "elsewhere"} | metadata,
            "spec": {"replicas": 0, "template": {"spec": {"containers": []}}},
        }
        cluster.kubectl("--namespace", other, "apply", "--filename", "-", standard_input=json.dumps(document))

        def asked(sandbox_id: str) -> list[tuple[int, bytes]]:
            path = f"/v1/sandboxes/{sandbox_id}"
            answers: list[Answer] = [
                wire.get(path), wire.send("DELETE", path), wire.send("POST", f"{path}/pause"), wire.send("POST", f"{path}/resume"),
                wire.send("POST", f"{path}/snapshots"), wire.get(f"{path}/endpoints/80"), wire.send("PATCH", f"{path}/metadata", {"a": "b"}),
                wire.get(f"{path}/diagnostics/logs"), wire.get(f"{path}/diagnostics/events"),
            ]
            return [(answer.status, answer.body.replace(sandbox_id.encode(), b"ID")) for answer in answers]

        assert asked("elsewhere") == asked("nowhere-at-all")
        assert "elsewhere" not in listed(wire)
    finally:
        cluster.kubectl("delete", "namespace", other, "--wait=false")
