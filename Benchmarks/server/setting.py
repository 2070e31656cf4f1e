"""What the suite stands on: a Kubernetes, a namespace whose sandboxes somebody says to run, and two servers in front of it."""

import json
import os
import time
import urllib.request
import uuid
from pathlib import Path

from kube.api_server import ApiServer, Request
from kube.cluster import Cluster
from pause.setting import Setting as PauseSetting
from runner.bench import Bench
from server.peers import Peer, start_official, start_ours
from server.sandbox_player import SandboxPlayer

_ROOT = Path(__file__).resolve().parent.parent.parent
_GROUP = "/apis/sandbox.opensandbox.io/v1alpha1"

#: How many sandboxes there are.
SANDBOXES = 1000


class Setting:
    """Made once for a run, and taken away at its end."""

    def __init__(self, bench: Bench) -> None:
        bench.say("a Kubernetes")
        self.cluster = bench.enter_context(Cluster())
        self.api = ApiServer(self.cluster)
        self.namespace = f"stasis-bench-{os.getpid()}"
        self.address = self.cluster.host_address
        kubectl = PauseSetting.kubectl
        kubectl(self, "apply", "--kustomize", str(_ROOT / "deploy" / "crds"))
        kubectl(self, "create", "namespace", self.namespace)
        bench.callback(kubectl, self, "delete", "namespace", self.namespace, "--wait=false")
        self.player = bench.enter_context(SandboxPlayer(self.cluster, self.sandboxes, self.address))
        bench.say(f"{SANDBOXES} sandboxes")
        self.ids = [str(uuid.UUID(int=0x10000000000040008000000000000000 + number)) for number in range(SANDBOXES)]
        self.api.send_all(Request("POST", self.sandboxes, self._sandbox(name, number)) for number, name in enumerate(self.ids))
        bench.say("the servers")
        self.ours = start_ours(bench, self.cluster.kubeconfig, self.namespace)
        self.official = start_official(bench, self.cluster.kubeconfig, self.namespace)
        for peer in self.peers:
            self._await_running(peer)

    @staticmethod
    def _await_running(peer: Peer) -> None:
        """Returns when a server knows of every sandbox that it runs."""
        deadline = time.monotonic() + 120
        while True:
            with urllib.request.urlopen(peer.request("/v1/sandboxes?state=Running&pageSize=1")) as answer:
                found = json.load(answer)["pagination"]["totalItems"]
            if found == SANDBOXES:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"{peer.name} knows of {found} sandboxes that run")
            time.sleep(0.2)

    @classmethod
    def of(cls, bench: Bench) -> "Setting":
        """The one of this run."""
        if "setting" not in bench.shared:
            bench.shared["setting"] = cls(bench)
        return bench.shared["setting"]

    @property
    def peers(self) -> list[Peer]:
        """Ours first."""
        return [self.ours, self.official]

    @property
    def sandboxes(self) -> str:
        """The path of the sandboxes."""
        return f"{_GROUP}/namespaces/{self.namespace}/batchsandboxes"

    def _sandbox(self, name: str, number: int) -> dict:
        """As opensandbox-server makes one."""
        labels = {"opensandbox.io/id": name, "project": f"p{number % 10}", "user": f"user-{number}"}
        container = {
            "name": "sandbox", "image": "registry.example/tools/code-interpreter:v1.0.1",
            "command": ["/opt/opensandbox/bootstrap.sh", "/opt/code-interpreter/start.sh"],
            "env": [{"name": "EXECD", "value": "/opt/opensandbox/execd"}],
            "resources": {"limits": {"cpu": "1", "memory": "2Gi"}, "requests": {"cpu": "1", "memory": "2Gi"}},
            "volumeMounts": [{"name": "opensandbox-bin", "mountPath": "/opt/opensandbox"}],
        }
        installer = {
            "name": "execd-installer", "image": "execd.example/execd:1", "command": ["/bin/sh", "-c", "cp ./execd /opt/opensandbox/"],
            "volumeMounts": [{"name": "opensandbox-bin", "mountPath": "/opt/opensandbox"}],
        }
        pod = {
            "containers": [container], "initContainers": [installer],
            "volumes": [{"name": "opensandbox-bin", "emptyDir": {}}],
        }
        template = {"metadata": {"labels": labels}, "spec": pod}
        return {
            "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "BatchSandbox",
            "metadata": {"name": name, "labels": labels},
            "spec": {"replicas": 1, "expireTime": "2099-01-01T00:00:00Z", "template": template},
        }
