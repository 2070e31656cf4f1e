"""All daemons of a testbed together."""

import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType

from testbed.containerd import Containerd
from testbed.registry import Registry
from testbed.server import Server
from testbed.traces import Traces, everything_left

_SCRIPTS = Path(__file__).resolve().parent.parent


class Testbed:
    """A containerd, a registry with a busybox image, and a stasis-server. A context manager: leaving it leaves nothing.

    `image` names the busybox image in the registry, `layout_image` the same one in an image layout. Snapshots go to the
    registry, or to an image layout in the server's own folder when `layout_store` is set. `configuration` is more of the
    server's, in which `{image}` stands for the image.
    """

    __test__ = False  # Not a test, whatever pytest thinks of its name.

    def __init__(self, program: Path, name: str, layout_store: bool = False, configuration: str = "") -> None:
        self._program = program
        self._name = name
        self._layout_store = layout_store
        self._configuration = configuration

    def __enter__(self) -> "Testbed":
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self._name}-"))
        self._running: list[Containerd | Registry | Server] = []
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def traces(self, sandbox: str, address: str) -> Traces:
        """What a running sandbox is on this machine."""
        return Traces.of(sandbox, address, self.containerd, self.server)

    def everything_left(self) -> list[str]:
        """What sandboxes have left behind, when there should be none."""
        return everything_left(self.containerd, self.server)

    def _start(self) -> None:
        self.layout = self.folder / "layout"
        subprocess.run([_SCRIPTS / "make-busybox-image", self.layout, "busybox"], check=True)
        self.layout_image = f"oci:{self.layout}:busybox"
        self.registry = Registry(self.folder / "registry")
        self._running.append(self.registry)
        self.image = f"{self.registry.address}/base/busybox:1"
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false"]
            + [f"oci:{self.layout}:busybox", f"docker://{self.image}"],
            check=True,
        )
        self.containerd = Containerd(self.folder / "containerd", namespace="stasis")
        self._running.append(self.containerd)
        store = f"oci:{self.folder}/snapshots" if self._layout_store else f"{self.registry.address}/sandboxes"
        configuration = self._configuration.replace("{image}", self.image)
        self.server = Server(self._program, self.folder / "server", self.containerd, store, configuration)
        self._running.append(self.server)

    def _stop(self) -> None:
        while self._running:
            self._running.pop().stop()
        shutil.rmtree(self.folder, ignore_errors=True)
