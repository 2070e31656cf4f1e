"""What OpenSandbox's controller leaves in a cluster and in a registry, as it leaves it."""

import hashlib
import json
import subprocess
import time
from copy import deepcopy
from pathlib import Path
from typing import Any

Object = dict[str, Any]

GROUP = "sandbox.opensandbox.io"
VERSION = f"{GROUP}/v1alpha1"
SNAPSHOT_FINALIZER = "sandboxsnapshot.sandbox.opensandbox.io/cleanup"
POOL_FINALIZER = "pool.sandbox.opensandbox.io/pool-allocation"

#: What our definitions have that those of upstream's controller 0.2.0 have not: see docs/compatibility.md.
_ADDED = {
    "BatchSandbox": {"status": ["artifact", "progress", "taskLastErrorMessage", "failedPodUIDs"]},
    "SandboxSnapshot": {
        "spec": ["source", "containers", "provider"],
        "status": [
            "progress", "startTime", "completionTime", "frozenMilliseconds", "bytesRead", "bytesWritten", "sourcePodUID", "provider",
            "platform", "format", "virtualMachine",
        ],
    },
}
_COLUMNS = {"PHASE", "PROGRESS", "IMAGE", "SNAPSHOT", "DIGEST", "SIZE", "FROZEN_MS", "NODE"}
_CONDITIONS = {"CleaningUp", "PoolAllocationPending"}


def older(definition: Object) -> Object:
    """A definition of ours as upstream's 0.2.0 has it."""
    definition = deepcopy(definition)
    kind = definition["spec"]["names"]["kind"]
    for version in definition["spec"]["versions"]:
        properties = version["schema"]["openAPIV3Schema"]["properties"]
        for part, names in _ADDED.get(kind, {}).items():
            for name in names:
                del properties[part]["properties"][name]
        if kind == "BatchSandbox":
            columns = version["additionalPrinterColumns"]
            version["additionalPrinterColumns"] = [column for column in columns if column["name"] not in _COLUMNS]
            types = properties["status"]["properties"]["conditions"]["items"]["properties"]["type"]
            types["enum"] = [word for word in types["enum"] if word not in _CONDITIONS]
    return definition


