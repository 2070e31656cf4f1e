"""A client of the Lifecycle API in fifty lines of standard library, to show that it is plain HTTP and JSON."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any


class ApiError(Exception):
    """An answer that is not a success."""


class Api:
    """The API of one server. `trace` is told each request that changes something, and its answer's status."""

    def __init__(self, address: str, key: str, trace: Callable[[str], None]) -> None:
        self._base = f"http://{address}/v1"
        self._key = key
        self._trace = trace

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Sends one request and answers the decoded JSON body, or None for an empty one."""
        request = urllib.request.Request(
            self._base + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"OPEN-SANDBOX-API-KEY": self._key, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=120) as response:
                content = response.read()
                if method != "GET":
                    self._trace(f"{method} /v1{path} → {response.status}")
        except urllib.error.HTTPError as error:
            detail = error.read().decode(errors="replace")
            raise ApiError(f"{method} /v1{path} answered {error.code}: {detail}") from error
        except OSError as error:
            raise ApiError(f"{method} /v1{path}: {error}") from error
        return json.loads(content) if content else None

    def sandbox(self, identity: str) -> dict[str, Any]:
        """One sandbox as it is now."""
        return self.request("GET", f"/sandboxes/{identity}")

    def wait_for(
        self, identity: str, state: str, passing: str, each: Callable[[dict[str, Any]], None] = lambda sandbox: None
    ) -> dict[str, Any]:
        """Polls until the sandbox is in `state`; anything but `passing` on the way there is an error."""
        while True:
            sandbox = self.sandbox(identity)
            each(sandbox)
            status = sandbox["status"]
            if status["state"] == state:
                return sandbox
            if status["state"] != passing:
                raise ApiError(f"the sandbox is {status['state']}: {status.get('message') or status.get('reason')}")
            time.sleep(0.05)
