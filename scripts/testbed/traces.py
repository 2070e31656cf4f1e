"""What a sandbox is on the machine while it runs, and what is left of it afterwards."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from testbed.containerd import Containerd, mounts_below
from testbed.server import Server


@dataclass(frozen=True)
class Traces:
    """What belongs to one running sandbox. `left` says later what of it still exists."""

    containers: frozenset[str]
    processes: frozenset[str]  # pid and start time, because pids come again
    namespaces: frozenset[str]
    mounts: frozenset[str]
    addresses: frozenset[str]
    containerd: Containerd = field(repr=False, compare=False)
    server: Server = field(repr=False, compare=False)

    @classmethod
    def of(cls, sandbox: str, address: str, containerd: Containerd, server: Server) -> "Traces":
        """Looks at a running sandbox from outside, with containerd's own client and /proc."""
        containers = frozenset(
            container
            for container in containerd.ctr("containers", "ls", "--quiet").split()
            if sandbox in container or sandbox in _labels(containerd, container).values()
        )
        pids = []
        for container in containers:
            listing = containerd.ctr("tasks", "ps", container).splitlines()[1:]
            pids += [int(line.split()[0]) for line in listing]
        own = os.readlink("/proc/self/ns/net")
        namespaces = {_network_namespace(pid) for pid in pids} - {own, None}
        mounts = {mount for mount in mounts_below(containerd.folder) if any(name in mount for name in containers)}
        mounts |= {mount for mount in mounts_below(server.state) if sandbox in mount}
        processes = {identity for pid in pids if (identity := _identity(pid))}
        return cls(
            containers,
            frozenset(processes),
            frozenset(namespaces),
            frozenset(mounts),
            frozenset([address.rsplit(":", 1)[0]]),
            containerd,
            server,
        )

    @property
    def pids(self) -> list[int]:
        """The process ids that it had when it was looked at."""
        return sorted(int(identity.split()[0]) for identity in self.processes)

    def left(self) -> list[str]:
        """What still exists of the sandbox, a line each. Empty: its compute is released."""
        found = []
        running = set(self.containerd.ctr("tasks", "ls", "--quiet").split())
        existing = set(self.containerd.ctr("containers", "ls", "--quiet").split())
        snapshots = {line.split()[0] for line in self.containerd.ctr("snapshots", "ls").splitlines()[1:]}
        mounts = set(mounts_below(self.containerd.folder)) | set(mounts_below(self.server.state))
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        found += [f"task {name}" for name in self.containers & running]
        found += [f"container {name}" for name in self.containers & existing]
        found += [f"snapshot {name}" for name in self.containers & snapshots]
        found += [f"process {identity}" for identity in self.processes & {_identity(pid) for pid in pids}]
        found += [f"network namespace {name}" for name in self.namespaces & _all_network_namespaces(pids)]
        found += [f"mount {mount}" for mount in self.mounts & mounts]
        found += [f"address {address}" for address in self.addresses & reserved_addresses(self.server)]
        return sorted(found)


def everything_left(containerd: Containerd, server: Server) -> list[str]:
    """What any sandbox has left behind when there should be none: a line each."""
    found = [f"task {name}" for name in containerd.ctr("tasks", "ls", "--quiet").split()]
    found += [f"container {name}" for name in containerd.ctr("containers", "ls", "--quiet").split()]
    for line in containerd.ctr("snapshots", "ls").splitlines()[1:]:
        if line.split()[-1] != "Committed":
            found.append(f"snapshot {line.split()[0]}")
    found += [f"lease {name}" for name in containerd.ctr("leases", "ls", "--quiet").split()]
    found += [f"shim {pid}" for pid in containerd.shims()]
    found += [f"mount {mount}" for mount in mounts_below(containerd.folder) + mounts_below(server.state)]
    found += [f"address {address}" for address in reserved_addresses(server)]
    ports = Path("/sys/class/net", server.bridge, "brif")
    if ports.exists():
        found += [f"interface {port.name}" for port in ports.iterdir()]
    return sorted(found)


def reserved_addresses(server: Server) -> set[str]:
    """The addresses that the CNI plugins hold for sandboxes: host-local keeps a file for each, named like it."""
    network = server.subnet.rsplit(".", 1)[0]
    return {path.name for path in server.state.rglob(f"{network}.*") if path.is_file()}


def _labels(containerd: Containerd, container: str) -> dict[str, str]:
    return json.loads(containerd.ctr("containers", "info", container)).get("Labels") or {}


def _identity(pid: int) -> str | None:
    try:
        status = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    return f"{pid} started {status.rpartition(')')[2].split()[19]}"


def _network_namespace(pid: int) -> str | None:
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def _all_network_namespaces(pids: list[int]) -> set[str]:
    held = {namespace for pid in pids if (namespace := _network_namespace(pid))}
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        parts = line.split(" ")
        if parts[3].startswith("net:["):
            held.add(parts[3])
    return held
