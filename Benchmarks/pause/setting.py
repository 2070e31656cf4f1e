"""What the suite stands on: a Kubernetes, and the controller that works in a namespace of it."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from kube.api_server import ApiError, ApiServer
from kube.cluster import Cluster
from runner.bench import Bench

_ROOT = Path(__file__).resolve().parent.parent.parent
_GROUP = "/apis/sandbox.opensandbox.io/v1alpha1"
#: How long a controller may take to begin.
_START = 60


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
        self._metrics = _free_port()
        self._log = bench.folder / "controller.log"
        with self._log.open("wb") as log:
            self._controller = subprocess.Popen(
                [
                    bench.programs / "stasis-controller", f"--kubeconfig={self.cluster.kubeconfig}",
                    f"--watch-namespaces={self.namespace}", f"--snapshot-registry={self.cluster.registry}/{self.namespace}",
                    "--snapshot-registry-insecure", f"--image-committer-image={image}",
                    f"--containerd-socket-path={self.cluster.containerd}", f"--containerd-root={self.cluster.containerd_root}",
                    "--health-probe-bind-address=0", f"--metrics-bind-address=127.0.0.1:{self._metrics}",
                    "--metrics-secure=false",
                ],
                stdout=log, stderr=log,
            )
        bench.callback(self._end)
        account = f"/api/v1/namespaces/{self.namespace}/serviceaccounts/default"
        self._await(lambda: self.server.send("GET", account), ApiError)
        self._await(self.requests, urllib.error.URLError)

    @classmethod
    def of(cls, bench: Bench) -> "Setting":
        """The one of this run."""
        if "setting" not in bench.shared:
            bench.shared["setting"] = cls(bench)
        return bench.shared["setting"]

    @property
    def controller_pid(self) -> int:
        """The controller's process."""
        return self._controller.pid

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
        return self._log.read_text(errors="replace")

    def requests(self) -> dict[str, int]:
        """How many requests of each method the controller has sent to the API server."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics") as answer:
            text = answer.read().decode()
        sent: dict[str, int] = {}
        for labels, value in re.findall(r"^rest_client_requests_total\{(.*)\} (\S+)$", text, re.MULTILINE):
            method = re.search(r'method="(\w+)"', labels).group(1)
            sent[method] = sent.get(method, 0) + int(float(value))
        return sent

    def _end(self) -> None:
        self._controller.terminate()
        self._controller.wait()

    def _await(self, attempt: Callable[[], object], *not_yet: type[Exception]) -> None:
        """Returns when something succeeds."""
        deadline = time.monotonic() + _START
        while True:
            try:
                attempt()
                return
            except not_yet:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