class Cluster:
    """The cluster's API as the administrator, in one namespace."""

    def __init__(self, kubectl: list[str], namespace: str) -> None:
        self._kubectl = kubectl
        self.namespace = namespace

    def __call__(self, *arguments: str, standard_input: str | None = None, check: bool = True) -> str:
        done = subprocess.run(
            [*self._kubectl, "--namespace", self.namespace, *arguments], text=True, input=standard_input, capture_output=True, check=False
        )
        assert not check or done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def create(self, item: Object, status: Object | None = None) -> Object:
        """Makes an object, and says what its status is."""
        made = json.loads(self("create", "--filename=-", "--output=json", standard_input=json.dumps(item)))
        if status is not None:
            made["status"] = status
            plural = {"BatchSandbox": "batchsandboxes", "SandboxSnapshot": "sandboxsnapshots", "Pool": "pools"}[item["kind"]]
            path = f"/apis/{VERSION}/namespaces/{self.namespace}/{plural}/{item['metadata']['name']}/status"
            made = json.loads(self("replace", "--raw", path, "--filename=-", standard_input=json.dumps(made)))
        return made

    def get(self, kind: str, name: str) -> Object | None:
        text = self("get", kind, name, "--output=json", "--ignore-not-found")
        return json.loads(text) if text else None

    def list(self, kind: str) -> list[Object]:
        return json.loads(self("get", kind, "--output=json"))["items"]

    def until(self, condition: Any, what: str, seconds: float = 60) -> Any:
        """Asks until something is true, and answers it."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what} has not come about in {seconds:.0f} s"
            time.sleep(0.2)
        return found


def owner(item: Object) -> list[Object]:
    metadata = item["metadata"]
    return [
        {
            "apiVersion": item["apiVersion"], "kind": item["kind"], "name": metadata["name"], "uid": metadata["uid"],
            "controller": True, "blockOwnerDeletion": True,
        }
    ]


def template(image: str) -> Object:
    container = {"name": "sandbox", "image": image, "command": ["tail", "-f", "/dev/null"]}
    return {"spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}


def sandbox_status(phase: str, **more: Any) -> Object:
    """The status of a BatchSandbox of generation 1."""
    counts = {name: 0 for name in ("replicas", "allocated", "ready", "taskRunning", "taskSucceed", "taskFailed", "taskPending", "taskUnknown")}
    condition = {
        "Succeed": ("Ready", "PodsReady"), "Paused": ("Paused", "Paused"), "Resuming": ("Progressing", "ResumeInProgress"),
    }[phase]
    moment = "2026-06-12T10:00:00Z"
    conditions = [{"type": condition[0], "status": "True", "reason": condition[1], "message": "as upstream says it", "lastTransitionTime": moment}]
    return counts | {"phase": phase, "observedGeneration": 1, "pauseObservedGeneration": 1, "conditions": conditions} | more


def running(cluster: Cluster, name: str, image: str) -> Object:
    """A sandbox with its pod. Answers the pod."""
    labels = {"opensandbox.io/id": name}
    metadata = {"name": name, "labels": labels, "annotations": {f"{GROUP}/endpoints": '["10.0.0.1"]'}}
    spec = {"replicas": 1, "template": template(image) | {"metadata": {"labels": labels}}, "taskResourcePolicyWhenCompleted": "Retain"}
    counts = {"replicas": 1, "allocated": 1, "ready": 1}
    sandbox = cluster.create({"apiVersion": VERSION, "kind": "BatchSandbox", "metadata": metadata, "spec": spec}, sandbox_status("Succeed", **counts))
    marks = labels | {f"batch-sandbox.{GROUP}/name": name, f"batch-sandbox.{GROUP}/pod-index": "0"}
    return cluster.create(
        {
            "apiVersion": "v1", "kind": "Pod", "spec": template(image)["spec"],
            "metadata": {"name": f"{name}-0", "labels": marks, "ownerReferences": owner(sandbox)},
        }
    )


def paused(cluster: Cluster, name: str, base: str, image: str, pause: bool | None = True, phase: str = "Paused") -> None:
    """A sandbox without pods whose files are in an image. What is called its digest there is that of something else in it."""
    metadata = {"name": name, "labels": {"opensandbox.io/id": name}, "annotations": {f"{GROUP}/endpoints": "[]"}}
    spec: Object = {"replicas": 1, "template": template(base), "taskResourcePolicyWhenCompleted": "Retain"}
    if pause is not None:
        spec["pause"] = pause
    sandbox = cluster.create({"apiVersion": VERSION, "kind": "BatchSandbox", "metadata": metadata, "spec": spec}, sandbox_status(phase))
    captured = {"containerName": "sandbox", "imageUri": image, "imageDigest": "sha256:" + hashlib.sha256(name.encode()).hexdigest()}
    moment = "2026-06-12T10:00:00Z"
    ready = {"type": "Ready", "status": "True", "reason": "SnapshotReady", "message": "as upstream says it", "lastTransitionTime": moment}
    cluster.create(
        {
            "apiVersion": VERSION, "kind": "SandboxSnapshot", "spec": {"sandboxName": name},
            "metadata": {"name": f"{name}-pause", "ownerReferences": owner(sandbox), "finalizers": [SNAPSHOT_FINALIZER]},
        },
        {
            "phase": "Succeed", "containers": [captured], "conditions": [ready], "sourcePodName": f"{name}-0",
            "sourceNodeName": "stasis-node", "observedGeneration": 1,
        },
    )


def pool(cluster: Cluster, name: str, image: str, sandbox: str) -> list[Object]:
    """A pool with a pod that a sandbox has and one that is free. Answers the pods."""
    spec = {"template": template(image), "capacitySpec": {"bufferMin": 1, "bufferMax": 1, "poolMin": 1, "poolMax": 3}}
    # Not what we would make of the template.
    revision = hashlib.sha256(b"as upstream makes it").hexdigest()[:16]
    status = {"revision": revision, "total": 2, "allocated": 1, "available": 1, "updated": 2, "observedGeneration": 1}
    made = cluster.create({"apiVersion": VERSION, "kind": "Pool", "metadata": {"name": name}, "spec": spec}, status)
    labels = {f"{GROUP}/pool-name": name, f"{GROUP}/pool-revision": revision}
    pods = [
        cluster.create(
            {
                "apiVersion": "v1", "kind": "Pod", "spec": template(image)["spec"],
                "metadata": {"name": f"{name}-{suffix}", "labels": labels, "ownerReferences": owner(made)},
            }
        )
        for suffix in ("taken", "free")
    ]
    metadata = {
        "name": sandbox, "finalizers": [POOL_FINALIZER],
        "annotations": {f"{GROUP}/alloc-status": json.dumps({"pods": [f"{name}-taken"]}), f"{GROUP}/endpoints": '["10.0.0.2"]'},
    }
    counts = {"replicas": 1, "allocated": 1, "ready": 1}
    of_pool = {"apiVersion": VERSION, "kind": "BatchSandbox", "metadata": metadata, "spec": {"replicas": 1, "poolRef": name}}
    cluster.create(of_pool, sandbox_status("Succeed", **counts))
    return pods


def committed_image(layout: Path, tag: str, reference: str, login: str, text: str) -> None:
    """An image as a commit of `nerdctl` leaves it, of Docker's media types: that of a tag in a layout with a file `/note`."""
    note = layout.parent / f"note-{tag}"
    note.write_text(text)
    subprocess.run(["umoci", "insert", "--image", f"{layout}:{tag}", "--tag", f"{tag}-committed", note, "/note"], check=True, stdout=subprocess.DEVNULL)
    command = ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", "--format=v2s2", "--dest-authfile", login]
    subprocess.run([*command, f"oci:{layout}:{tag}-committed", f"docker://{reference}"], check=True)
