"""E2B's own Python SDK, of whatever version is installed, in its two forms."""

import asyncio
import inspect
import time
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import e2b

VERSION = tuple(int(part) for part in version("e2b").split("."))

# What the older ones do not have.
HAS_LIFECYCLE = VERSION >= (2, 24)
HAS_SNAPSHOTS = VERSION >= (2, 24)
PAUSE_TELLS = VERSION >= (2, 45)


class Client:
    """The SDK as one owner uses it. Calling it with what an SDK call answered gives the value."""

    def __init__(self, asynchronous: bool, address: str, key: str, mount: str = "/e2b") -> None:
        self._loop = asyncio.new_event_loop() if asynchronous else None
        self.address = address
        self.Sandbox = e2b.AsyncSandbox if asynchronous else e2b.Sandbox
        self.options = {
            "api_key": key,
            "api_url": f"http://{address}{mount}",
            "sandbox_url": f"http://{address}",
        }

    def __call__(self, answer: Any) -> Any:
        if self._loop and inspect.isawaitable(answer):
            return self._loop.run_until_complete(answer)
        return answer

    def create(self, template: str = "box", **arguments: Any) -> Any:
        return self(self.Sandbox.create(template, **arguments, **self.options))

    def create_pausing(self, template: str = "box", timeout: int = 300, auto_resume: bool = False, **arguments: Any) -> Any:
        """Creates a sandbox that is paused when its time is over."""
        if HAS_LIFECYCLE:
            lifecycle = {"on_timeout": "pause", "auto_resume": auto_resume}
            return self.create(template, timeout=timeout, lifecycle=lifecycle, **arguments)
        assert not auto_resume
        return self(self.Sandbox.beta_create(template, timeout=timeout, auto_pause=True, **arguments, **self.options))

    def connect(self, sandbox_id: str, timeout: int | None = None) -> Any:
        return self(self.Sandbox.connect(sandbox_id, timeout=timeout, **self.options))

    def pause(self, sandbox: Any, **options: Any) -> Any:
        if hasattr(sandbox, "pause"):
            return self(sandbox.pause(**options))
        # The sandbox itself does not hand on what it was created with.
        return self(self.Sandbox.beta_pause(sandbox.sandbox_id, **{**self.options, **options}))

    def info(self, sandbox_id: str) -> Any:
        return self(self.Sandbox.get_info(sandbox_id, **self.options))

    def state(self, sandbox_id: str) -> str:
        return self.info(sandbox_id).state.value

    def kill(self, sandbox_id: str) -> bool:
        return self(self.Sandbox.kill(sandbox_id, **self.options))

    def listed(self, metadata: dict[str, str] | None = None, states: Iterable[str] | None = None, limit: int | None = None) -> list[Any]:
        """Everything on all pages."""
        states = None if states is None else [e2b.SandboxState(state) for state in states]
        pages = self.Sandbox.list(e2b.SandboxQuery(metadata=metadata, state=states), limit=limit, **self.options)
        return self.all_of(pages)

    def all_of(self, pages: Any) -> list[Any]:
        found = []
        while pages.has_next:
            found += self(pages.next_items())
        return found

    def wait_for(self, sandbox_id: str, state: str | None, seconds: float = 60) -> None:
        """Asks until the sandbox is in the state; none: until there is no such sandbox."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = self.state(sandbox_id)
            except e2b.NotFoundException:
                found = None
            if found == state:
                return
            assert time.monotonic() < deadline, f"still {found} and not {state} after {seconds:.0f} s"
            time.sleep(0.05)

    def close(self) -> None:
        if self._loop:
            self._loop.close()
