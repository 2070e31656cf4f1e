"""What is measured, whoever does it."""

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from runner.cost import CostMeter, cpu_seconds

from capture.measured_registry import MeasuredRegistry
from capture.stop_watch import StopWatch


@dataclass
class Measurement:
    """One capture, from the command until the image is in the registry."""

    #: Seconds.
    wall: float
    cpu: float
    registry_cpu: float
    #: Bytes, at the peak: of all processes, and of the largest command alone.
    memory: int
    command_memory: int
    pushed: int
    #: Seconds.
    longest_stop: float


class Peer(ABC):
    """A way of saving what a running container has changed. A context manager: leaving it leaves nothing."""

    name: str
    #: Watches the container.
    watch: StopWatch
    #: The root filesystem as the container sees it.
    root: Path

    def __init__(self, registry: MeasuredRegistry) -> None:
        self.registry = registry

    @abstractmethod
    def daemons(self) -> list[int]:
        """The daemons that work for it, by their process IDs."""

    @abstractmethod
    def capture(self, meter: CostMeter, tag: str) -> None:
        """Saves the container as an image in the registry."""

    def measure(self, tag: str = "1") -> Measurement:
        """Captures once. What the container has written before is on the disk, and still in memory, when it begins."""
        os.sync()
        stored = self.registry.stored_bytes()
        registry_cpu = cpu_seconds(self.registry.pid)
        with CostMeter(self.daemons()) as meter:
            self.capture(meter, tag)
        cost = meter.cost
        return Measurement(
            wall=cost.wall,
            cpu=cost.cpu,
            registry_cpu=cpu_seconds(self.registry.pid) - registry_cpu,
            memory=cost.memory,
            command_memory=cost.command_memory,
            pushed=self.registry.stored_bytes() - stored,
            longest_stop=self.watch.longest_stop(cost.started, cost.ended),
        )
