"""The API's own description, tried out by a program that knows nothing else of it: whatever the description allows is
sent, and much that it does not, and no answer may be one that it does not describe."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

KEY = "the key"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
]
# What this server only refuses (501), or hands on to a sandbox.
REFUSED = "^/(templates|pools|sandboxes/[^/]+/networkpolicy)"


class MemoryServer:
    """A server in front of sandboxes that exist in its memory only."""

    def __init__(self, program: Path, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        configuration = folder / "server.toml"
        configuration.write_text(f'[server]\nhost = "127.0.0.1"\nport = {port}\napi_key = "{KEY}"\n')
        self.url = f"http://127.0.0.1:{port}/v1"
        self.log = folder / "server.log"
        environment = {"HOME": str(folder)}
        arguments = [program, "--config", configuration, "--sandboxes", "20"]
        self.process = subprocess.Popen(arguments, stderr=self.log.open("wb"), env=environment)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.get("/health")
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)

    def get(self, path: str) -> dict:
        return self.send("GET", path)

    def send(self, method: str, path: str) -> dict:
        request = urllib.request.Request(self.url + path, method=method, headers={"OPEN-SANDBOX-API-KEY": KEY})
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def close(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log.read_text()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MemoryServer]:
    program = Path(os.environ.get("STASIS_BIN_DIR", ""), "memory-server")
    if not program.exists():
        pytest.exit("STASIS_BIN_DIR must name the folder with the built memory-server", returncode=2)
    server = MemoryServer(program, tmp_path)
    yield server
    server.close()


def explore(server: MemoryServer, folder: Path, configuration: str, *arguments: str) -> None:
    """Sends what the description allows and what it does not; the same each time."""
    (folder / "schemathesis.toml").write_text(configuration)
    command = [
        Path(sys.executable).parent / "schemathesis",
        "--config-file",
        folder / "schemathesis.toml",
        "run",
        server.url + "/openapi.json",
        "--url",
        server.url,
        "--header",
        f"OPEN-SANDBOX-API-KEY: {KEY}",
        "--phases",
        "coverage,fuzzing",
        "--checks",
        ",".join(CHECKS),
        "--generation-deterministic",
        "--max-examples",
        "12",
        "--warnings",
        "off",
        "--no-color",
        *arguments,
    ]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stdout + result.stderr
    assert " passed" in result.stdout and "Tested:" in result.stdout, result.stdout


def test_any_names(server: MemoryServer, tmp_path: Path) -> None:
    explore(server, tmp_path, "", "--exclude-path-regex", REFUSED)


def test_a_sandbox_that_exists(server: MemoryServer, tmp_path: Path) -> None:
    items = server.get("/sandboxes?state=Running")["items"]
    configuration = f'[parameters]\n"path.id" = "{items[0]["id"]}"\n'
    only = ["--include-path-regex", "^/sandboxes/[^/]+", "--exclude-method", "DELETE"]
    explore(server, tmp_path, configuration, *only, "--exclude-path-regex", REFUSED)
    assert server.get(f"/sandboxes/{items[0]['id']}")["id"] == items[0]["id"]
