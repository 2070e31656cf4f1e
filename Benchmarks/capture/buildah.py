"""Buildah: `buildah commit` straight to the registry."""

import shutil
import subprocess
from pathlib import Path

from runner.cost import CostMeter
from testbed.daemon import Daemon

from capture.measured_registry import MeasuredRegistry
from capture.peer import Peer
from capture.stop_watch import StopWatch


class Buildah(Peer):
    """A working container of buildah's, in folders of its own."""

    name = "buildah commit"

    def __init__(self, registry: MeasuredRegistry, folder: Path, watch: Path) -> None:
        super().__init__(registry)
        self._folder = folder
        folder.mkdir(parents=True)
        policy = folder / "policy.json"
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self._policy = ["--signature-policy", str(policy), "--tls-verify=false"]
        self._options = [
            "--root", str(folder / "root"), "--runroot", str(folder / "run"), "--storage-driver", "overlay",
        ]  # fmt: skip
        self.watch = StopWatch(watch)
        self._loop: Daemon | None = None

    def __enter__(self) -> "Buildah":
        try:
            self._buildah("from", "--quiet", *self._policy, "--name", "box", f"docker://{self.registry.base}")
            self.root = Path(self._buildah("mount", "box").strip())
            self._loop = Daemon(
                "buildah run",
                [
                    "buildah", *self._options, "run", "--isolation", "chroot", "--volume",
                    f"{self.watch.folder}:/watch", "box", "--", *StopWatch.COMMAND,
                ],
                self._folder / "run.log",
            )  # fmt: skip
            started = self.watch.folder / "started"
            self._loop.wait_until(started.exists)
        except BaseException:
            self.__exit__()
            raise
        return self

    def daemons(self) -> list[int]:
        return []

    def capture(self, meter: CostMeter, tag: str) -> None:
        image = f"docker://{self.registry.address}/bench/buildah:{tag}"
        meter.run("buildah", *self._options, "commit", "--quiet", *self._policy, "box", image)

    def __exit__(self, *_: object) -> None:
        self.watch.end()
        if self._loop:
            self._loop.stop()
        self._buildah("umount", "box", check=False)
        self._buildah("rm", "box", check=False)
        subprocess.run(["umount", "--quiet", self._folder / "root/overlay"], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _buildah(self, *arguments: str, check: bool = True) -> str:
        command = ["buildah", *self._options, *arguments]
        errors = None if check else subprocess.DEVNULL
        return subprocess.run(command, check=check, text=True, stdout=subprocess.PIPE, stderr=errors).stdout
