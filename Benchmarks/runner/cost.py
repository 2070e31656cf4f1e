"""What work costs: wall time, CPU time and memory of the processes that do it."""

import os
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_TICKS = os.sysconf("SC_CLK_TCK")


class CommandError(Exception):
    """A command that was measured failed; what it printed is in the message."""


@dataclass
class Cost:
    """What some commands and daemons used. Times in seconds, memory in bytes."""

    wall: float = 0
    #: Of the commands and of the daemons that worked for them.
    cpu: float = 0
    #: Of the daemons' peaks and the largest command's, the sum.
    memory: int = 0
    #: The largest command's alone.
    command_memory: int = 0
    #: When it began and ended, on the machine's monotonic clock.
    started: float = 0
    ended: float = 0


class CostMeter:
    """Measures commands and the daemons that work for them. A context manager; its `cost` is complete at the end.

    CPU time is that of the commands with all their children, and of what the daemons themselves used meanwhile. The peak
    of a daemon's memory is what it was at most meanwhile.
    """

    def __init__(self, daemons: Iterable[int]) -> None:
        self._daemons = list(daemons)
        self.cost = Cost()

    def __enter__(self) -> "CostMeter":
        self._before = {pid: cpu_seconds(pid) for pid in self._daemons}
        for pid in self._daemons:
            begin_peak_memory(pid)
        self.cost.started = time.monotonic()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if error:
            return
        self.cost.ended = time.monotonic()
        self.cost.wall = self.cost.ended - self.cost.started
        self.cost.cpu += sum(cpu_seconds(pid) - before for pid, before in self._before.items())
        self.cost.memory = self.cost.command_memory + sum(peak_memory(pid) for pid in self._daemons)

    def run(
        self, *command: str | Path, environment: dict[str, str] | None = None, input: Path | None = None,
        output: Path | None = None
    ) -> str:
        """Runs a command and answers its standard output, if that does not go to a file."""
        with ExitStack() as files:
            source = files.enter_context((input or Path(os.devnull)).open("rb"))
            log = files.enter_context(tempfile.TemporaryFile())
            errors = files.enter_context(tempfile.TemporaryFile())
            sink = files.enter_context(output.open("wb")) if output else log
            process = subprocess.Popen(
                command, stdin=source, stdout=sink, stderr=errors, env={**os.environ, **(environment or {})}
            )
            try:
                _, status, usage = os.wait4(process.pid, 0)
            except BaseException:
                process.terminate()
                process.wait()
                raise
            process.returncode = os.waitstatus_to_exitcode(status)
            text = _content(log)
            if process.returncode != 0:
                name = " ".join(map(str, command))
                raise CommandError(f"{name}: exit code {process.returncode}\n{text}{_content(errors)}")
        self.cost.cpu += usage.ru_utime + usage.ru_stime
        self.cost.command_memory = max(self.cost.command_memory, usage.ru_maxrss * 1024)
        return text


def cpu_seconds(pid: int) -> float:
    """The CPU time of a process, and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def begin_peak_memory(pid: int) -> None:
    """The peak of a process's memory begins anew: proc(5)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_memory(pid: int) -> int:
    """The most memory that a process has had, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
