"""Bytes through the servers' proxies."""

import socket
import subprocess
import tempfile
import threading
import time

from runner.bench import Bench
from runner.cost import cpu_seconds
from runner.table import table
from server.setting import Setting

_BYTES = 512 << 20
_ROUNDS = 3


def measure_proxying(bench: Bench) -> None:
    """A large answer of a port of a sandbox: directly, and through each server."""
    setting = Setting.of(bench)
    rows: list[list[str]] = []
    costs: list[float] = []
    with _Source(setting.address) as source:
        rates = [_fetch(f"http://{setting.address}:{source.port}/") for _ in range(_ROUNDS)]
        rows.append(["directly", f"{max(rates) / 1e6:.0f} MB/s", ""])
        for peer in setting.peers:
            bench.say(f"through {peer.name}")
            url = f"http://{peer.address}/v1/sandboxes/{setting.ids[0]}/proxy/{source.port}/"
            _fetch(url)
            before = cpu_seconds(peer.pid)
            rates = [_fetch(url) for _ in range(_ROUNDS)]
            cpu = (cpu_seconds(peer.pid) - before) / (_ROUNDS * _BYTES)
            costs.append(cpu)
            rows.append([f"through {peer.name}", f"{max(rates) / 1e6:.0f} MB/s", f"{1 / cpu / 1e6:.0f} MB"])
    bench.add("CPU time of a proxied GB", "s", costs[0] * 1e9, costs[1] * 1e9, setting.official.name)
    bench.show(table(f"An answer of {_BYTES >> 20} MiB", ["", "rate", "per CPU second"], rows))


def _fetch(url: str) -> float:
    """Bytes a second."""
    started = time.monotonic()
    size = subprocess.run(
        ["curl", "--silent", "--show-error", "--fail", "--output", "/dev/null", "--write-out", "%{size_download}", url],
        check=True, text=True, stdout=subprocess.PIPE,
    ).stdout
    assert int(size) == _BYTES, size
    return _BYTES / (time.monotonic() - started)


class _Source:
    """A web server that answers every request with the same bytes, straight from the page cache."""

    def __init__(self, address: str) -> None:
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> "_Source":
        self._file = tempfile.TemporaryFile()
        self._file.truncate(_BYTES)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._listener.close()
        self._file.close()

    def _serve(self) -> None:
        # It ends with the listener.
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            try:
                while connection.recv(65536):
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {_BYTES}\r\nContent-Type: application/octet-stream\r\n\r\n"
                    connection.sendall(head.encode())
                    with open(self._file.fileno(), "rb", closefd=False) as file:
                        connection.sendfile(file, offset=0, count=_BYTES)
            except OSError:
                # The client is gone.
                return
