"""What can be asked of a new sandbox on Kubernetes: images that need a login, volumes, limits, platforms."""

import base64
import json
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import Host, PlatformSpec, PVC, SandboxImageAuth, SandboxImageSpec, Volume

from cluster.box import Boxes, run, wait_for_state
from cluster.conftest import image_secrets
from sdk import Sdk
from testbed import Cluster, ClusterServer
from wire import Wire

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


@pytest.fixture(scope="module")
def hasty(start_server: Callable[..., ClusterServer]) -> Wire:
    """A server that waits for a sandbox for a few seconds only."""
    server = start_server("sandbox_create_timeout_seconds = 6", "pool_acquisition_timeout_seconds = 3")
    return Wire(server.address, server.key)


@pytest.fixture(scope="module")
def locked_image(cluster: Cluster) -> str:
    """The sandboxes' image in the registry that wants a login."""
    image = f"{cluster.environment['STASIS_TESTBED_LOGIN_REGISTRY']}/{cluster.namespace}/locked:1"
    cluster.push(image, "sandbox")
    return image


@pytest.fixture(scope="module")
def login(cluster: Cluster, locked_image: str) -> tuple[str, str]:
    """Its user and password."""
    document = json.loads(Path(cluster.environment["STASIS_TESTBED_LOGIN"]).read_text())
    auth = document["auths"][locked_image.partition("/")[0]]["auth"]
    user, _, password = base64.b64decode(auth).decode().partition(":")
    return user, password


def of(cluster: Cluster, kind: str, sandbox_id: str) -> list[dict[str, Any]]:
    """The objects of a kind that belong to a sandbox."""
    text = cluster.kubectl("get", kind, "--selector", f"opensandbox.io/id={sandbox_id}", "--output=json")
    return json.loads(text)["items"]


def test_an_image_that_needs_a_login(manager: Sdk, boxes: Boxes, cluster: Cluster, locked_image: str, login: tuple[str, str]) -> None:
    sdk = manager
    user, password = login
    image = SandboxImageSpec(locked_image, auth=SandboxImageAuth(username=user, password=password))
    sandbox = boxes.create(sdk, image)
    assert sdk(sandbox.get_info()).image.image == locked_image
    assert password not in json.dumps(of(cluster, "batchsandboxes", sandbox.id) + of(cluster, "pods", sandbox.id))
    # A resumed one still gets at its base.
    run(sdk, sandbox, "echo kept >/kept")
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    assert run(sdk, resumed, "cat /kept").strip() == "kept"

    name = f"secret/opensandbox-image-auth-{sandbox.id}"
    assert name in image_secrets(cluster)
    sdk(resumed.kill())
    deadline = time.monotonic() + 30
    while name in image_secrets(cluster):
        assert time.monotonic() < deadline, "the credentials have outlived their sandbox"
        time.sleep(0.2)


@pytest.mark.parametrize("what", ["no such image", "no login"])
def test_an_image_that_cannot_be_pulled(wire: Wire, boxes: Boxes, cluster: Cluster, locked_image: str, what: str) -> None:
    """The answer has the reason, and comes long before the server loses patience, which is after 60 s."""
    image = {"uri": f"{cluster.registry}/no/such:image"} if what == "no such image" else {"uri": f"{locked_image}-not"}
    if what == "no login":
        image["auth"] = {"username": "nobody", "password": "wrong-password"}
    begin = time.monotonic()
    answer = boxes.post(wire, {"image": image})
    assert answer.error == (500, "KUBERNETES::POD_FAILED")
    assert image["uri"] in answer.json["message"] and "wrong-password" not in answer.json["message"]
    assert time.monotonic() - begin < 45
    assert all("DELETE" in item["status"]["reason"] for item in wire.get("/v1/sandboxes").json["items"] if item["image"] == image)


def test_limits_and_requests(wire: Wire, boxes: Boxes, cluster: Cluster) -> None:
    limits = {"cpu": "200m", "memory": "96Mi"}
    answer = boxes.post(wire, {"resourceLimits": limits, "resourceRequests": {"cpu": "10m"}, "platform": {"os": "linux", "arch": ARCHITECTURE}})
    assert answer.status == 202
    pod, = of(cluster, "pods", answer.json["id"])
    container = next(container for container in pod["spec"]["containers"] if container["name"] == "sandbox")
    assert container["resources"] == {"limits": limits, "requests": {"cpu": "10m", "memory": "96Mi"}}
    assert pod["spec"]["nodeSelector"] == {"kubernetes.io/os": "linux", "kubernetes.io/arch": ARCHITECTURE}
    # What the template file says, and what every pod of a sandbox is.
    assert pod["spec"]["terminationGracePeriodSeconds"] == 1
    assert pod["spec"]["automountServiceAccountToken"] is False
    assert pod["metadata"]["labels"]["opensandbox.io/id"] == answer.json["id"]


