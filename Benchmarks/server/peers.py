"""The servers that are compared: ours, and OpenSandbox's own as it was released, in front of the same namespace."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from runner.bench import Bench

_FOLDER = Path(__file__).resolve().parent
#: How long a server may take to begin.
_START = 90

_CONFIGURATION = """\
[server]
host = "127.0.0.1"
port = {port}
api_key = "{key}"

[runtime]
type = "kubernetes"
execd_image = "execd.example/execd:1"

[kubernetes]
kubeconfig_path = "{kubeconfig}"
namespace = "{namespace}"
{more}
"""


@dataclass
class Peer:
    """A running server."""

    name: str
    address: str
    key: str
    pid: int

    def request(self, path: str, method: str = "GET", body: bytes | None = None) -> urllib.request.Request:
        """A request with the key."""
        headers = {"OPEN-SANDBOX-API-KEY": self.key}
        if body is not None:
            headers["Content-Type"] = "application/json"
        return urllib.request.Request(f"http://{self.address}{path}", data=body, headers=headers, method=method)

    def memory(self, kind: str = "VmRSS") -> int:
        """What it holds in memory now, in bytes: all of it, or with `RssAnon` what is no copy of a file on the disk."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(rf"{kind}:\s+(\d+) kB", status).group(1)) * 1024


def start_ours(bench: Bench, kubeconfig: str, namespace: str) -> Peer:
    """Ours, with its access log going to a file as it is deployed."""
    command = [str(bench.programs / "stasis-server"), "--config"]
    return _start(bench, "stasis-server", command, kubeconfig, namespace, "")


def start_official(bench: Bench, kubeconfig: str, namespace: str) -> Peer:
    """OpenSandbox's, in an environment of its own, which is made anew when requirements.txt changes."""
    environment = bench.cache / "opensandbox-server"
    requirements = _FOLDER / "official" / "requirements.txt"
    wanted = f"{requirements.read_text()}{sys.version}"
    made_from = environment / "made-from"
    if not made_from.exists() or made_from.read_text() != wanted:
        bench.say("an environment for opensandbox-server")
        subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
        install = ["install", "--quiet", "--disable-pip-version-check", "--requirement", requirements]
        subprocess.run([environment / "bin/pip", *install], check=True)
        made_from.write_text(wanted)
    command = [str(environment / "bin/opensandbox-server"), "--config"]
    store = f'workload_provider = "batchsandbox"\n\n[store]\ntype = "sqlite"\npath = "{bench.folder}/official.db"'
    name = requirements.read_text().strip().replace("==", " ")
    return _start(bench, name, command, kubeconfig, namespace, store)


def _start(bench: Bench, name: str, command: list[str], kubeconfig: str, namespace: str, more: str) -> Peer:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    key = secrets.token_hex(16)
    configuration = bench.folder / f"{name.split()[0]}.toml"
    configuration.write_text(
        _CONFIGURATION.format(port=port, key=key, kubeconfig=kubeconfig, namespace=namespace, more=more)
    )
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("OPENSANDBOX_", "SANDBOX_"))}
    log = bench.folder / f"{name.split()[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen([*command, str(configuration)], stdout=output, stderr=output, env=environment)

    def end() -> None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    bench.callback(end)
    peer = Peer(name, f"127.0.0.1:{port}", key, process.pid)
    deadline = time.monotonic() + _START
    while True:
        try:
            with urllib.request.urlopen(f"http://{peer.address}/health", timeout=5):
                return peer
        except (urllib.error.URLError, OSError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{name} did not come up:\n{log.read_text(errors='replace')[-4000:]}") from None
            time.sleep(0.2)
