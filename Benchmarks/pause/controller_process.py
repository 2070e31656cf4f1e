"""The controller, as a process that works in one namespace."""

import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from kube.api_server import ApiError, ApiServer
from kube.cluster import Cluster
from runner.bench import Bench

#: How long it may take to begin.
_START = 60


class ControllerProcess:
    """Runs until the end of the suite."""

    def __init__(self, bench: Bench, cluster: Cluster, namespace: str, *flags: str) -> None:
        self._metrics = _free_port()
        self._log = bench.folder / "controller.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    bench.programs / "stasis-controller", f"--kubeconfig={cluster.kubeconfig}",
                    f"--watch-namespaces={namespace}", "--health-probe-bind-address=0",
                    f"--metrics-bind-address=127.0.0.1:{self._metrics}", "--metrics-secure=false", *flags,
                ],
                stdout=log, stderr=log,
            )
        bench.callback(self._end)
        server = ApiServer(cluster)
        account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        _await(lambda: server.send("GET", account), ApiError)
        _await(self.requests, urllib.error.URLError)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def requests(self) -> dict[str, int]:
        """How many requests of each method it has sent to the API server."""
        sent: dict[str, int] = {}
        for labels, value in self._values("rest_client_requests_total"):
            sent[labels["method"]] = sent.get(labels["method"], 0) + int(value)
        return sent

    def provider_seconds(self) -> dict[tuple[str, str], float]:
        """How long its provider took to answer in all, by step and outcome."""
        values = self._values("stasis_provider_step_duration_seconds_sum")
        return {(labels["step"], labels["outcome"]): value for labels, value in values}

    def _values(self, name: str) -> list[tuple[dict[str, str], float]]:
        """The series of a metric: their labels and values."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics") as answer:
            text = answer.read().decode()
        found = re.findall(rf"^{name}\{{(.*)\}} (\S+)$", text, re.MULTILINE)
        return [(dict(re.findall(r'(\w+)="([^"]*)"', labels)), float(value)) for labels, value in found]

    def _end(self) -> None:
        self._process.terminate()
        self._process.wait()


def _await(attempt: Callable[[], object], *not_yet: type[Exception]) -> None:
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
