"""The official Python SDK in its two forms, so that one test can be written for both."""

import asyncio
import inspect
import time
from datetime import timedelta
from typing import Any

import opensandbox
from opensandbox.config import ConnectionConfig, ConnectionConfigSync
from opensandbox.models.sandboxes import SandboxInfo

# The entrypoint of the test image: it answers the SDK's health check.
RESPONDER = ["stasis-responder"]


class Sdk:
    """The asynchronous SDK, or the synchronous one. Calling it with what an SDK call answered gives the value:

    sandbox = sdk(sdk.Sandbox.create(image, connection_config=sdk.config))
    """

    def __init__(self, asynchronous: bool, address: str, key: str | None) -> None:
        self._loop = asyncio.new_event_loop() if asynchronous else None
        self.Sandbox = opensandbox.Sandbox if asynchronous else opensandbox.SandboxSync
        self.Manager = opensandbox.SandboxManager if asynchronous else opensandbox.SandboxManagerSync
        self._Config = ConnectionConfig if asynchronous else ConnectionConfigSync
        self._address = address
        self._key = key
        self.manager = self(self.Manager.create(self.config))

    def __call__(self, answer: Any) -> Any:
        if self._loop and inspect.isawaitable(answer):
            return self._loop.run_until_complete(answer)
        return answer

    @property
    def config(self) -> Any:
        """A new connection configuration; the SDK wants one for each object."""
        return self._Config(domain=self._address, api_key=self._key, request_timeout=timedelta(seconds=60))

    def create(self, image: str, **arguments: Any) -> Any:
        """Creates a sandbox that runs the responder, unless told otherwise."""
        arguments = {"entrypoint": RESPONDER, "resource": {"cpu": "1", "memory": "256Mi"}} | arguments
        return self(self.Sandbox.create(image, connection_config=self.config, **arguments))

    def wait_for(self, sandbox_id: str, state: str, seconds: float = 60) -> SandboxInfo:
        """Asks until the sandbox is in the state."""
        deadline = time.monotonic() + seconds
        while True:
            info = self(self.manager.get_sandbox_info(sandbox_id))
            if info.status.state == state:
                return info
            assert time.monotonic() < deadline, f"still {info.status} and not {state} after {seconds:.0f} s"
            time.sleep(0.05)

    def close(self) -> None:
        self(self.manager.close())
        if self._loop:
            self._loop.close()
