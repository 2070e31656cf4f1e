"""Random operations and random faults for as long as one likes; then nothing is lost, nothing is left, and nothing has grown.

SOAK_SECONDS says for how long (60), SOAK_SEED what is done (else it is the same each time). docs/endurance.md tells all of it.
"""

import os
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.test_pools import capacity, template
from soak.client import Client, Violation
from soak.faults import Faults
from soak.ledger import Ledger
from soak.measure import Use, complaints, idle_load
from soak.remains import Remains, prune
from soak.worker import POOL, Worker
from soak.world import World
from wire import Wire

SECONDS = float(os.environ.get("SOAK_SECONDS", "60"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
WORKERS = int(os.environ.get("SOAK_WORKERS", "3"))

#: For how long a round goes on before everything is deleted and counted.
ROUND = 60 if SECONDS > 600 else 20


@pytest.fixture(scope="module")
def world(program: Path) -> Iterator[World]:
    with World(program.parent) as world:
        yield world


class Soak:
    """Rounds. Each begins and ends with nothing."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.ledger = Ledger()
        self.remains = Remains(world)
        self.faults = Faults(world, self.ledger, SEED)
        self.workers = [Worker(world, self.ledger, SEED, number) for number in range(WORKERS)]
        self.uses: dict[tuple[str, int], list[Use]] = {}
        self.longest_freeze = 0.0
        self._wire = Wire(world.steady.address, world.steady.key)
        self._template = template(world, world.executor_image)

    def round(self, seconds: float, with_faults: bool) -> None:
        self._open_pool()
        over = threading.Event()
        threads = self._each(lambda worker: worker.storm(over))
        deadline = time.monotonic() + seconds
        with FreezeWatch(self.remains) as watch:
            while time.monotonic() < deadline and not self.ledger.violations:
                if with_faults:
                    self.faults.inject()
                time.sleep(min(self.faults.pause(), max(deadline - time.monotonic(), 0.1)))
            over.set()
            self._join(threads)
            if with_faults:
                self._join(self._each(Worker.prove))
            self._join(self._each(Worker.clear))
        self.longest_freeze = max(self.longest_freeze, watch.longest)
        self._wipe()
        self.await_nothing()
        self.measure()

    def measure(self) -> None:
        """What each program uses when there is nothing to do."""
        for name, pid in self.programs().items():
            self.uses.setdefault((name, pid), []).append(Use.of(pid))

    def programs(self) -> dict[str, int]:
        return {
            "controller": self.world.controller.pid, "steady server": self.world.steady.pid, "killed server": self.world.doomed.pid,
        }

    def _each(self, work: Any) -> list[threading.Thread]:
        def run(worker: Worker) -> None:
            try:
                work(worker)
            except Violation as violation:
                self.ledger.violate(f"worker {worker.number}: {violation}")
            except Exception:
                self.ledger.violate(f"worker {worker.number}: {traceback.format_exc()}")

        threads = [threading.Thread(target=run, args=(worker,), daemon=True) for worker in self.workers]
        for thread in threads:
            thread.start()
        return threads

    def _join(self, threads: list[threading.Thread]) -> None:
        for thread in threads:
            thread.join()
        assert not self.ledger.violations, "\n\n".join(self.ledger.violations) + "\n" + self.report() + self._logs()

    def _open_pool(self) -> None:
        answer = self._wire.send("POST", "/v1/pools", {"name": POOL, "template": self._template, "capacitySpec": capacity(1)})
        assert answer.status == 201, answer.body

    def _wipe(self) -> None:
        """Deletes what no worker has heard of: what was asked for and never answered."""
        for plural in ("batchsandboxes", "sandboxsnapshots", "pools"):
            for item in self.world.kube.list(plural):
                self.world.kube.delete(plural, item["metadata"]["name"])

    def await_nothing(self, seconds: float = 180) -> None:
        """Waits until nothing is left of anything."""
        deadline = time.monotonic() + seconds
        while left := self.remains.found():
            assert time.monotonic() < deadline, "left behind:\n" + "\n".join(left) + "\n" + self.report() + self._logs()
            self._wipe()
            time.sleep(1)
        assert not self.remains.frozen()

    def _logs(self) -> str:
        logs = {"controller": self.world, "steady server": self.world.steady, "killed server": self.world.doomed}
        return "".join(f"\n-- the end of the log of the {name}:\n{daemon.end_of_log(40)}" for name, daemon in logs.items())

    def report(self) -> str:
        lines = [f"seed {SEED}, {SECONDS:.0f} s, {WORKERS} workers; the controller was started {self.world.incarnations} times"]
        lines += self.ledger.lines()
        lines.append(f"the longest that a container was seen frozen: {self.longest_freeze:.1f} s")
        for (name, pid), uses in self.uses.items():
            if len(uses) > 1:
                for what in ("memory", "descriptors", "threads"):
                    lines.append(f"{name} {pid}: {what} {[getattr(use, what) for use in uses]}")
        return "\n".join(lines)


class FreezeWatch:
    """Looks at the freezers of all pods, and remembers for how long one was frozen at a stretch."""

    def __init__(self, remains: Remains) -> None:
        self._remains = remains
        self._over = threading.Event()
        self.longest = 0.0

    def __enter__(self) -> "FreezeWatch":
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        since: dict[str, float] = {}
        while not self._over.wait(0.3):
            now = time.monotonic()
            frozen = set(self._remains.frozen())
            since = {line: since.get(line, now) for line in frozen}
            self.longest = max([self.longest, *(now - begin for begin in since.values())])


def test_it_would_notice(world: World) -> None:
    """One sandbox, as it must not be: each of these is found."""
    soak = Soak(world)
    worker, remains = soak.workers[0], soak.remains
    box = worker.make("image")
    assert box is not None
    worker.write(box)
    worker.count(box)
    worker.check(box, False)
    client = Client(world)

    # A file that is another one, and an answer that is forgotten.
    for script in ("echo other >/data/other", "rm /data/other; mv /ticks /forgotten"):
        client.run(box, script)
        with pytest.raises(Violation, match="is not as it must be"):
            worker.check(box, False)
    client.run(box, "mv /forgotten /ticks")
    worker.check(box, False)

    # A container that stays frozen, and one that runs.
    assert remains.frozen() == []
    freezers = remains.freezers(f"{box.id}-0")
    assert freezers
    for file, frozen, _ in freezers:
        file.write_text(frozen)
    assert _await(lambda: len(remains.frozen()) >= len(freezers))
    for file, _, thawed in freezers:
        file.write_text(thawed)
    assert _await(lambda: remains.frozen() == [])
    left = "\n".join(remains.found())
    for what in ("batchsandboxes/", "pods/", "container ", "mount ", "the kubelet's folder", "cgroup of"):
        assert what in left, left

    # A lease of a freeze, and an object that nobody deletes.
    worker.snapshot(box)
    uid = next(iter(world.census.uids("sandboxsnapshots")))
    world.ctr("leases", "create", f"--id=soak-freeze-{uid}")
    assert _await(lambda: "lease soak-freeze-" in "\n".join(remains.found()))
    world.ctr("leases", "delete", f"soak-freeze-{uid}")
    assert world.images.tags() and world.images.manifests() and world.images.blobs()
    worker.clear()
    soak.await_nothing()
    assert not world.images.tags() and not world.images.manifests()


def _await(condition: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not (holds := condition()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return holds


def test_soak(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    begin = time.monotonic()
    with capfd.disabled():
        print(f"\n  soak: {SECONDS:.0f} s with the seed {SEED}", flush=True)
    soak = Soak(world)

    # The first round is for caches and pools to fill. Nothing goes wrong in it, so nothing fails, and no image stays.
    soak.round(ROUND / 2, with_faults=False)
    assert not (left := world.images.tags()), f"images that nobody needs: {left}"
    assert not (left := world.images.manifests()), f"manifests that nobody needs: {left}"

    number = 0
    while number < 2 or time.monotonic() - begin < SECONDS:
        # What is killed cannot grow, so there is a controller that lives through the most of it.
        number += 1
        soak.faults.kills_controller = number == 1 or time.monotonic() - begin < SECONDS / 3
        soak.round(ROUND, with_faults=True)
        if SECONDS > 600:
            with capfd.disabled():
                print(f"  {time.monotonic() - begin:6.0f} s: {sum(soak.ledger.faults.values())} faults", flush=True)

    for name, pid in soak.programs().items():
        assert (load := idle_load(pid)) < 0.5, f"the {name} uses {load:.0%} of a core, and has nothing to do"
    grown = [f"{name}: {line}" for (name, _), uses in soak.uses.items() for line in complaints(uses)]

    # Images of captures that were cut off are known to nobody. They go by a prune, and all bytes with them.
    pruned = prune(world)
    assert not (left := world.images.tags()), f"a prune has left images: {left}"
    world.images.collect_garbage()
    report = soak.report() + f"\nimages of captures that were cut off: {len(pruned)}"
    with capfd.disabled():
        print("\n".join(f"  {line}" for line in report.splitlines()), flush=True)
    assert not grown, "\n".join(grown) + "\n" + report
    assert not (left := world.images.manifests()), f"manifests without a tag: {left}"
    assert not (left := world.images.blobs()), f"bytes that no manifest needs: {left}"
