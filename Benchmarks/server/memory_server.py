"""The server in front of sandboxes that exist in its memory only, with its log to nowhere."""

import json
import os
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType

KEY = "the key"


class MemoryServer:
    """A context manager that starts the program and ends it."""

    def __init__(self, program: Path, folder: Path, sandboxes: int, settings: str = "") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        configuration = folder / "memory-server.toml"
        configuration.write_text(f'[server]\nhost = "127.0.0.1"\nport = {self.port}\napi_key = "{KEY}"\n{settings}')
        self._command = [program, "--config", configuration, "--sandboxes", str(sandboxes)]
        self._folder = folder

    def __enter__(self) -> "MemoryServer":
        environment = {**os.environ, "HOME": str(self._folder)}
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL, env=environment)
        deadline = time.monotonic() + 30
        while True:
            try:
                self.get("/health")
                return self
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.terminate()
        self._process.wait(30)

    @property
    def pid(self) -> int:
        """The process whose CPU time counts."""
        return self._process.pid

    def url(self, path: str) -> str:
        """Where a path of the API is."""
        return f"http://127.0.0.1:{self.port}/v1{path}"

    def get(self, path: str) -> dict:
        """What the API answers."""
        request = urllib.request.Request(self.url(path), headers={"OPEN-SANDBOX-API-KEY": KEY})
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.load(response)
