"""What is left in the cluster, on the node and in the registry, when everything is deleted."""

import json
import os
import subprocess
from pathlib import Path

from soak.kube import KINDS
from soak.world import World

_FREEZER = Path("/sys/fs/cgroup/freezer")

#: The files that say whether a cgroup is frozen, of both versions: what they say then, and where to write what to freeze and to thaw it.
_FREEZERS = (("freezer.state", "FROZEN", "freezer.state", "FROZEN", "THAWED"), ("cgroup.events", "frozen 1", "cgroup.freeze", "1", "0"))


class Remains:
    """What there is of a namespace beyond what it began with."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before = set(self._objects())

    def found(self) -> list[str]:
        """What is left, a line each."""
        return sorted(set(self._objects()) - self._before) + self._on_the_node()

    def frozen(self) -> list[str]:
        """The containers of our pods that are frozen now."""
        frozen = []
        for name, folder in self._cgroups():
            for below, _, files in os.walk(folder):
                for told, word, _, _, _ in _FREEZERS:
                    try:
                        if told in files and word in Path(below, told).read_text().split("\n"):
                            frozen.append(f"frozen: a container of {name} ({Path(below).name[:12]})")
                    except OSError:
                        pass  # It is gone.
        return frozen

    def freezers(self, pod: str) -> list[tuple[Path, str, str]]:
        """Where to write what to freeze the containers of a pod, and to thaw them."""
        found = []
        for name, folder in self._cgroups():
            for _, _, written, freeze, thaw in _FREEZERS if name == pod else ():
                found += [(file, freeze, thaw) for file in folder.glob(f"*/{written}")]
        return found

    def _cgroups(self) -> list[tuple[str, Path]]:
        """The cgroups of our pods, with the pods' names. With version 1 they are those that freeze: runc leaves others behind."""
        ours = self._world.census.uids("pods")
        hierarchy = _FREEZER if _FREEZER.exists() else _FREEZER.parent
        found = []
        for root in hierarchy.glob("stasis-testbed*"):
            # They come and go, which a walk does not mind.
            for below, folders, _ in os.walk(root / "kubepods"):
                found += [
                    (name, Path(below, folder)) for folder in folders if (name := ours.get(folder.removeprefix("pod"))) is not None
                ]
        return found

    def _objects(self) -> list[str]:
        return [f"{plural}/{item['metadata']['name']}" for plural in KINDS for item in self._world.kube.list(plural)]

    def _on_the_node(self) -> list[str]:
        world, found = self._world, []
        pods, snapshots = world.census.uids("pods"), world.census.uids("sandboxsnapshots")
        filters = f'labels."io.kubernetes.pod.namespace"=={world.namespace}'
        containers = world.ctr("containers", "list", "--quiet", filters).split()
        found += [f"container {name}" for name in containers]
        for line in world.ctr("leases", "list").splitlines()[1:]:
            owner = next((name for uid, name in snapshots.items() if uid in line), None)
            if owner is not None:
                found.append(f"lease {line.split()[0]} of the snapshot {owner}")
        marks = [*pods, *world.census.containers()]
        found += [f"mount {mount}" for mount in self._mounts() if any(mark in mount for mark in marks)]
        kubelet = Path(world.environment["STASIS_TESTBED"], "cluster/kubelet/root/pods")
        found += [f"the kubelet's folder of {name}" for uid, name in pods.items() if (kubelet / uid).exists()]
        found += [f"cgroup of {name}" for name, _ in self._cgroups()]
        return sorted(found)

    def _mounts(self) -> list[str]:
        """What is mounted where containerd lives, which need not be where we do."""
        pid = Path(self._world.environment["STASIS_TESTBED"], "run/containerd.pid").read_text().split()[0]
        lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
        return [line.split()[4] for line in lines]


def prune(world: World) -> list[dict[str, str]]:
    """What `stasis-server registry prune` finds that no installation needs, and deletes."""
    repositories = [f"--repository={world.images.address}/{name}" for name in world.images.tags()]
    if not repositories:
        return []
    printed = subprocess.run(
        [world.programs / "stasis-server", "registry", "prune", *repositories, "--no-installations"]
        + ["--plain-http", world.images.address, "--older-than=0s", "--delete", "--output=json"]
        + ["--record", str(world.folder / "pruned.jsonl")],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )
    assert printed.returncode == 0, printed.stderr
    return json.loads(printed.stdout)
