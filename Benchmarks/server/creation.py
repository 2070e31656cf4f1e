"""Creating and deleting sandboxes that are said to run as soon as they are there."""

import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor

from runner.bench import Bench
from runner.cost import cpu_seconds
from runner.table import milliseconds, table
from server.peers import Peer
from server.setting import Setting

_COUNT = 60
_CLIENTS = 8
_BODY = {
    "image": {"uri": "registry.example/tools/code-interpreter:v1.0.1"}, "timeout": 3600, "entrypoint": ["sleep", "3600"],
    "resourceLimits": {"cpu": "1", "memory": "2Gi"}, "metadata": {"project": "created"},
}


def measure_creation(bench: Bench) -> None:
    """POST until the answer, and DELETE, by several clients."""
    setting = Setting.of(bench)
    rows: list[list[str]] = []
    medians: list[float] = []
    costs: list[float] = []
    for peer in setting.peers:
        bench.say(f"create and delete: {peer.name}")
        before = cpu_seconds(peer.pid)
        started = time.monotonic()
        with ThreadPoolExecutor(_CLIENTS) as clients:
            times = list(clients.map(lambda _: _create_and_delete(peer), range(_COUNT)))
        wall = time.monotonic() - started
        cpu = (cpu_seconds(peer.pid) - before) / _COUNT
        creates = sorted(create for create, _ in times)
        deletes = sorted(delete for _, delete in times)
        medians.append(creates[_COUNT // 2])
        costs.append(cpu)
        rows.append(
            [
                peer.name, milliseconds(creates[_COUNT // 2]), milliseconds(creates[_COUNT * 95 // 100]),
                milliseconds(deletes[_COUNT // 2]), f"{_COUNT / wall:.1f}/s", milliseconds(cpu),
            ]
        )
    if setting.player.failures:
        raise setting.player.failures[0]
    bench.add("create, median", "s", medians[0], medians[1], setting.official.name)
    bench.add("CPU time of a create and a delete", "s", costs[0], costs[1], setting.official.name)
    head = [f"{_CLIENTS} clients", "create", "p95", "delete", "both", "CPU for both"]
    bench.show(table(f"Creating {_COUNT} sandboxes and deleting them", head, rows))


def _create_and_delete(peer: Peer) -> tuple[float, float]:
    connection = http.client.HTTPConnection(peer.address, timeout=120)
    headers = {"OPEN-SANDBOX-API-KEY": peer.key, "Content-Type": "application/json"}
    started = time.monotonic()
    connection.request("POST", "/v1/sandboxes", json.dumps(_BODY), headers)
    response = connection.getresponse()
    answer = json.load(response)
    if response.status != 202:
        raise RuntimeError(f"{peer.name}: {response.status} {answer}")
    created = time.monotonic()
    connection.request("DELETE", f"/v1/sandboxes/{answer['id']}", headers=headers)
    response = connection.getresponse()
    response.read()
    if response.status != 204:
        raise RuntimeError(f"{peer.name}: {response.status} to a deletion")
    deleted = time.monotonic()
    connection.close()
    return created - started, deleted - created
