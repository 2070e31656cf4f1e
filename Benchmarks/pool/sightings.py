"""When sandboxes are seen to be there, and to be gone."""

import threading
import time

from kube.watch import watch
from pool.setting import NotSeen, Setting

_LIMIT = 600


class Sightings:
    """Watches the sandboxes of the namespace until the end of the process."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._news = threading.Condition()
        #: When each was first seen to have as many ready pods as it wants.
        self._ready: dict[str, float] = {}
        self._gone: set[str] = set()
        threading.Thread(target=self._follow, daemon=True).start()

    def wait_ready(self, names: list[str]) -> float:
        """When the last of them was ready."""
        self._wait(lambda: all(name in self._ready for name in names), f"{len(names)} sandboxes that are ready")
        return max(self._ready[name] for name in names)

    def wait_gone(self, names: list[str]) -> None:
        """Returns when they are gone."""
        self._wait(lambda: self._gone.issuperset(names), f"the end of {len(names)} sandboxes")

    def _wait(self, is_so, what: str) -> None:
        with self._news:
            if not self._news.wait_for(is_so, _LIMIT):
                raise NotSeen(f"{what}: not seen in {_LIMIT} s\n{self._setting.controller.log()[-4000:]}")

    def _follow(self) -> None:
        for event in watch(self._setting.cluster, self._setting.sandboxes):
            now = time.monotonic()
            sandbox = event["object"]
            name = sandbox["metadata"]["name"]
            is_ready = sandbox.get("status", {}).get("ready") == sandbox["spec"]["replicas"]
            if event["type"] != "DELETED" and (not is_ready or name in self._ready):
                continue
            with self._news:
                if event["type"] == "DELETED":
                    self._gone.add(name)
                else:
                    self._ready[name] = now
                self._news.notify_all()
