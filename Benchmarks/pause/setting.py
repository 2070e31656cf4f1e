"""What the suite stands on: a Kubernetes, and the controller that works in a namespace of it."""

import os
import subprocess
from pathlib import Path

from kube.api_server import ApiServer
from kube.cluster import Cluster
from pause.controller_process import ControllerProcess
from runner.bench import Bench

_ROOT = Path(__file__).resolve().parent.parent.parent
_GROUP = "/apis/sandbox.opensandbox.io/v1alpha1"


class Setting:
    """Made once for a run, and taken away at its end."""

    def __init__(self, bench: Bench) -> None:
        bench.say("a Kubernetes")
        self.cluster = bench.enter_context(Cluster())
        self.server = ApiServer(self.cluster)
        self.namespace = f"stasis-bench-{os.getpid()}"
        self.kubectl("apply", "--kustomize", str(_ROOT / "deploy" / "crds"))
        self.kubectl("create", "namespace", self.namespace)
        bench.callback(self.kubectl, "delete", "namespace", self.namespace, "--wait=false")
        bench.say("the committer's image")
        target = f"{self.cluster.registry}/stasis/stasis-committer:bench"
        image = subprocess.run(
            [bench.programs / "stasis-images", "build", bench.programs / "stasis-committer", target]
            + ["--plain-http", self.cluster.registry],
            check=True, text=True, stdout=subprocess.PIPE,
        ).stdout.split()[-1]
        self.controller = ControllerProcess(
            bench, self.cluster, self.namespace,
            f"--snapshot-registry={self.cluster.registry}/{self.namespace}", "--snapshot-registry-insecure",
            f"--image-committer-image={image}", f"--containerd-socket-path={self.cluster.containerd}",
            f"--containerd-root={self.cluster.containerd_root}",
        )

    @classmethod
    def of(cls, bench: Bench) -> "Setting":
        """The one of this run."""
        if "setting" not in bench.shared:
            bench.shared["setting"] = cls(bench)
        return bench.shared["setting"]

    @property
    def controller_pid(self) -> int:
        """The controller's process."""
        return self.controller.pid

    def kubectl(self, *arguments: str) -> str:
        """Runs kubectl as the administrator."""
        command = [self.cluster.kubectl, "--kubeconfig", self.cluster.kubeconfig, *arguments]
        return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout

    @property
    def sandboxes(self) -> str:
        """The path of the sandboxes."""
        return f"{_GROUP}/namespaces/{self.namespace}/batchsandboxes"

    def create(self, name: str) -> None:
        """Makes a sandbox."""
        container = {
            "name": "main", "image": f"{self.cluster.registry}/stasis/busybox:1",
            "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"],
        }
        spec = {"replicas": 1, "template": {"spec": {"containers": [container], "terminationGracePeriodSeconds": 1}}}
        sandbox = {
            "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "BatchSandbox", "metadata": {"name": name},
            "spec": spec,
        }
        self.server.send("POST", self.sandboxes, sandbox)

    def set_pause(self, name: str, pause: bool) -> None:
        """Gives the order."""
        self.server.send("PATCH", f"{self.sandboxes}/{name}", {"spec": {"pause": pause}})

    def controller_log(self) -> str:
        """What the controller has said."""
        return self.controller.log()

    def requests(self) -> dict[str, int]:
        """How many requests of each method the controller has sent to the API server."""
        return self.controller.requests()
