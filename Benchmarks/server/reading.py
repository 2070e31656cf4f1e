"""Reading sandboxes: one of them, and a page of many."""

import json
import urllib.request

from runner.bench import Bench
from runner.table import megabytes, milliseconds, table
from server.load import Load, send
from server.setting import SANDBOXES, Setting

_SECONDS = 10


def measure_reading(bench: Bench) -> None:
    """GET of one sandbox, and of a page of 200 of all."""
    setting = Setting.of(bench)
    one = f"/v1/sandboxes/{setting.ids[SANDBOXES // 2]}"
    page = "/v1/sandboxes?pageSize=200&page=2"
    rows: list[list[str]] = []
    found: dict[tuple[str, str], Load] = {}
    for title, path in (("one", one), (f"200 of {SANDBOXES}", page)):
        for peer in setting.peers:
            bench.say(f"GET {title}: {peer.name}")
            with urllib.request.urlopen(peer.request(path)) as answer:
                _check(json.load(answer), title)
            url = f"http://{peer.address}{path}"
            send(url, peer.pid, 2, key=peer.key)
            load = send(url, peer.pid, _SECONDS, key=peer.key)
            found[title, peer.name] = load
            rows.append(
                [f"GET {title}, {peer.name}", f"{load.requests / load.wall:.0f}/s", f"{load.per_cpu_second:.0f}", milliseconds(load.p99)]
            )
    notes = []
    for title in ("one", f"200 of {SANDBOXES}"):
        ours, theirs = (found[title, peer.name] for peer in setting.peers)
        times = ours.per_cpu_second / theirs.per_cpu_second
        notes.append(f"GET {title}: {times:.1f} times the requests of {setting.official.name} per CPU second.")
        bench.add("CPU time of a request", "s", ours.cpu / ours.requests, theirs.cpu / theirs.requests, setting.official.name, case=f"GET {title}")
    for title, kind in (("resident", "VmRSS"), ("of its own, without what is mapped from files", "RssAnon")):
        memory = [peer.memory(kind) for peer in setting.peers]
        notes.append(
            f"Memory {title}, afterwards: {megabytes(memory[0])} and {megabytes(memory[1])}, "
            f"{memory[0] / memory[1]:.2f} times as much."
        )
        bench.add(f"memory {kind}", "B", memory[0], memory[1], setting.official.name, case=f"{SANDBOXES} sandboxes")
    head = ["16 connections", "requests", "per CPU second", "p99"]
    bench.show(table(f"Reading sandboxes, of which there are {SANDBOXES}", head, rows, notes))


def _check(answer: dict, title: str) -> None:
    """Both servers must do the same work."""
    if title == "one":
        assert answer["status"]["state"] == "Running", answer
    else:
        assert len(answer["items"]) == 200, len(answer["items"])
        assert answer["pagination"]["totalItems"] >= SANDBOXES, answer["pagination"]
