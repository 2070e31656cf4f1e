"""A containerd of our own: own root, state and socket; it knows nothing of the machine's."""

import os
import signal
import subprocess
import time
from pathlib import Path

from testbed.daemon import Daemon

_CONFIGURATION = """\
version = 2
root = "{folder}/root"
state = "{folder}/state"
oom_score = 0
disabled_plugins = [
    "io.containerd.grpc.v1.cri",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{socket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
"""


class Containerd:
    """A running containerd. `ctr` asks it things with containerd's own client, in the namespace given."""

    def __init__(self, folder: Path, namespace: str) -> None:
        self.folder = folder
        self.namespace = namespace
        self.socket = folder / "containerd.sock"
        folder.mkdir(parents=True)
        configuration = folder / "config.toml"
        configuration.write_text(_CONFIGURATION.format(folder=folder, socket=self.socket))
        self._daemon = Daemon(
            "containerd", ["containerd", "--config", str(configuration)], folder / "containerd.log", _environment()
        )
        self._daemon.wait_until(self._answers)

    @property
    def pid(self) -> int:
        return self._daemon.pid

    def ctr(self, *arguments: str, seconds: float = 30) -> str:
        """The output of a ctr command. Raises CalledProcessError when it fails."""
        return subprocess.run(
            ["ctr", "--address", str(self.socket), "--namespace", self.namespace, *arguments],
            check=True,
            capture_output=True,
            text=True,
            timeout=seconds,
        ).stdout

    def stop(self) -> None:
        """Ends all its containers, itself, and what they leave on the machine."""
        try:
            for task in self.ctr("tasks", "ls", "--quiet").split():
                self._try_ctr("tasks", "resume", task)
                self._try_ctr("tasks", "delete", "--force", task)
            for container in self.ctr("containers", "ls", "--quiet").split():
                self._try_ctr("containers", "delete", container)
        except subprocess.SubprocessError:
            pass  # It is dead or hangs; what follows cleans up behind it.
        self._daemon.stop()
        for pid in self.shims():
            os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while self.shims() and time.monotonic() < deadline:
            time.sleep(0.05)
        for mount in reversed(mounts_below(self.folder)):
            subprocess.run(["umount", "--lazy", mount], check=False)

    def shims(self) -> list[int]:
        """The pids of the shims that this containerd started."""
        found = []
        for process in Path("/proc").iterdir():
            try:
                arguments = (process / "cmdline").read_bytes().split(b"\0")
            except (OSError, NotADirectoryError):
                continue
            if b"containerd-shim" in arguments[0] and str(self.socket).encode() in arguments:
                found.append(int(process.name))
        return found

    def _answers(self) -> bool:
        if not self.socket.exists():
            return False
        try:
            self.ctr("version")
            return True
        except subprocess.SubprocessError:
            return False

    def _try_ctr(self, *arguments: str) -> None:
        try:
            self.ctr(*arguments)
        except subprocess.SubprocessError:
            pass


def mounts_below(folder: Path) -> list[str]:
    """The mount points in a folder, in the order in which they were mounted."""
    prefix = f"{folder}/"
    points = []
    for line in Path("/proc/self/mountinfo").read_text(errors="surrogateescape").splitlines():
        point = unescape_mount_point(line.split(" ")[4])
        if point.startswith(prefix):
            points.append(point)
    return points


def unescape_mount_point(text: str) -> str:
    """A mount point as the kernel prints it, with its octal escapes undone."""
    for escape, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(escape, character)
    return text


def _environment() -> dict[str, str]:
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": f"{path}:/usr/sbin:/usr/bin:/sbin:/bin"}
