"""A second capture, of little that has changed since the first one."""

import subprocess
from pathlib import Path

from runner.bench import Bench
from runner.table import against, megabytes, milliseconds, seconds, table

from capture.docker import Docker
from capture.peer import Measurement
from capture.setting import Setting
from capture.stasis import Stasis

_METRICS = {
    "wall": ("wall time", "s", seconds),
    "cpu": ("CPU time", "s", seconds),
    "pushed": ("bytes pushed", "B", megabytes),
    "longest_stop": ("longest stop inside", "s", milliseconds),
}


def commit_again(bench: Bench) -> None:
    """A container of the first image, as after a resume: a little is changed in it, and it is captured again."""
    setting = Setting.of(bench)
    setting.registry.forget()
    bench.say("Stasis: a first capture, and a second one of a container of it")
    container = setting.container("first")
    _fill(setting.workload, container.root)
    Stasis(bench.programs, setting.registry, container, bench.folder).measure("first")
    container.remove()
    image = f"{setting.registry.address}/bench/stasis:first"
    setting.pull(image)
    container = setting.container("second", image)
    _change(container.root)
    stasis = Stasis(bench.programs, setting.registry, container, bench.folder).measure("second")
    container.remove()
    setting.registry.forget()
    bench.say("docker: the same")
    with Docker(setting.registry, setting.containerd, bench.folder / "docker", setting.watch("docker-again")) as docker:
        _fill(setting.workload, docker.root)
        docker.measure("first")
        docker.restart(docker.image("first"))
        _change(docker.root)
        _report(bench, stasis, docker.name, docker.measure("second"))


def _fill(workload: Path, root: Path) -> None:
    subprocess.run(["cp", "--archive", workload, root / "work"], check=True)


def _change(root: Path) -> None:
    """Writes 100 files anew, deletes 10, and adds one of 8 MB."""
    for number in range(100):
        (root / f"work/many/{number:02}/file-000.txt").write_text(f"changed {number}\n" * 50)
    for number in range(10):
        (root / f"work/many/{number:02}/file-001.txt").unlink()
    (root / "work/new.bin").write_bytes(b"".join(bytes([number % 251]) * 1000 for number in range(8000)))


def _report(bench: Bench, stasis: Measurement, name: str, peer: Measurement) -> None:
    rows = []
    for metric, (title, unit, shown) in _METRICS.items():
        own, theirs = getattr(stasis, metric), getattr(peer, metric)
        rows.append([title, shown(own), against(own, theirs, shown(theirs))])
        bench.add(metric, unit, own, theirs, name)
    notes = ["A container of the first image, in which 100 files were written anew, 10 deleted and one of 8 MB added."]
    bench.show(table("A second capture", ["", "Stasis", name], rows, notes))
