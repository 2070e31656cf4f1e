"""Load from `wrk`, and what it costs the server."""

import re
import subprocess
from dataclasses import dataclass

from runner.cost import cpu_seconds
from server.peers import Peer

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}


@dataclass
class Load:
    """What came of it."""

    #: Requests answered each second.
    rate: float
    #: Requests answered for each second of the server's CPU time.
    per_cpu_second: float
    #: How long 99 of 100 requests took at most, in seconds.
    p99: float
    #: CPU time of the server for one request, in seconds.
    cpu: float


def press(peer: Peer, path: str, seconds: int, connections: int = 16) -> Load:
    """Asks for one path over some connections that are kept open, one request after the other on each."""
    before = cpu_seconds(peer.pid)
    output = subprocess.run(
        [
            "wrk", "--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s", "--latency",
            "--timeout", "30s", "--header", f"OPEN-SANDBOX-API-KEY: {peer.key}", f"http://{peer.address}{path}",
        ],
        check=True, text=True, stdout=subprocess.PIPE,
    ).stdout
    cpu = cpu_seconds(peer.pid) - before
    if refused := re.search(r"(Non-2xx or 3xx responses: .*|Socket errors: .*)", output):
        raise RuntimeError(f"{peer.name} {path}: {refused.group(1)}")
    count = int(re.search(r"(\d+) requests in", output).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", output).groups()
    return Load(rate, count / cpu, float(number) * _UNITS[unit], cpu / count)
