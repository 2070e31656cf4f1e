"""What the suite stands on: a Kubernetes, and the controller that works on the Kruise dialect in a namespace of it."""

import os
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from kube.api_server import ApiServer
from kube.cluster import Cluster
from kube.watch import watch
from pause.controller_process import ControllerProcess
from pause.kubelet_player import NOBODY, KubeletPlayer
from runner.bench import Bench

_ROOT = Path(__file__).resolve().parent.parent.parent
_VERSION = "agents.kruise.io/v1alpha1"
_LIMIT = 300
#: What the controller may ask of the API server in a second, and at once: more than it ever does.
REQUESTS_PER_SECOND = 5000
BURST = 10_000


class NotSeen(Exception):
    """Something that should happen did not."""


class Setting:
    """Made once for a run, and taken away at its end."""

    def __init__(self, bench: Bench) -> None:
        bench.say("a Kubernetes")
        self.cluster = bench.enter_context(Cluster())
        self.server = ApiServer(self.cluster)
        self.namespace = f"stasis-bench-{os.getpid()}"
        for folder in ("deploy/crds", "deploy/kruise/crds"):
            self._kubectl("apply", "--kustomize", str(_ROOT / folder))
        self._kubectl("create", "namespace", self.namespace)
        bench.callback(self._kubectl, "delete", "namespace", self.namespace, "--wait=false")
        bench.callback(self._let_go)
        bench.say("the committer's image")
        target = f"{self.cluster.registry}/stasis/stasis-committer:bench"
        image = subprocess.run(
            [bench.programs / "stasis-images", "build", bench.programs / "stasis-committer", target]
            + ["--plain-http", self.cluster.registry],
            check=True, text=True, stdout=subprocess.PIPE,
        ).stdout.split()[-1]
        self.controller = ControllerProcess(
            bench, self.cluster, self.namespace, "--dialects=opensandbox,kruise",
            f"--kube-client-qps={REQUESTS_PER_SECOND}", f"--kube-client-burst={BURST}",
            f"--snapshot-registry={self.cluster.registry}/{self.namespace}", "--snapshot-registry-insecure",
            f"--image-committer-image={image}", f"--containerd-socket-path={self.cluster.containerd}",
            f"--containerd-root={self.cluster.containerd_root}",
        )
        self.kubelet = bench.enter_context(KubeletPlayer(self.cluster, self.namespace))

    @classmethod
    def of(cls, bench: Bench) -> "Setting":
        """The one of this run."""
        if "kruise" not in bench.shared:
            bench.shared["kruise"] = cls(bench)
        return bench.shared["kruise"]

    def path(self, plural: str, name: str | None = None) -> str:
        """The path of a kind, or of one of it."""
        path = f"/apis/{_VERSION}/namespaces/{self.namespace}/{plural}"
        return path if name is None else f"{path}/{name}"

    def await_status(self, plural: str, name: str, is_so: Callable[[dict], bool]) -> None:
        """Returns when the status of an object is as it should be."""
        deadline = time.monotonic() + _LIMIT
        while not is_so(status := self.server.send("GET", self.path(plural, name)).get("status", {})):
            if time.monotonic() > deadline:
                raise NotSeen(f"{plural} {name}: {status}\n{self.controller.log()[-4000:]}")
            if self.kubelet.failures:
                raise self.kubelet.failures[0]
            time.sleep(0.1)

    def _let_go(self) -> None:
        """Takes finalizers away of which no controller is there to do it any more."""
        for plural in ("sandboxes", "checkpoints"):
            for item in self.server.send("GET", self.path(plural))["items"]:
                if item["metadata"].get("finalizers"):
                    path = self.path(plural, item["metadata"]["name"])
                    self.server.send("PATCH", path, {"metadata": {"finalizers": None}})

    def _kubectl(self, *arguments: str) -> None:
        command = [self.cluster.kubectl, "--kubeconfig", self.cluster.kubeconfig, *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Endings:
    """Watches the claims of the namespace until the end of the process."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._news = threading.Condition()
        #: When each was first seen to be at its end, and how it ended.
        self._ended: dict[str, tuple[float, str]] = {}
        threading.Thread(target=self._follow, daemon=True).start()

    def wait(self, names: list[str]) -> list[float]:
        """When each of them ended, well."""
        with self._news:
            if not self._news.wait_for(lambda: all(name in self._ended for name in names), _LIMIT):
                raise NotSeen(f"{len(names)} claims that end\n{self._setting.controller.log()[-4000:]}")
            ends = [self._ended[name] for name in names]
        for name, (_, reason) in zip(names, ends):
            if reason != "AllReplicasClaimed":
                raise NotSeen(f"{name} ended with {reason}\n{self._setting.controller.log()[-4000:]}")
        return [when for when, _ in ends]

    def _follow(self) -> None:
        for event in watch(self._setting.cluster, self._setting.path("sandboxclaims")):
            now = time.monotonic()
            claim = event["object"]
            name = claim["metadata"]["name"]
            status = claim.get("status", {})
            if status.get("phase") != "Completed" or name in self._ended:
                continue
            reasons = [one["reason"] for one in status.get("conditions", []) if one["type"] == "Completed"]
            with self._news:
                self._ended[name] = (now, "".join(reasons))
                self._news.notify_all()


def claim(name: str, template: str, **spec: object) -> dict:
    """A claim."""
    return _object("SandboxClaim", name, {"templateName": template, **spec})


def warm_set(name: str, replicas: int) -> dict:
    """A set whose pods no node has to do with."""
    container = {"name": "main", "image": "busybox", "command": ["sleep", "1000"]}
    template = {"spec": {"schedulerName": NOBODY, "automountServiceAccountToken": False, "containers": [container]}}
    return _object("SandboxSet", name, {"replicas": replicas, "template": template})


def real_sandbox(setting: Setting, name: str) -> dict:
    """A sandbox that runs on the node."""
    container = {
        "name": "main", "image": f"{setting.cluster.registry}/stasis/busybox:1",
        "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"],
    }
    return _object("Sandbox", name, {"template": {"spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}})


def checkpoint(name: str, sandbox: str) -> dict:
    """A checkpoint of a sandbox."""
    return _object("Checkpoint", name, {"podName": sandbox, "persistentContents": ["filesystem"]})


def _object(kind: str, name: str, spec: dict) -> dict:
    return {"apiVersion": _VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}
