"""What the suite stands on: a Kubernetes, the controller in a namespace of it, and a pool whose pods a script plays."""

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from kube.api_server import ApiServer
from kube.cluster import Cluster
from pause.controller_process import ControllerProcess
from pause.kubelet_player import NOBODY, KubeletPlayer
from runner.bench import Bench

_ROOT = Path(__file__).resolve().parent.parent.parent
_GROUP = "/apis/sandbox.opensandbox.io/v1alpha1"
_VERSION = "sandbox.opensandbox.io/v1alpha1"
_POOL = "warm"
#: How long anything is waited for that is not measured.
_LIMIT = 600
#: What the controller may ask of the API server in a second, and at once: more than it ever does.
REQUESTS_PER_SECOND = 5000
BURST = 10_000


class NotSeen(Exception):
    """Something that should happen did not."""


class Setting:
    """Made for a run, and taken away at its end."""

    def __init__(self, bench: Bench) -> None:
        bench.say("a Kubernetes, and the controller")
        self.cluster = bench.enter_context(Cluster())
        self.server = ApiServer(self.cluster)
        self.namespace = f"stasis-bench-{os.getpid()}"
        self._kubectl("apply", "--kustomize", str(_ROOT / "deploy" / "crds"))
        self._kubectl("create", "namespace", self.namespace)
        bench.callback(self._kubectl, "delete", "namespace", self.namespace, "--wait=false")
        bench.callback(self._let_go)
        self.controller = ControllerProcess(
            bench, self.cluster, self.namespace,
            f"--kube-client-qps={REQUESTS_PER_SECOND}", f"--kube-client-burst={BURST}",
        )
        self.kubelet = bench.enter_context(KubeletPlayer(self.cluster, self.namespace))

    @property
    def sandboxes(self) -> str:
        """The path of the sandboxes."""
        return f"{_GROUP}/namespaces/{self.namespace}/batchsandboxes"

    @property
    def _pools(self) -> str:
        return f"{_GROUP}/namespaces/{self.namespace}/pools"

    def warm_pool(self, size: int) -> None:
        """Makes the pool, and returns when all its pods are ready. It never gets more, and takes them back as they are."""
        pool = {
            "apiVersion": _VERSION, "kind": "Pool", "metadata": {"name": _POOL},
            "spec": {
                "template": _template(),
                "capacitySpec": {"poolMin": size, "poolMax": size, "bufferMin": 0, "bufferMax": size},
                "scaleStrategy": {"maxUnavailable": "100%"}, "recycleStrategy": {"type": "Noop"},
            },
        }
        self.server.send("POST", self._pools, pool)
        self.await_available(size)

    def await_available(self, size: int) -> None:
        """Returns when so many pods of the pool are ready and nobody's."""
        self._await(lambda: self._pool_status().get("available", 0) >= size, f"{size} pods of the pool that are ready")

    def await_allocated(self, count: int) -> None:
        """Returns when the pool says that it has given so many pods away."""
        self._await(lambda: self._pool_status().get("allocated", 0) == count, f"{count} pods given away in the pool's status")

    def delete_pool(self) -> None:
        """Deletes the pool, and returns when its pods are gone."""
        self.server.send("DELETE", f"{self._pools}/{_POOL}", {"propagationPolicy": "Foreground"})
        pods = f"/api/v1/namespaces/{self.namespace}/pods?limit=1"
        self._await(lambda: not self.server.send("GET", pods)["items"], "the end of the pool's pods")

    def _pool_status(self) -> dict:
        return self.server.send("GET", f"{self._pools}/{_POOL}").get("status", {})

    def _await(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _LIMIT
        while not is_so():
            if time.monotonic() > deadline:
                raise NotSeen(f"{what}: not seen in {_LIMIT} s\n{self.controller.log()[-4000:]}")
            if self.kubelet.failures:
                raise self.kubelet.failures[0]
            time.sleep(0.1)

    def _let_go(self) -> None:
        """Takes finalizers away of which no controller is there to do it any more, after a run that has failed."""
        for sandbox in self.server.send("GET", self.sandboxes)["items"]:
            if sandbox["metadata"].get("finalizers"):
                path = f"{self.sandboxes}/{sandbox['metadata']['name']}"
                self.server.send("PATCH", path, {"metadata": {"finalizers": None}})

    def _kubectl(self, *arguments: str) -> None:
        command = [self.cluster.kubectl, "--kubeconfig", self.cluster.kubeconfig, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def pooled(name: str, replicas: int = 1) -> dict:
    """A sandbox whose pods are the pool's."""
    return _sandbox(name, {"replicas": replicas, "poolRef": _POOL})


def independent(name: str) -> dict:
    """A sandbox with a pod of its own."""
    return _sandbox(name, {"replicas": 1, "template": _template()})


def _sandbox(name: str, spec: dict) -> dict:
    return {"apiVersion": _VERSION, "kind": "BatchSandbox", "metadata": {"name": name}, "spec": spec}


def _template() -> dict:
    container = {"name": "main", "image": "busybox", "command": ["sleep", "1000"]}
    # No node has to do with it.
    return {"spec": {"schedulerName": NOBODY, "automountServiceAccountToken": False, "containers": [container]}}
