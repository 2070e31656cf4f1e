"""Requests, as fast as a server takes them on some connections, and what they cost it.

By hand: `python3 -m server.load PROGRAM` in the folder Benchmarks, where PROGRAM is a `memory-server` of a release build.
"""

import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from runner.cost import cpu_seconds

from server.memory_server import KEY, MemoryServer


_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}


class LoadError(Exception):
    """Requests were not answered as they should be, so their number says nothing."""


@dataclass(frozen=True)
class Load:
    """What came of it."""

    requests: int
    #: CPU seconds of the server.
    cpu: float
    #: Wall seconds.
    wall: float
    #: How long 99 of 100 requests took at most, in seconds.
    p99: float

    @property
    def per_cpu_second(self) -> float:
        """Requests that the server answers in a second of one core."""
        return self.requests / self.cpu


def send(url: str, pid: int, seconds: int, connections: int = 16, key: str = KEY) -> Load:
    """Sends the same request again and again on connections that are kept, with Debian's wrk."""
    command = ["wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency", "--timeout", "30s"]
    command += ["--header", f"OPEN-SANDBOX-API-KEY: {key}", url]
    before = cpu_seconds(pid)
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    cpu = cpu_seconds(pid) - before
    found = re.search(r"(\d+) requests in ([\d.]+)(m?)s", text)
    if not found or "Non-2xx" in text or "Socket errors" in text:
        raise LoadError(text)
    slow, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", text).groups()
    return Load(int(found[1]), cpu, float(found[2]) * (0.001 if found[3] else 1), float(slow) * _UNITS[unit])


def main(program: str, seconds: int = 5, sandboxes: int = 1000) -> None:
    """Prints what reading one sandbox, and a page of 200, costs."""
    with tempfile.TemporaryDirectory() as folder, MemoryServer(Path(program), Path(folder), sandboxes) as server:
        one = server.get("/sandboxes?pageSize=1")["items"][0]["id"]
        for title, path in (
            ("one sandbox", f"/sandboxes/{one}"),
            (f"200 of {sandboxes}", "/sandboxes?pageSize=200"),
            ("200 of those that run", "/sandboxes?pageSize=200&state=Running"),
            ("health", "/health"),
        ):
            send(server.url(path), server.pid, 1)
            load = send(server.url(path), server.pid, seconds)
            rate = load.requests / load.wall
            print(f"{title}: {load.per_cpu_second:,.0f} a CPU second, {rate:,.0f} a second, {load.cpu / load.wall:.2f} cores")


if __name__ == "__main__":
    main(*sys.argv[1:2])
