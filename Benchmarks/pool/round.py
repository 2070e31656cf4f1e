"""One delivery: sandboxes are created, and seen to be ready."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from kube.api_server import Connection, Request, send_over
from pool.setting import Setting
from pool.sightings import Sightings
from runner.cost import begin_peak_memory, cpu_seconds, peak_memory

_ALLOCATION = "sandbox.opensandbox.io/alloc-status"
_ENDPOINTS = "sandbox.opensandbox.io/endpoints"
_WRITES = ("POST", "PUT", "PATCH", "DELETE")


class WrongDelivery(Exception):
    """A sandbox has not got what it should have, or two have got the same."""


@dataclass(frozen=True)
class Round:
    """What one delivery took. Times in seconds, memory in bytes."""

    #: From the first request until the last sandbox was seen to be ready.
    wall: float
    #: From the first request until the last was answered.
    created: float
    #: From the deletion of all until the last was gone.
    deleted: float
    #: What the controller has written for each pod that was delivered.
    writes: float
    controller_cpu: float
    controller_memory: int
    #: Of this process, which creates, watches and plays the kubelet.
    client_cpu: float


def deliver(
    setting: Setting, sightings: Sightings, connections: list[Connection], sandboxes: list[dict], window: int | None = None
) -> Round:
    """Creates sandboxes, all at once or so many at a time, looks whether each has pods of its own, and deletes them again."""
    names = [sandbox["metadata"]["name"] for sandbox in sandboxes]
    pods = sum(sandbox["spec"]["replicas"] for sandbox in sandboxes)
    is_pooled = "poolRef" in sandboxes[0]["spec"]
    requests = [Request("POST", setting.sandboxes, sandbox) for sandbox in sandboxes]
    pid = setting.controller.pid
    begin_peak_memory(pid)
    controller_before, client_before, sent_before = cpu_seconds(pid), time.process_time(), _writes(setting)
    start = time.monotonic()
    if window is None:
        send_over(connections, requests)
    else:
        _send_in_turn(connections[:window], sightings, list(zip(names, requests)))
    created = time.monotonic() - start
    wall = sightings.wait_ready(names) - start
    client_cpu = time.process_time() - client_before
    if is_pooled:
        setting.await_allocated(pods)
    writes = (_writes(setting) - sent_before) / pods
    controller_cpu, controller_memory = cpu_seconds(pid) - controller_before, peak_memory(pid)
    _check(setting, sandboxes, is_pooled)
    ending = time.monotonic()
    setting.server.send("DELETE", setting.sandboxes)
    sightings.wait_gone(names)
    return Round(wall, created, time.monotonic() - ending, writes, controller_cpu, controller_memory, client_cpu)


def _send_in_turn(connections: list[Connection], sightings: Sightings, work: list[tuple[str, Request]]) -> None:
    """Creates the next one over each connection when the one before is ready."""
    waiting = iter(work)
    turn = threading.Lock()

    def send(connection: Connection) -> None:
        while True:
            with turn:
                name, request = next(waiting, (None, None))
            if request is None:
                return
            connection.read(request)
            sightings.wait_ready([name])

    with ThreadPoolExecutor(len(connections)) as threads:
        for worker in [threads.submit(send, connection) for connection in connections]:
            worker.result()


def _writes(setting: Setting) -> int:
    sent = setting.controller.requests()
    return sum(sent.get(method, 0) for method in _WRITES)


def _check(setting: Setting, sandboxes: list[dict], is_pooled: bool) -> None:
    """No pod is given to two, none is missing, and each sandbox tells the addresses of its own."""
    found = {item["metadata"]["name"]: item for item in setting.server.send("GET", setting.sandboxes)["items"]}
    taken: dict[str, str] = {}
    for wanted in sandboxes:
        name, replicas = wanted["metadata"]["name"], wanted["spec"]["replicas"]
        annotations = found[name]["metadata"].get("annotations", {})
        own = json.loads(annotations[_ALLOCATION])["pods"] if is_pooled else [f"{name}-{place}" for place in range(replicas)]
        addresses = [setting.kubelet.addresses.get(pod) for pod in own]
        if len(own) != replicas or json.loads(annotations.get(_ENDPOINTS, "[]")) != addresses:
            raise WrongDelivery(f"{name}: {annotations}, and its pods have the addresses {addresses}")
        for pod in own:
            if (other := taken.setdefault(pod, name)) != name:
                raise WrongDelivery(f"{pod} is {other}'s and {name}'s")
