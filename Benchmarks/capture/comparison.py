"""The workload, captured by everybody in one run."""

import os
import statistics
import subprocess
from dataclasses import asdict
from pathlib import Path

from runner.bench import Bench
from runner.table import against, megabytes, milliseconds, seconds, table

from capture.buildah import Buildah
from capture.diff_service import DiffService
from capture.docker import Docker
from capture.limit import Part, measure_limit
from capture.peer import Measurement, Peer
from capture.setting import Setting
from capture.stasis import Stasis

#: How often Stasis captures; the medians count. The others are slow enough to be steady.
_REPETITIONS = 5

_METRICS = {
    "wall": ("wall time", "s", seconds),
    "cpu": ("CPU time", "s", seconds),
    "registry_cpu": ("CPU time of the registry", "s", seconds),
    "memory": ("peak memory", "B", megabytes),
    "pushed": ("bytes pushed", "B", megabytes),
    "longest_stop": ("longest stop inside", "s", milliseconds),
}


def compare(bench: Bench) -> None:
    """Runs everybody, one after the other."""
    setting = Setting.of(bench)
    container = setting.container("compared")
    _fill(setting.workload, container.root)
    ours = Stasis(bench.programs, setting.registry, container, bench.folder)
    bench.say(f"Stasis, {_REPETITIONS} times")
    runs = [_measure(setting, ours, str(number)) for number in range(_REPETITIONS)]
    for run in runs:
        bench.say(f"    {seconds(run.wall)}, {seconds(run.cpu)} of CPU, stopped for {milliseconds(run.longest_stop)}")
    stasis = _median(runs)
    bench.say("the parts of a capture, each alone")
    parts = measure_limit(setting.workload, setting.registry, setting.scratch("limit"))
    peers: dict[str, Measurement] = {}
    bench.say("containerd's diff service")
    diff = DiffService(setting.registry, container)
    peers[diff.name] = _measure(setting, diff)
    container.remove()
    setting.registry.forget()
    bench.say("buildah")
    with Buildah(setting.registry, bench.folder / "buildah", setting.watch("buildah")) as buildah:
        _fill(setting.workload, buildah.root)
        peers[buildah.name] = _measure(setting, buildah)
    bench.say("docker")
    with Docker(setting.registry, setting.containerd, bench.folder / "docker", setting.watch("docker")) as docker:
        _fill(setting.workload, docker.root)
        peers[docker.name] = _measure(setting, docker)
    _report(bench, setting, stasis, peers, parts)


def _fill(workload: Path, root: Path) -> None:
    subprocess.run(["cp", "--archive", workload, root / "work"], check=True)


def _measure(setting: Setting, peer: Peer, tag: str = "1") -> Measurement:
    setting.registry.forget()
    return peer.measure(tag)


def _median(runs: list[Measurement]) -> Measurement:
    """The median of each number, and the worst stop."""
    medians = {name: statistics.median(getattr(run, name) for run in runs) for name in asdict(runs[0])}
    medians["longest_stop"] = max(run.longest_stop for run in runs)
    return Measurement(**medians)


def _report(
    bench: Bench, setting: Setting, stasis: Measurement, peers: dict[str, Measurement], parts: list[Part]
) -> None:
    rows = []
    for metric, (title, unit, shown) in _METRICS.items():
        own = getattr(stasis, metric)
        cells = [title, shown(own)]
        for name, peer in peers.items():
            theirs = getattr(peer, metric)
            cells.append(against(own, theirs, shown(theirs)))
            bench.add(metric, unit, own, theirs, name)
        rows.append(cells)
    cores = os.cpu_count() or 1
    limit = sum(part.cpu for part in parts) / cores
    bench.add("wall over limit", "", stasis.wall / limit)
    bench.add("limit", "s", limit)
    notes = [
        f"Stasis: medians of {_REPETITIONS} runs, but the longest of their stops; the others: one run.",
        f"In brackets: how many times ours. Peak memory: daemons and largest command together; the committer alone had "
        f"{megabytes(stasis.command_memory)}.",
        f"The limit of {cores} cores is {seconds(limit)}, of which our wall time is {stasis.wall / limit:.2f} times. It is "
        "the CPU time of these parts, each done alone, divided by the cores:",
        *(f"    {part.name}: {seconds(part.cpu)} ({part.how})" for part in parts),
    ]
    title = f"Saving what a container has changed ({setting.workload_text})"
    bench.show(table(title, ["", "Stasis", *peers], rows, notes))
