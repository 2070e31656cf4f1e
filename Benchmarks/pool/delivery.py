"""How fast sandboxes are there: one of many replicas, many of one replica, and as many without a pool."""

import statistics
from collections.abc import Iterator

from pool.round import Round, deliver
from pool.setting import BURST, REQUESTS_PER_SECOND, Setting, independent, pooled
from pool.sightings import Sightings
from runner.bench import Bench
from runner.table import megabytes, milliseconds, seconds, table

_CONNECTIONS = 12
#: How often each delivery is measured, by how many pods it has.
_ROUNDS = {10: 5, 100: 5, 1000: 3}
#: Seconds, by what and how many.
_GOALS = {("one", 100): 0.15, ("single", 100): 0.92, ("single", 1000): 6.0}
#: How many sandboxes without a pool, and how many of them at a time.
_INDEPENDENT = 100
_WINDOWS = (1, 10, 50)


def measure_delivery(bench: Bench) -> None:
    """All of it, on one pool whose pods are ready before each clock starts."""
    setting = Setting(bench)
    sightings = Sightings(setting)
    connections = [setting.server.connect() for _ in range(max(_CONNECTIONS, *_WINDOWS))]
    for connection in connections:
        bench.callback(connection.close)
        connection.open()
    names = _names()
    largest = max(_ROUNDS)
    bench.say(f"a pool of {largest:,} pods")
    setting.warm_pool(largest)

    def measure(kind: str, count: int) -> Round:
        sandboxes = [pooled(next(names), count)] if kind == "one" else [pooled(next(names)) for _ in range(count)]
        measured = deliver(setting, sightings, connections[:_CONNECTIONS], sandboxes)
        setting.await_available(largest)
        return measured

    bench.say("a round that is not counted: everybody opens connections")
    measure("single", 10)
    rounds: dict[tuple[str, int], list[Round]] = {}
    for kind in ("one", "single"):
        for count, times in _ROUNDS.items():
            bench.say(_title(kind, count))
            rounds[kind, count] = [measure(kind, count) for _ in range(times)]
    setting.delete_pool()
    windows: dict[int, Round] = {}
    for window in _WINDOWS:
        bench.say(f"{_INDEPENDENT} without a pool, {window} at a time")
        sandboxes = [independent(next(names)) for _ in range(_INDEPENDENT)]
        windows[window] = deliver(setting, sightings, connections, sandboxes, window)
    _show(bench, rounds, windows)


def _names() -> Iterator[str]:
    number = 0
    while True:
        number += 1
        yield f"box-{number:05}"


def _title(kind: str, count: int) -> str:
    return f"one BatchSandbox of {count:,} replicas" if kind == "one" else f"{count:,} BatchSandboxes of one replica"


def _show(bench: Bench, rounds: dict[tuple[str, int], list[Round]], windows: dict[int, Round]) -> None:
    head = ["", "time", "longest", "goal", "all created", "writes for each", "controller CPU", "memory", "client CPU", "all deleted"]
    rows = []
    for (kind, count), measured in rounds.items():
        wall = statistics.median(one.wall for one in measured)
        goal = _GOALS.get((kind, count))
        bench.add(_title(kind, count), "s", wall)
        rows.append([_title(kind, count), *_cells(measured, _verdict(wall, goal, "s") if goal else "")])
    for window, measured in windows.items():
        title = f"{_INDEPENDENT} without a pool, {window} at a time"
        bench.add(title, "s", measured.wall)
        rows.append([title, *_cells([measured], "")])
    notes = [
        "Medians; the longest of the rounds beside them. The time is from the first creation until a watch has told that each",
        "sandbox has as many ready pods as it wants. Writes are the controller's, for each pod; all of it, etcd and the client",
        f"included, shares this machine. The controller has --kube-client-qps={REQUESTS_PER_SECOND} --kube-client-burst={BURST}.",
        "The pool's pods are ready before, and it makes no new ones meanwhile. A script plays the kubelet: where there is no",
        "pool, pods start in no time, and a real node would take a second or two more for each. When all are deleted, the pool",
        "has taken its pods back.",
    ]
    bench.show(table("Sandboxes from a warm pool", head, rows, notes))
    bench.show(table("From 10 to 1,000", ["", "growth", "goal"], _growth(bench, rounds)))


def _cells(measured: list[Round], goal: str) -> list[str]:
    def median(name: str) -> float:
        return statistics.median(getattr(one, name) for one in measured)

    longest = max(one.wall for one in measured)
    return [
        _time(median("wall")), _time(longest), goal, _time(median("created")), f"{median('writes'):.2f}",
        seconds(median("controller_cpu")), megabytes(max(one.controller_memory for one in measured)), seconds(median("client_cpu")),
        _time(median("deleted")),
    ]


def _growth(bench: Bench, rounds: dict[tuple[str, int], list[Round]]) -> list[list[str]]:
    """How many times longer a hundred times as many take."""
    rows = []
    for kind, title, goal in (("one", "one BatchSandbox: flat", 1.0), ("single", "single ones: linear at most", 100.0)):
        few, many = (statistics.median(one.wall for one in rounds[kind, count]) for count in (10, 1000))
        bench.add(f"growth, {title.partition(':')[0]}", "1", many / few)
        rows.append([title, f"{many / few:.1f}x", _verdict(many / few, goal, "x")])
    return rows


def _verdict(value: float, goal: float, unit: str) -> str:
    return f"{goal:g} {unit}, {'met' if value <= goal else 'missed'}"


def _time(value: float) -> str:
    return milliseconds(value) if value < 1 else seconds(value)
