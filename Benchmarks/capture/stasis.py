"""Stasis: the committer, on a container that containerd runs."""

import json
from pathlib import Path

from runner.cost import CostMeter

from capture.containers import NAME, POD_NAMESPACE, PodContainer
from capture.measured_registry import MeasuredRegistry
from capture.peer import Peer


class Stasis(Peer):
    """`stasis-committer commit`."""

    name = "Stasis"

    def __init__(self, programs: Path, registry: MeasuredRegistry, container: PodContainer, folder: Path) -> None:
        super().__init__(registry)
        self._program = programs / "stasis-committer"
        self._container = container
        self._report = folder / "termination-log"
        self.watch = container.watch
        self.root = container.root

    def daemons(self) -> list[int]:
        return [self._container.containerd.pid]

    def capture(self, meter: CostMeter, tag: str) -> None:
        environment = {
            "CONTAINERD_SOCKET": str(self._container.containerd.socket),
            "CONTAINERD_NAMESPACE": self._container.containerd.namespace,
            "STASIS_TERMINATION_LOG": str(self._report),
            "STASIS_REGISTRY_CONFIG": "/nonexistent",
        }
        image = f"{self.registry.address}/bench/stasis:{tag}"
        meter.run(
            self._program, "commit", self._container.pod, POD_NAMESPACE, f"{NAME}:{image}", environment=environment
        )

    @property
    def frozen(self) -> float:
        """How long the last capture held the container frozen, as it says itself, in seconds."""
        return json.loads(self._report.read_text())["containers"][0]["frozenMilliseconds"] / 1000
