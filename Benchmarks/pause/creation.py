"""A thousand sandboxes at once."""

import json
import statistics
import threading
import time

from kube.api_server import Request
from kube.watch import watch
from pause.kubelet_player import NOBODY, KubeletPlayer
from pause.setting import Setting
from runner.bench import Bench
from runner.cost import begin_peak_memory, cpu_seconds, peak_memory
from runner.table import megabytes, milliseconds, seconds, table

_SANDBOXES = 1000
#: How long all of it may take.
_LIMIT = 600
_ENDPOINTS = "sandbox.opensandbox.io/endpoints"
#: What their owner changes while the controller works on them.
_EDIT = "bench.stasis.dev/edited"


class LostUpdate(Exception):
    """Something that was written, or should have been, is not there."""


def measure_creation(bench: Bench) -> None:
    """Creates them, has their pods run, edits each meanwhile, looks whether all is as it should be, and deletes them."""
    setting = Setting.of(bench)
    names = [f"many-{number:04}" for number in range(_SANDBOXES)]
    seen = _Seen(setting, set(names))
    controller = setting.controller_pid
    begin_peak_memory(controller)
    before = cpu_seconds(controller)
    sent_before = setting.requests()
    with KubeletPlayer(setting.cluster, setting.namespace) as kubelet:
        bench.say(f"{_SANDBOXES:,} sandboxes, and an edit of each")
        start = time.monotonic()
        setting.server.send_all(Request("POST", setting.sandboxes, _sandbox(name)) for name in names)
        created = time.monotonic() - start
        setting.server.send_all(
            Request("PATCH", f"{setting.sandboxes}/{name}", {"metadata": {"annotations": {_EDIT: name}}}) for name in names
        )
        running = seen.wait(seen.running, _SANDBOXES, "sandboxes that run") - start
        if kubelet.failures:
            raise kubelet.failures[0]
        used = cpu_seconds(controller) - before
        peak = peak_memory(controller)
        sent = {method: count - sent_before.get(method, 0) for method, count in setting.requests().items()}
        _check(setting, names, kubelet)
        shares = sorted(seen.running[name] - kubelet.told[f"{name}-0"] for name in names)
        bench.say("their end")
        ending = time.monotonic()
        setting.server.send("DELETE", setting.sandboxes)
        ended = seen.wait(seen.gone, _SANDBOXES, "sandboxes that are gone") - ending
    methods = ", ".join(f"{method} {count / _SANDBOXES:.1f}" for method, count in sorted(sent.items()))
    rows = [
        ["all created", seconds(created)], ["all run", seconds(running)],
        ["a pod is ready until its sandbox runs, median", milliseconds(statistics.median(shares))],
        ["  p95", milliseconds(shares[int(len(shares) * 0.95) - 1])],
        ["all deleted", seconds(ended)],
        [f"requests of the controller for each ({methods})", f"{sum(sent.values()) / _SANDBOXES:.1f}"],
        ["CPU time of the controller, until all ran", seconds(used)], ["peak memory of the controller", megabytes(peak)],
    ]
    bench.add("all created", "s", created)
    bench.add("all run", "s", running)
    bench.add("told, median", "s", statistics.median(shares))
    bench.add("all deleted", "s", ended)
    bench.add("requests for each", "1", sum(sent.values()) / _SANDBOXES)
    bench.add("controller CPU", "s", used)
    bench.add("controller peak memory", "B", peak)
    notes = ["A script plays the kubelet for their pods. Each was edited meanwhile; every one has its pod, its address and its edit."]
    bench.show(table(f"{_SANDBOXES:,} BatchSandboxes at once", ["", ""], rows, notes))


class _Seen:
    """When each sandbox was first heard to run, and to be gone."""

    def __init__(self, setting: Setting, names: set[str]) -> None:
        self._setting = setting
        self._names = names
        self._news = threading.Condition()
        self.running: dict[str, float] = {}
        self.gone: dict[str, float] = {}
        threading.Thread(target=self._follow, daemon=True).start()

    def wait(self, times: dict[str, float], count: int, what: str) -> float:
        """When the last one of so many was."""
        deadline = time.monotonic() + _LIMIT
        with self._news:
            while len(times) < count:
                if not self._news.wait(max(0, deadline - time.monotonic())):
                    raise LostUpdate(f"{len(times)} of {count} {what} after {_LIMIT} s\n{self._setting.controller_log()[-4000:]}")
            return max(times.values())

    def _follow(self) -> None:
        for event in watch(self._setting.cluster, self._setting.sandboxes):
            name = event["object"]["metadata"]["name"]
            if name not in self._names:
                continue
            with self._news:
                if event["type"] == "DELETED":
                    self.gone.setdefault(name, time.monotonic())
                elif event["object"].get("status", {}).get("phase") == "Succeed":
                    self.running.setdefault(name, time.monotonic())
                self._news.notify_all()


def _sandbox(name: str) -> dict:
    container = {"name": "main", "image": "busybox", "command": ["sleep", "1000"]}
    # No node has to do with it.
    template = {"spec": {"schedulerName": NOBODY, "containers": [container]}}
    return {
        "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "BatchSandbox", "metadata": {"name": name},
        "spec": {"replicas": 1, "template": template},
    }


def _check(setting: Setting, names: list[str], kubelet: KubeletPlayer) -> None:
    """Looks whether everything that was written is there, and nothing was done twice."""
    if len(kubelet.heard) != len(names):
        raise LostUpdate(f"{len(kubelet.heard)} pods were made for {len(names)} sandboxes")
    found = {item["metadata"]["name"]: item for item in setting.server.send("GET", setting.sandboxes)["items"]}
    for name in names:
        sandbox = found[name]
        annotations, status = sandbox["metadata"]["annotations"], sandbox["status"]
        expected = [kubelet.addresses[f"{name}-0"]]
        if annotations.get(_EDIT) != name:
            raise LostUpdate(f"{name} has lost its edit")
        if json.loads(annotations[_ENDPOINTS]) != expected or status["ready"] != 1 or status["replicas"] != 1:
            raise LostUpdate(f"{name}: {annotations[_ENDPOINTS]} instead of {expected}, status {status}")

