"""A client of Kubernetes that is measured: a program of its own."""

import statistics
from dataclasses import astuple, dataclass
from pathlib import Path

from runner.cost import CostMeter

from kube.cluster import Cluster


@dataclass(frozen=True)
class Work:
    """What a program did, and what that took. Times in seconds, memory in bytes."""

    #: Pods, events or requests.
    count: float
    #: Of the work, without the start of the program.
    wall: float
    #: Of the work, on all threads.
    cpu: float
    #: The program's peak.
    memory: float


class Client:
    """A program with the commands `sync`, `events`, `decode` and `requests`, which prints what it used as `name=value`."""

    def __init__(self, name: str, command: list[str | Path], cluster: Cluster) -> None:
        self.name = name
        self._command = command
        self._environment = {"KUBECONFIG": cluster.kubeconfig}

    def run(self, *arguments: str | Path | int, times: int = 1) -> Work:
        """Does some work; several times if it is to be the medians."""
        works = [self._run(list(map(str, arguments))) for _ in range(times)]
        return Work(*map(statistics.median, zip(*map(astuple, works))))

    def _run(self, arguments: list[str]) -> Work:
        with CostMeter([]) as meter:
            output = meter.run(*self._command, *arguments, environment=self._environment)
        values = dict(word.split("=", 1) for word in output.split())
        [count] = [int(values[name]) for name in ("pods", "events", "requests") if name in values]
        return Work(count, float(values["seconds"]), float(values["cpu"]), meter.cost.command_memory)
