"""Debian's Docker engine: `docker commit` and `docker push`."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from runner.cost import CostMeter
from testbed.containerd import Containerd
from testbed.daemon import Daemon

from capture.measured_registry import MeasuredRegistry
from capture.peer import Peer
from capture.stop_watch import StopWatch

# By their paths: a client of another maker may come first on the PATH.
_CLIENT, _DAEMON = "/usr/bin/docker", "/usr/sbin/dockerd"


class Docker(Peer):
    """An engine of our own: its own folders and socket, no network of its own, and the containerd that is given."""

    name = "docker commit + push"

    def __init__(self, registry: MeasuredRegistry, containerd: Containerd, folder: Path, watch: Path) -> None:
        super().__init__(registry)
        self._containerd = containerd
        self._folder = folder
        (folder / "client").mkdir(parents=True)
        # The machine's own configuration of Docker is not ours.
        (folder / "daemon.json").write_text("{}")
        self.watch = StopWatch(watch)
        self._environment = {"DOCKER_HOST": f"unix://{folder}/docker.sock", "DOCKER_CONFIG": str(folder / "client")}
        self._daemon = Daemon(
            "dockerd",
            [
                _DAEMON, "--host", self._environment["DOCKER_HOST"], "--containerd", str(containerd.socket),
                "--data-root", str(folder / "data"), "--exec-root", str(folder / "exec"),
                "--pidfile", str(folder / "docker.pid"), "--config-file", str(folder / "daemon.json"),
                "--bridge", "none", "--iptables=false", "--ip6tables=false", "--storage-driver", "overlay2",
            ],
            folder / "docker.log",
        )  # fmt: skip

    def __enter__(self) -> "Docker":
        try:
            self._daemon.wait_until(self._answers)
            self._docker("pull", "--quiet", self.registry.base)
            self.restart(self.registry.base)
        except BaseException:
            self.__exit__()
            raise
        return self

    def restart(self, image: str) -> None:
        """Runs a new container of an image, instead of the one there was."""
        self._docker("rm", "--force", "box", check=False)
        self._docker(
            "run", "--detach", "--pull=never", "--network=none", f"--volume={self.watch.folder}:/watch", "--name=box",
            image, *StopWatch.COMMAND,
        )  # fmt: skip
        pid = json.loads(self._docker("inspect", "box"))[0]["State"]["Pid"]
        self.root = Path(f"/proc/{pid}/root")

    def daemons(self) -> list[int]:
        return [self._daemon.pid, self._containerd.pid]

    def image(self, tag: str) -> str:
        return f"{self.registry.address}/bench/docker:{tag}"

    def capture(self, meter: CostMeter, tag: str) -> None:
        meter.run(_CLIENT, "commit", "box", self.image(tag), environment=self._environment)
        meter.run(_CLIENT, "push", "--quiet", self.image(tag), environment=self._environment)

    def __exit__(self, *_: object) -> None:
        self._docker("rm", "--force", "box", check=False)
        self._daemon.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        command = [_CLIENT, "version"]
        return subprocess.run(command, env=os.environ | self._environment, capture_output=True, check=False).returncode == 0

    def _docker(self, *arguments: str, check: bool = True) -> str:
        return subprocess.run(
            [_CLIENT, *arguments],
            env=os.environ | self._environment,
            check=check,
            text=True,
            stdout=subprocess.PIPE,
            stderr=None if check else subprocess.DEVNULL,
        ).stdout
