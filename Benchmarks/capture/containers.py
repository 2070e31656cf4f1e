"""Containers of containerd, as a kubelet would have labelled them."""

import json
from pathlib import Path

from testbed.containerd import Containerd

from capture.stop_watch import StopWatch

POD, POD_NAMESPACE, NAME = "box", "bench", "main"


class PodContainer:
    """A running container with a stop watch inside; the only one of its pod."""

    def __init__(self, containerd: Containerd, image: str, identity: str, watch: Path) -> None:
        self.containerd = containerd
        self.identity = identity
        self.pod = f"{POD}-{identity}"
        self.watch = StopWatch(watch)
        labels = {
            "io.kubernetes.pod.name": self.pod,
            "io.kubernetes.pod.namespace": POD_NAMESPACE,
            "io.kubernetes.pod.uid": f"uid-{identity}",
            "io.kubernetes.container.name": NAME,
            "io.cri-containerd.kind": "container",
        }
        options = [text for name, value in labels.items() for text in ("--label", f"{name}={value}")]
        mount = f"type=bind,src={self.watch.folder},dst=/watch,options=rbind:rw"
        containerd.ctr("run", "--detach", "--null-io", *options, "--mount", mount, image, identity, *StopWatch.COMMAND)

    @property
    def root(self) -> Path:
        """Its root filesystem as it sees it."""
        for line in self.containerd.ctr("tasks", "ls").splitlines()[1:]:
            identity, pid, *_ = line.split()
            if identity == self.identity:
                return Path(f"/proc/{pid}/root")
        raise LookupError(f"container {self.identity} does not run")

    @property
    def snapshot(self) -> str:
        """The key of its root filesystem."""
        return json.loads(self.containerd.ctr("containers", "info", self.identity))["SnapshotKey"]

    def remove(self) -> None:
        self.containerd.ctr("tasks", "delete", "--force", self.identity)
        self.containerd.ctr("containers", "delete", self.identity)
