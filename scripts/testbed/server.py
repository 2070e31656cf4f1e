"""A stasis-server of our own on a free loopback port, with a generated configuration."""

import os
import secrets
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from testbed.containerd import Containerd
from testbed.daemon import Daemon, DaemonError, free_port

_CONFIGURATION = """\
[server]
host = "127.0.0.1"
port = {port}
api_key = "{key}"
{more}

[log]
level = "DEBUG"

[runtime]
type = "local"

[storage]
allowed_host_paths = ["{shared}"]

[local]
containerd_socket = "{socket}"
containerd_namespace = "{namespace}"
state_dir = "{state}"
snapshot_store = "{store}"
{local}

[local.network]
bridge = "{bridge}"
subnet = "{subnet}"
"""


class Server:
    """A running stasis-server; `address` is its host and port, `key` the API key that it wants, `shared` the folder beneath
    which it may mount volumes from."""

    def __init__(
        self,
        program: Path,
        folder: Path,
        containerd: Containerd,
        store: str,
        configuration: str = "",
        server: str = "",
        local: str = "",
    ) -> None:
        """configuration -- more tables; server, local -- more lines of the tables of these names."""
        folder.mkdir(parents=True)
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.key = secrets.token_hex(16)
        self.state = folder / "state"
        self.shared = folder / "shared"
        self.bridge, self.subnet = _free_network()
        self._log = folder / "stasis-server.log"
        self._configuration = folder / "stasis.toml"
        self._configuration.write_text(
            _CONFIGURATION.format(
                port=port,
                key=self.key,
                more=server,
                local=local,
                socket=containerd.socket,
                namespace=containerd.namespace,
                state=self.state,
                shared=self.shared,
                store=store,
                bridge=self.bridge,
                subnet=self.subnet,
            )
            + configuration
        )
        self._program = program
        self._daemon = self._start()

    def restart(self) -> None:
        """Ends the server and starts it again on the same state. Raises DaemonError if it does not end in order."""
        code, log = self._daemon.stop(), self.end_of_log()
        self._daemon = self._start()
        if code:
            raise DaemonError(f"stasis-server ended with code {code} when it was asked to:\n{log}")

    def crash(self) -> None:
        """Kills the server, which gets no chance to tidy up, and starts it again on the same state."""
        self._daemon.kill()
        self._daemon = self._start()

    def stop(self) -> int:
        """Ends the server, takes its bridge away, and answers its exit code."""
        code = self._daemon.stop()
        if Path("/sys/class/net", self.bridge).exists():
            subprocess.run(["ip", "link", "delete", self.bridge], check=False, env=_environment())
        return code

    def end_of_log(self) -> str:
        return self._daemon.end_of_log(40)

    def _start(self) -> Daemon:
        daemon = Daemon(
            "stasis-server", [str(self._program), "--config", str(self._configuration)], self._log, _environment()
        )
        daemon.wait_until(self._answers)
        return daemon

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/health", timeout=2):
                return True
        except (urllib.error.URLError, OSError):
            return False


def _environment() -> dict[str, str]:
    # The user's own settings must not reach into the test: the key, the configuration, the registry logins.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENSANDBOX_", "SANDBOX_", "DOCKER_"))}
    return {**kept, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin"}


def _free_network() -> tuple[str, str]:
    """A bridge name and a subnet that nothing on this machine uses, so that several testbeds can run side by side."""
    routes = subprocess.run(["ip", "-4", "route"], check=True, capture_output=True, text=True, env=_environment()).stdout
    while True:
        number = secrets.randbelow(256)
        bridge, network = f"stasis-t{number}", f"10.89.{number}."
        if network not in routes and not Path("/sys/class/net", bridge).exists():
            return bridge, f"{network}0/24"
