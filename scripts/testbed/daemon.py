"""A background process that is started, waited for, and ended by its own pid."""

import ctypes
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _end_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class DaemonError(Exception):
    """A daemon did not come up, or ended by itself."""


class Daemon:
    """One daemon, with its output in a log file. It has a session of its own, so that Ctrl-C reaches only us."""

    def __init__(self, name: str, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool], seconds: float = 30) -> None:
        """Waits until `ready` answers true. Raises DaemonError, with the end of the log, when it does not."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self._process.poll() is not None:
                raise DaemonError(f"{self.name} ended with code {self._process.returncode}:\n{self.end_of_log()}")
            if time.monotonic() > deadline:
                raise DaemonError(f"{self.name} was not ready after {seconds:.0f} s:\n{self.end_of_log()}")
            time.sleep(0.05)

    def end_of_log(self, lines: int = 20) -> str:
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def kill(self) -> None:
        """Ends the daemon at once."""
        self._process.kill()
        self._process.wait()

    def stop(self, seconds: float = 20) -> int:
        """Asks the daemon to end, insists when it does not, and answers its exit code."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        return self._process.returncode


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