def test_a_folder_of_the_node(manager: Sdk, boxes: Boxes, shared: Path) -> None:
    sdk = manager
    folder = shared / "one"
    volumes = [
        Volume(name="data", mountPath="/mnt/data", host=Host(path=str(folder))),
        Volume(name="part", mountPath="/mnt/part", subPath="deep", readOnly=True, host=Host(path=str(folder))),
    ]
    folder.mkdir()
    (folder / "deep").mkdir()
    (folder / "deep" / "file").write_text("from outside")
    sandbox = boxes.create(sdk, volumes=volumes)
    assert run(sdk, sandbox, "cat /mnt/part/file; echo inside >/mnt/data/inside; touch /mnt/part/no 2>/dev/null || echo refused") == "from outsiderefused\n"
    assert (folder / "inside").read_text() == "inside\n"
    # A volume is no part of what is kept, and is there again.
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    (folder / "inside").write_text("meanwhile")
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    assert run(sdk, resumed, "cat /mnt/data/inside") == "meanwhile"


def volume(**source: Any) -> dict[str, Any]:
    return {"name": "data", "mountPath": "/data", **source}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"volumes": [volume(host={"path": "/etc"})]}, "VOLUME::HOST_PATH_NOT_ALLOWED"),
        ({"volumes": [volume(host={"path": "{shared}/../.."})]}, "VOLUME::"),
        ({"volumes": [volume(host={"path": "{shared}"}, subPath="../..")]}, "VOLUME::INVALID_SUB_PATH"),
        ({"volumes": [volume(host={"path": "{shared}"}) | {"mountPath": "/opt/opensandbox/x"}]}, "VOLUME::INVALID_MOUNT_PATH"),
        ({"volumes": [volume(pvc={"claimName": "none-of-that-name", "createIfNotExists": False})]}, "VOLUME::PVC_NOT_FOUND"),
        ({"volumes": [volume(pvc={"claimName": "odd", "storage": "much"})]}, "SANDBOX::INVALID_PARAMETER"),
        ({"resourceLimits": {"memory": "12Qi"}}, "SANDBOX::INVALID_PARAMETER"),
        ({"resourceLimits": {"cpu": "-1"}}, "SANDBOX::INVALID_PARAMETER"),
        # The API server takes it, for infinite.
        ({"resourceLimits": {"memory": "1e400"}}, "SANDBOX::INVALID_PARAMETER"),
        ({"resourceLimits": {"memory": "64Mi"}, "resourceRequests": {"memory": "128Mi"}}, "SANDBOX::INVALID_PARAMETER"),
        ({"metadata": {"opensandbox.io/mine": "yes"}}, "SANDBOX::INVALID_METADATA_LABEL"),
        ({"metadata": {"a b": "c"}}, "SANDBOX::INVALID_METADATA_LABEL"),
        ({"networkPolicy": {"defaultAction": "deny", "egress": []}}, "SANDBOX::API_NOT_SUPPORTED"),
        ({"secureAccess": True}, "SANDBOX::API_NOT_SUPPORTED"),
    ],
)
def test_what_makes_no_sense(wire: Wire, boxes: Boxes, shared: Path, body: dict[str, Any], code: str) -> None:
    """It is refused at once, before anything is made."""
    text = json.dumps(body).replace("{shared}", str(shared))
    answer = boxes.post(wire, json.loads(text))
    assert answer.status == 400, answer.json
    assert answer.json["code"].startswith(code), answer.json


