"""What is soaked: a controller, two servers and a registry, each of which can be hurt, in a namespace of the testbed's Kubernetes."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from soak.kube import Census, Kube
from soak.link import Link
from testbed import Cluster, ClusterServer, DaemonError
from testbed.daemon import Daemon, free_port

_REGISTRY = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: "{folder}/data"}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
"""

#: Short, so that what waits for them ends within a test.
FLAGS = [
    "--snapshot-retention=2", "--snapshot-delete-policy=Delete", "--commit-job-timeout=60s", "--resume-timeout=90s",
    "--artifact-check-interval=20s",
]


class Registry:
    """A docker-registry of our own that the testbed's containerd, its pods and this machine reach by one address."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        folder.mkdir()
        self.address = f"{environment['STASIS_TESTBED_HOST_ADDRESS']}:{free_port()}"
        self._hosts = Path(environment["STASIS_TESTBED"], "cluster/containerd/hosts", self.address)
        self._hosts.mkdir(parents=True)
        server = f"http://{self.address}"
        self._hosts.joinpath("hosts.toml").write_text(
            f'server = "{server}"\n[host."{server}"]\n  capabilities = ["pull", "resolve"]\n'
        )
        self._configuration = folder / "config.yml"
        self._configuration.write_text(_REGISTRY.format(folder=folder, address=self.address))
        self._start()

    def crash(self, seconds: float) -> None:
        """Kills it, and starts it again after a while, with what it has stored."""
        self._daemon.kill()
        time.sleep(seconds)
        self._start()

    def hang(self, seconds: float) -> None:
        """It takes connections and answers nothing, for a while."""
        os.kill(self._daemon.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self._daemon.pid, signal.SIGCONT)

    def tags(self) -> dict[str, list[str]]:
        """The tags of each repository that has any."""
        found = {}
        for repository in self._get("/v2/_catalog?n=1000")["repositories"]:
            try:
                tags = self._get(f"/v2/{repository}/tags/list")["tags"]
            except urllib.error.HTTPError:
                continue
            if tags:
                found[repository] = sorted(tags)
        return found

    def manifests(self) -> dict[str, str]:
        """All manifests, with a tag or without: what each of them says, by its repository and digest."""
        found = {}
        folder = self.folder / "data/docker/registry/v2"
        for link in folder.glob("repositories/**/_manifests/revisions/sha256/*/link"):
            digest = link.parent.name
            repository = link.relative_to(folder / "repositories").as_posix().split("/_manifests/")[0]
            data = folder / "blobs/sha256" / digest[:2] / digest / "data"
            found[f"{repository}@{digest}"] = data.read_text() if data.exists() else "no such blob"
        return found

    def blobs(self) -> set[str]:
        """The digests of all blobs that it stores."""
        folder = self.folder / "data/docker/registry/v2/blobs/sha256"
        return {path.parent.name for path in folder.glob("*/*/data")}

    def collect_garbage(self) -> None:
        """Removes the blobs that no manifest names. Nothing may be pushed meanwhile."""
        subprocess.run(
            ["docker-registry", "garbage-collect", str(self._configuration)], check=True, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self._daemon.stop()
        shutil.rmtree(self._hosts, ignore_errors=True)

    def _start(self) -> None:
        log = self.folder / "registry.log"
        self._daemon = Daemon("docker-registry", ["docker-registry", "serve", str(self._configuration)], log)
        self._daemon.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            self._get("/v2/")
            return True
        except OSError:
            return False

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://{self.address}{path}", timeout=10) as answer:
            return json.load(answer)


class World(Cluster):
    """A context manager: leaving it leaves nothing. Snapshots go to `images`, the registry that may fail; what sandboxes are made of
    comes from the testbed's."""

    def __init__(self, programs: Path) -> None:
        super().__init__(programs, "soak", flags=FLAGS)
        self.incarnations = 0  # of the controller
        self._controller_lock = threading.Lock()

    def _start(self) -> None:
        api = self.environment["STASIS_TESTBED_API"].removeprefix("https://")
        self.links = {name: Link(api) for name in ("controller", "steady", "doomed")}
        kubeconfig = Path(self.environment["KUBECONFIG"]).read_text()
        for name, link in self.links.items():
            own = self.folder / f"{name}.conf"
            own.write_text(kubeconfig.replace(f"https://{api}", f"https://{link.address}"))
            own.chmod(0o600)
        self.images = Registry(self.folder / "images", self.environment)
        self.kube = Kube(self.environment, self.namespace)
        self.controller_kubeconfig = str(self.folder / "controller.conf")
        super()._start()
        self.executor_image = self.push_program("stasis-task-executor")
        self.census = Census(self.kube)
        #: One server is never killed, the other one often.
        self.steady, self.doomed = (self._server(name) for name in ("steady", "doomed"))

    @property
    def snapshot_registry(self) -> str:
        return self.images.address

    def _server(self, link: str) -> ClusterServer:
        self.server_kubeconfig = str(self.folder / f"{link}.conf")
        return self.server("sandbox_create_timeout_seconds = 60", key="soak")

    def _start_controller(self) -> None:
        super()._start_controller()
        self.incarnations += 1

    def kill_controller(self, code: signal.Signals, seconds: float) -> None:
        """Ends the controller in one way or the other, and starts it again after a while."""
        with self._controller_lock:
            self._running.remove(self.controller)
            if code == signal.SIGKILL:
                self.controller.kill()
            elif (ended := self.controller.stop()) != 0:
                raise DaemonError(f"told to end, the controller ended with {ended}:\n{self.end_of_log()}")
            time.sleep(seconds)
            self._start_controller()

    def ctr(self, *arguments: str, check: bool = True) -> str:
        """Runs containerd's own client in the namespace of the kubelet."""
        command = ["ctr", "--address", self.environment["STASIS_TESTBED_CONTAINERD"], "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, check=check, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        # The names of images are the kubelet's to collect, which it does when the disk is full.
        if hasattr(self, "images"):
            names = [name for name in self.ctr("images", "list", "--quiet", check=False).split() if self.images.address in name]
            if names:
                self.ctr("images", "rm", *names, check=False)
        super().__exit__(kind, error, trace)

    def _stop(self) -> None:
        super()._stop()
        if hasattr(self, "census"):
            self.census.close()
        for link in getattr(self, "links", {}).values():
            link.close()
        if hasattr(self, "images"):
            self.images.stop()
