"""How a capture by Stasis grows with what there is to capture."""

import random
from collections.abc import Callable
from pathlib import Path

from runner.bench import Bench
from runner.table import megabytes, milliseconds, seconds, table

from capture.setting import Setting
from capture.stasis import Stasis

_FILES = 10_000
_BIG = 10 << 30


def grow(bench: Bench) -> None:
    """Captures trees of more and more files, and one of one large file."""
    trees: list[tuple[str, Callable[[Path], None]]] = [
        (f"{count:,} small files", lambda folder, count=count: _write_files(folder, count))
        for count in (_FILES, 10 * _FILES, 100 * _FILES)
    ]
    trees.append(("one file of 10 GB", _write_big))
    rows = []
    for number, (name, write) in enumerate(trees):
        rows.append(_measure(bench, f"grown-{number}", name, write))
    notes = ["Small files have 1 to 2,000 bytes, up to 1,000 in a folder. The large file is read from the disk."]
    head = ["", "wall time", "CPU time", "committer's peak memory", "bytes pushed", "longest stop inside", "frozen"]
    bench.show(table("How Stasis grows", head, rows, notes))


def _measure(bench: Bench, identity: str, name: str, write: Callable[[Path], None]) -> list[str]:
    setting = Setting.of(bench)
    bench.say(f"{name}: writing")
    container = setting.container(identity)
    folder = container.root / "work"
    folder.mkdir()
    write(folder)
    stasis = Stasis(bench.programs, setting.registry, container, bench.folder)
    setting.registry.forget()
    bench.say(f"{name}: capturing")
    found = stasis.measure()
    for metric, unit, value in (
        ("wall", "s", found.wall),
        ("cpu", "s", found.cpu),
        ("committer_memory", "B", found.command_memory),
        ("pushed", "B", found.pushed),
        ("longest_stop", "s", found.longest_stop),
        ("frozen", "s", stasis.frozen),
    ):
        bench.add(metric, unit, value, case=f"growth: {name}")
    container.remove()
    setting.registry.forget()
    return [
        name,
        seconds(found.wall),
        seconds(found.cpu),
        megabytes(found.command_memory),
        megabytes(found.pushed),
        milliseconds(found.longest_stop),
        milliseconds(stasis.frozen),
    ]


def _write_files(folder: Path, count: int) -> None:
    chance = random.Random(count)
    text = "".join(f"line {number} of a small file\n" for number in range(100)).encode()
    for part in range((count + 999) // 1000):
        below = folder / f"{part:04}"
        below.mkdir()
        for number in range(min(1000, count - part * 1000)):
            (below / f"file-{number:04}").write_bytes(text[: chance.randint(1, 2000)])


def _write_big(folder: Path) -> None:
    """A quarter of it noise, the rest text."""
    chance = random.Random(10)
    text = "".join(f"{chance.getrandbits(20)} line of a large file {number % 977}\n" for number in range(100_000)).encode()
    with (folder / "big").open("wb") as file:
        while file.tell() < _BIG:
            file.write(chance.randbytes(1 << 20))
            start = chance.randrange(1000)
            file.write(text[start : start + (3 << 20)])
        file.truncate(_BIG)