def test_a_claim(manager: Sdk, wire: Wire, boxes: Boxes, cluster: Cluster, shared: Path) -> None:
    """The testbed has nobody who makes volumes, so there is one already for the claim that is made."""
    sdk = manager
    folder = shared / "claimed"
    folder.mkdir()
    storage_class = f"of-{cluster.namespace}"
    persistent = {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": storage_class},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": storage_class,
            "persistentVolumeReclaimPolicy": "Retain", "hostPath": {"path": str(folder)},
        },
    }
    cluster.kubectl("apply", "--filename", "-", standard_input=json.dumps(persistent))
    try:
        claim = PVC(claimName="data", storageClass=storage_class, storage="500Mi", accessModes=["ReadWriteOnce"], deleteOnSandboxTermination=True)
        sandbox = boxes.create(sdk, volumes=[Volume(name="data", mountPath="/data", pvc=claim)])
        run(sdk, sandbox, "echo claimed >/data/file")
        assert (folder / "file").read_text() == "claimed\n"
        made = json.loads(cluster.kubectl("get", "persistentvolumeclaims", "data", "--output=json"))
        assert made["spec"]["resources"]["requests"]["storage"] == "500Mi"
        sdk(sandbox.kill())
        deadline = time.monotonic() + 60
        while cluster.kubectl("get", "persistentvolumeclaims", "--output=name").split():
            assert time.monotonic() < deadline, "the claim was to go with its sandbox"
            time.sleep(0.2)
    finally:
        cluster.kubectl("delete", "persistentvolume", storage_class, "--wait=false")


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"volumes": [volume(pvc={"claimName": "unbound", "storageClass": "nobodys", "deleteOnSandboxTermination": True})]}, "PersistentVolumeClaim"),
        ({"resourceLimits": {"memory": "900Gi"}}, "memory"),
    ],
)
def test_what_the_cluster_cannot_give(hasty: Wire, boxes: Boxes, cluster: Cluster, body: dict[str, Any], told: str) -> None:
    """The answer says what is missing, and nothing is left."""
    answer = boxes.post(hasty, body)
    assert answer.error == (504, "KUBERNETES::POD_READY_TIMEOUT")
    assert told in answer.json["message"], answer.json
    deadline = time.monotonic() + 30
    while cluster.kubectl("get", "persistentvolumeclaims", "--output=name").split():
        assert time.monotonic() < deadline, "the claim was to go with its sandbox"
        time.sleep(0.2)


def test_a_platform_that_is_not_there(hasty: Wire, boxes: Boxes) -> None:
    other = "arm64" if ARCHITECTURE == "amd64" else "amd64"
    answer = boxes.post(hasty, {"platform": {"os": "linux", "arch": other}})
    assert answer.status in (400, 504), answer.json
    assert "node" in answer.json["message"] or "platform" in answer.json["message"], answer.json


def test_it_expires(wire: Wire, boxes: Boxes, cluster: Cluster) -> None:
    answer = boxes.post(wire)
    sandbox_id = answer.json["id"]
    assert wire.send("POST", f"/v1/sandboxes/{sandbox_id}/renew-expiration", {"expiresAt": "2001-01-01T00:00:00Z"}).error == (
        400, "DOCKER::INVALID_EXPIRATION",
    )
    soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    assert wire.send("POST", f"/v1/sandboxes/{sandbox_id}/renew-expiration", {"expiresAt": soon}).status == 200
    deadline = time.monotonic() + 60
    while wire.get(f"/v1/sandboxes/{sandbox_id}").status != 404:
        assert time.monotonic() < deadline, "it was to expire"
        time.sleep(0.2)
    assert of(cluster, "batchsandboxes", sandbox_id) == []


def test_without_an_end(wire: Wire, boxes: Boxes, cluster: Cluster) -> None:
    answer = boxes.post(wire, {"timeout": None})
    assert answer.status == 202 and "expiresAt" not in answer.json
    renewal = wire.send("POST", f"/v1/sandboxes/{answer.json['id']}/renew-expiration", {"expiresAt": "2099-01-01T00:00:00Z"})
    assert renewal.error == (409, "DOCKER::INVALID_EXPIRATION")
    made, = of(cluster, "batchsandboxes", answer.json["id"])
    assert made["metadata"]["labels"]["opensandbox.io/manual-cleanup"] == "true"
    assert "stasis.dev/created-until" not in made["metadata"]["annotations"]
    wait_for_state(wire, answer.json["id"], "Running")


@pytest.mark.parametrize("call", ["get_sandbox_info", "pause_sandbox", "resume_sandbox", "kill_sandbox"])
def test_unknown_identities(manager: Sdk, call: str) -> None:
    for sandbox_id in ("00000000-0000-0000-0000-000000000007", "no-such-id", "UPPER", "x" * 300):
        with pytest.raises(SandboxApiException) as caught:
            manager(getattr(manager.manager, call)(sandbox_id))
        assert (caught.value.status_code, caught.value.error.code) == (404, "KUBERNETES::SANDBOX_NOT_FOUND")


def test_without_the_right_key(server: ClusterServer) -> None:
    for key, code in ((None, "MISSING_API_KEY"), ("wrong", "INVALID_API_KEY"), (server.key + "x", "INVALID_API_KEY")):
        stranger = Wire(server.address, key)
        for path in ("/v1/sandboxes", "/sandboxes/some", "/v1/pools", "/v1/snapshots"):
            assert stranger.get(path).error == (401, code)
