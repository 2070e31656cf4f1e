"""What goes wrong: programs are killed, connections end, the registry is away, pods are taken.

They are injected by the thread that started the programs: the kernel ends a program with the thread that has started it.
"""

import os
import random
import signal
import time
from collections.abc import Callable

from soak.kube import Object
from soak.ledger import Ledger
from soak.world import World


_OF_THE_CONTROLLER = ("controller told to end", "controller killed")


class Faults:
    """Chooses faults. `kills_controller` -- whether the controller is among those that are killed."""

    def __init__(self, world: World, ledger: Ledger, seed: int) -> None:
        self._world = world
        self._ledger = ledger
        self._random = random.Random(f"{seed}/faults")
        self.kills_controller = True
        self._queue: list[str] = []
        self._faults: dict[str, Callable[[], bool]] = {
            "controller killed": self._kill_controller,
            "controller told to end": self._end_controller,
            "controller stopped for a while": self._stop_controller,
            "server killed": self._kill_server,
            "registry killed": self._kill_registry,
            "registry hangs": self._hang_registry,
            "connections to the API cut": self._cut,
            "API server refuses": self._refuse,
            "nothing comes from the API": self._stall,
            "pod of a commit deleted": self._delete_commit,
            "holder killed": lambda: self._kill_in_commit("hold"),
            "committer killed": lambda: self._kill_in_commit("commit"),
            "pod of a sandbox taken": self._take_pod,
        }

    def inject(self) -> None:
        """One fault, from its beginning to its end. Each comes once before any comes again."""
        if not self._queue:
            others = [name for name in self._faults if name not in _OF_THE_CONTROLLER]
            self._random.shuffle(others)
            # The last is the first: these come soon, for there may not be many rounds with them.
            self._queue = [*others[:-4], *_OF_THE_CONTROLLER, *others[-4:]] if self.kills_controller else others
        name = self._queue.pop()
        if not self.kills_controller and name in _OF_THE_CONTROLLER:
            return
        with self._ledger.fault(name):
            if not self._faults[name]():
                self._ledger.faults[name] -= 1

    def pause(self) -> float:
        """For how long there is none."""
        return self._random.uniform(0.5, 5)

    def _seconds(self, most: float) -> float:
        return self._random.uniform(0.2, most)

    def _kill_controller(self) -> bool:
        self._world.kill_controller(signal.SIGKILL, self._seconds(3))
        return True

    def _end_controller(self) -> bool:
        self._world.kill_controller(signal.SIGTERM, self._seconds(3))
        return True

    def _stop_controller(self) -> bool:
        pid = self._world.controller.pid
        os.kill(pid, signal.SIGSTOP)
        time.sleep(self._seconds(5))
        os.kill(pid, signal.SIGCONT)
        return True

    def _kill_server(self) -> bool:
        self._world.doomed.crash()
        return True

    def _kill_registry(self) -> bool:
        self._world.images.crash(self._seconds(6))
        return True

    def _hang_registry(self) -> bool:
        self._world.images.hang(self._seconds(6))
        return True

    def _link(self) -> str:
        return self._random.choice(("controller", "controller", "steady", "doomed"))

    def _cut(self) -> bool:
        self._world.links[self._link()].cut()
        return True

    def _refuse(self) -> bool:
        self._world.links[self._link()].refuse(self._seconds(4))
        return True

    def _stall(self) -> bool:
        self._world.links[self._link()].stall(self._seconds(6))
        return True

    def _commit(self) -> Object | None:
        """The pod of a Job that is there, or comes soon; at some moment of its life."""
        deadline = time.monotonic() + 6
        while not (pods := self._world.census.job_pods()):
            if time.monotonic() > deadline:
                return None
            time.sleep(0.02)
        time.sleep(self._seconds(1.2))
        return self._random.choice(pods)

    def _delete_commit(self) -> bool:
        pod = self._commit()
        if pod is None:
            return False
        at_once = self._random.random() < 0.5
        return self._world.kube.delete("pods", pod["metadata"]["name"], at_once)

    def _kill_in_commit(self, container: str) -> bool:
        """kill -9 of the processes of one container of a commit's pod."""
        pod = self._commit()
        if pod is None:
            return False
        uid = pod["metadata"]["uid"]
        filters = f'labels."io.kubernetes.pod.uid"=={uid},labels."io.kubernetes.container.name"=={container}'
        names = self._world.ctr("containers", "list", "--quiet", filters, check=False).split()
        killed = False
        for name in names:
            for line in self._world.ctr("tasks", "ps", name, check=False).splitlines()[1:]:
                try:
                    os.kill(int(line.split()[0]), signal.SIGKILL)
                    killed = True
                except ProcessLookupError:
                    pass
        return killed

    def _take_pod(self) -> bool:
        pods = []
        for pod in self._world.kube.list("pods"):
            sandbox_id = pod["metadata"].get("labels", {}).get("opensandbox.io/id")
            if sandbox_id and "deletionTimestamp" not in pod["metadata"]:
                pods.append((sandbox_id, pod["metadata"]["name"]))
        if not pods:
            return False
        sandbox_id, name = self._random.choice(pods)
        self._ledger.rob(sandbox_id)
        return self._world.kube.delete("pods", name, at_once=self._random.random() < 0.5)
