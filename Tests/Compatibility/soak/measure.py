"""What a program uses, and whether that stays as it is."""

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Use:
    """What a process uses at one moment. `memory` is what it has of its own, without the pages of its files, in KiB."""

    memory: int
    descriptors: int
    threads: int

    @classmethod
    def of(cls, pid: int) -> "Use":
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        return cls(int(fields["RssAnon"].split()[0]), descriptors, int(fields["Threads"]))


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used."""
    parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / _TICK


def idle_load(pid: int, seconds: float = 3) -> float:
    """Which part of a core a process uses that has nothing to do."""
    before, begin = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / (time.monotonic() - begin)


def complaints(uses: list[Use]) -> list[str]:
    """What has grown over the life of a process that was measured whenever nothing was going on.

    Two measurements say little: the last may be half as much again as the first. Of eight and more the second half must be flat.
    """
    if len(uses) < 2:
        return []
    found = []
    first, last = uses[0], uses[-1]
    if last.memory > first.memory * 1.5 + 16_384:
        found.append(f"its memory has grown from {first.memory} to {last.memory} KiB")
    if last.descriptors > first.descriptors * 1.25 + 8:
        found.append(f"its descriptors have grown from {first.descriptors} to {last.descriptors}")
    if last.threads > first.threads * 1.25 + 4:
        found.append(f"its threads have grown from {first.threads} to {last.threads}")
    if len(uses) >= 8:
        half = uses[len(uses) // 2 :]
        for name, allowed in (("memory", 0.1), ("descriptors", 0.1), ("threads", 0.1)):
            values = [getattr(use, name) for use in half]
            growth = slope(values) * (len(values) - 1)
            # One more descriptor or thread is none too many, but one more each round is.
            floor = 2048 if name == "memory" else 2
            if growth > max(statistics.median(values) * allowed, floor):
                found.append(f"its {name} still grow in the second half: {values}")
    return found


def slope(values: list[int]) -> float:
    """By how much values grow from one to the next: the median of all pairs, which single peaks do not move."""
    pairs = [
        (later - earlier) / (j - i) for i, earlier in enumerate(values) for j, later in enumerate(values) if j > i
    ]
    return statistics.median(pairs) if pairs else 0.0
