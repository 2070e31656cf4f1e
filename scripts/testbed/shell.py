"""Runs shell scripts in a sandbox that was made from the image of make-busybox-image."""

import http.client
import time
import urllib.error
import urllib.request


class ShellError(Exception):
    """A script ended with an exit code other than 0, or the sandbox does not answer."""


class Shell:
    """The responder of one sandbox, at `host:port`."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def wait(self, seconds: float = 30) -> None:
        """Waits until the responder answers."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                with urllib.request.urlopen(f"http://{self.endpoint}/ping", timeout=2):
                    return
            except (urllib.error.URLError, OSError) as error:
                if time.monotonic() > deadline:
                    raise ShellError(f"nothing answers at {self.endpoint} after {seconds:.0f} s: {error}") from error
            time.sleep(0.05)

    def run(self, script: str, seconds: float = 300) -> str:
        """The output of a script. Names that are not UTF-8 come through as surrogate escapes."""
        request = urllib.request.Request(f"http://{self.endpoint}/cgi-bin/sh", script.encode(errors="surrogateescape"))
        try:
            with urllib.request.urlopen(request, timeout=seconds) as response:
                answer = response.read().decode(errors="surrogateescape")
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            raise ShellError(f"the responder at {self.endpoint} failed: {error}") from error
        output, _, last = answer.rstrip("\n").rpartition("\n")
        if not last.startswith("exit "):
            raise ShellError(f"a script in the sandbox was cut off:\n{answer[-2000:]}")
        if last != "exit 0":
            raise ShellError(f"a script in the sandbox ended with {last}:\n{output[-2000:]}")
        return output
