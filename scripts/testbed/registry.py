"""A docker-registry of our own on a free loopback port."""

import urllib.error
import urllib.request
from pathlib import Path

from testbed.daemon import Daemon, free_port

_CONFIGURATION = """\
version: 0.1
log: {{level: warn}}
storage: {{filesystem: {{rootdirectory: "{folder}/data"}}, delete: {{enabled: true}}}}
http: {{addr: "{address}"}}
"""


class Registry:
    """A running registry; `address` is its host and port."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.address = f"127.0.0.1:{free_port()}"
        configuration = folder / "config.yml"
        configuration.write_text(_CONFIGURATION.format(folder=folder, address=self.address))
        self._daemon = Daemon("docker-registry", ["docker-registry", "serve", str(configuration)], folder / "registry.log")
        self._daemon.wait_until(self._answers)

    @property
    def pid(self) -> int:
        return self._daemon.pid

    def stop(self) -> None:
        self._daemon.stop()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/v2/", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False
