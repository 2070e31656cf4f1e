"""What all cases of the suite stand on: a registry with the base image, and a containerd that has pulled it."""

import os
import shutil
import tempfile
from pathlib import Path

from runner.bench import Bench
from testbed.containerd import Containerd

from capture.base_image import make_base_image
from capture.containers import PodContainer
from capture.measured_registry import MeasuredRegistry
from capture.workload import describe_tree, make_workload


class Setting:
    """Made once for a run, and taken away at its end."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        # The registry's storage and the stop watches' folders are in memory.
        self._memory = Path(tempfile.mkdtemp(prefix="stasis-bench-", dir="/dev/shm"))
        bench.callback(shutil.rmtree, self._memory, ignore_errors=True)
        bench.say("making the base image and the workload, unless they are there from an earlier run")
        self.workload = make_workload(bench.cache)
        self.workload_text = describe_tree(self.workload)
        base = make_base_image(bench.cache)
        self.registry = MeasuredRegistry(self._memory / "registry", base)
        bench.callback(self.registry.stop)
        # runc keeps the containers of one namespace together, whichever containerd they are of.
        self.containerd = Containerd(bench.folder / "containerd", namespace=f"bench-{os.getpid()}")
        bench.callback(self.containerd.stop)
        self.pull(self.registry.base)

    @classmethod
    def of(cls, bench: Bench) -> "Setting":
        """The one of this run."""
        if "setting" not in bench.shared:
            bench.shared["setting"] = cls(bench)
        return bench.shared["setting"]

    def watch(self, name: str) -> Path:
        """Where a stop watch may write."""
        return self._memory / f"watch-{name}"

    def scratch(self, name: str) -> Path:
        """A folder in memory."""
        folder = self._memory / name
        folder.mkdir(exist_ok=True)
        return folder

    def pull(self, image: str) -> None:
        """Lets containerd have an image of the registry, unpacked."""
        self.containerd.ctr("images", "pull", "--plain-http", image, seconds=300)

    def container(self, name: str, image: str | None = None) -> PodContainer:
        """Runs a container; of the base image, if no other is named."""
        return PodContainer(self.containerd, image or self.registry.base, name, self.watch(name))
