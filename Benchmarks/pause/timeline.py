"""What happens in a namespace, and when."""

import threading
import time
from collections.abc import Callable

from kube.watch import watch
from pause.setting import Setting

#: How long anything is waited for.
_LIMIT = 180


class NotSeen(Exception):
    """Something that should happen did not."""


class Timeline:
    """Watches sandboxes, pods and Jobs, and notes when each of their states was first heard of."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._news = threading.Condition()
        self._events: list[tuple[float, str, dict]] = []
        core = f"/api/v1/namespaces/{setting.namespace}"
        for path in (setting.sandboxes, f"{core}/pods", f"/apis/batch/v1/namespaces/{setting.namespace}/jobs"):
            # They end with the process: the server would keep them for an hour.
            threading.Thread(target=self._follow, args=[path], daemon=True).start()

    def wait(self, since: float, is_it: Callable[[str, dict], bool], what: str) -> tuple[float, dict]:
        """When something was first heard of, after a moment, and the object as it was then."""
        deadline = time.monotonic() + _LIMIT
        place = 0
        with self._news:
            while True:
                while place < len(self._events):
                    at, kind, thing = self._events[place]
                    place += 1
                    if at >= since and is_it(kind, thing):
                        return at, thing
                if not self._news.wait(max(0, deadline - time.monotonic())):
                    raise NotSeen(f"{what} was not seen in {_LIMIT} s\n{self._setting.controller_log()[-4000:]}")

    def _follow(self, path: str) -> None:
        for event in watch(self._setting.cluster, path):
            with self._news:
                self._events.append((time.monotonic(), event["type"], event["object"]))
                self._news.notify_all()
