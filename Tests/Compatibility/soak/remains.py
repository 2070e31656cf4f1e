"""What is left in the cluster, on the node and in the registry, when everything is deleted."""

import json
import subprocess
from pathlib import Path

from soak.kube import KINDS
from soak.world import World

_FREEZER = Path("/sys/fs/cgroup/freezer")

#: The files that say whether a cgroup is frozen, of both versions, and what they say then.
_WORDS = (("freezer.state", "FROZEN"), ("cgroup.events", "frozen 1"))


class Remains:
    """What there is of a namespace beyond what it began with."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._before = set(self._objects())

    def found(self) -> list[str]:
        """What is left, a line each."""
        return sorted(set(self._objects()) - self._before) + self._on_the_node()

    def frozen(self) -> list[str]:
        """The cgroups of our pods that are frozen now."""
        ours = self._world.census.uids("pods")
        frozen = []
        for folder in _pod_folders():
            if (name := ours.get(folder.name.removeprefix("pod"))) is None:
                continue
            for file, word in [(file, word) for file_name, word in _WORDS for file in folder.rglob(file_name)]:
                try:
                    if word in file.read_text().split("\n"):
                        frozen.append(f"frozen: a container of {name} ({file.parent.name[:12]})")
                except OSError:
                    pass  # It is gone.
        return frozen

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
        mounts = Path("/proc/1/mountinfo").read_text(errors="surrogateescape").splitlines()
        found += [f"mount {line.split()[4]}" for line in mounts if any(uid in line for uid in pods)]
        kubelet = Path(world.environment["STASIS_TESTBED"], "cluster/kubelet/root/pods")
        found += [f"the kubelet's folder of {name}" for uid, name in pods.items() if (kubelet / uid).exists()]
        for folder in _pod_folders():
            if (name := pods.get(folder.name.removeprefix("pod"))) is not None:
                found.append(f"cgroup of {name}")
        return sorted(found)


def _pod_folders() -> list[Path]:
    """The cgroups of all pods, in the hierarchy that freezes: with version 1 runc leaves those of others behind."""
    hierarchy = _FREEZER if _FREEZER.exists() else _FREEZER.parent
    return list(hierarchy.glob("stasis-testbed*/kubepods/**/pod*"))


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
