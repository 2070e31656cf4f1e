"""One sandbox, paused and resumed again and again."""

import statistics
import time
from collections import defaultdict

from pause.setting import Setting
from pause.timeline import Timeline
from runner.bench import Bench
from runner.table import milliseconds, seconds, table

_RUNS = 20
#: What the sandbox writes between two pauses, in MiB.
_WRITTEN = 8
#: Seconds that the controller itself may take for a transition, in the median.
_GOAL = 0.1

_PARTS = {
    "pause": "the whole pause, until it is Paused",
    "pause: order to Job": "  from the order to the Job",
    "pause: preflight": "    the provider: nothing stands in the way",
    "pause: beginning": "    the controller: the rest",
    "pause: Job to commit": "  Kubernetes and the committer: from the Job until the kubelet tells of the commit",
    "pause: frozen": "    of that frozen",
    "pause: committed to release": "  from there until the pod's deletion is asked for",
    "pause: outcome": "    the provider: the commit's outcome read",
    "pause: verify": "    the provider: the image verified in the registry",
    "pause: seal": "    the provider: the freeze sealed, by way of the kubelet",
    "pause: between": "    the controller: the rest",
    "pause: release": "  the pod's processes killed, the pod gone",
    "pause: gone to Paused": "  the controller: Paused",
    "pause: own": "the controller's own share of it",
    "resume": "the whole resume, until it runs",
    "resume: order to pod": "  from the order to the pod",
    "resume: verify": "    the provider: the image verified in the registry",
    "resume: making": "    the controller: the rest",
    "resume: pod to ready": "  Kubernetes: pulled, started, ready",
    "resume: ready to told": "  the controller: told",
    "resume: own": "the controller's own share of it",
}


def measure_transitions(bench: Bench) -> None:
    """Pauses and resumes, with a change each time, and takes the times apart."""
    setting = Setting.of(bench)
    timeline = Timeline(setting)
    bench.say("a sandbox")
    start = time.monotonic()
    setting.create("box")
    timeline.wait(start, _phase("Succeed"), "a running sandbox")
    times: dict[str, list[float]] = defaultdict(list)
    for run in range(_RUNS):
        setting.kubectl(
            "--namespace", setting.namespace, "exec", "box-0", "--", "dd", "if=/dev/urandom", f"of=/root/file-{run % 4}",
            "bs=1M", f"count={_WRITTEN}",
        )
        _pause(setting, timeline, times)
        _resume(setting, timeline, times)
        bench.say(f"run {run + 1}: paused in {seconds(times['pause'][-1])}, resumed in {seconds(times['resume'][-1])}")
    rows = []
    for part, title in _PARTS.items():
        median, high = statistics.median(times[part]), sorted(times[part])[int(len(times[part]) * 0.95) - 1]
        bench.add(f"{part}, median", "s", median)
        bench.add(f"{part}, p95", "s", high)
        rows.append([title, milliseconds(median), milliseconds(high)])
    notes = [
        f"{_RUNS} runs; {_WRITTEN} MiB written before each. Times are when a watch heard of it; a kubelet tells of containers once a",
        "second. What the provider took is what its steps took that were done then, by the controller's metrics. Goal: the",
        f"controller's own share of each transition under {_GOAL * 1000:.0f} ms, {_verdict(times)}.",
    ]
    bench.show(table("Pause and resume of a BatchSandbox", ["", "median", "p95"], rows, notes))


def _pause(setting: Setting, timeline: Timeline, times: dict[str, list[float]]) -> None:
    before = setting.controller.provider_seconds()
    start = time.monotonic()
    setting.set_pause("box", True)
    made, job = timeline.wait(start, lambda kind, thing: kind == "ADDED" and _is_commit(thing, "Job"), "a commit Job")
    # The pod of the Job before may still be on its way out.
    ended, _ = timeline.wait(
        made, lambda _, thing: _is_owned(thing, job) and "terminated" in _commit_state(thing), "a committer that has ended"
    )
    leaving, _ = timeline.wait(start, _box(lambda kind, pod: "deletionTimestamp" in pod["metadata"]), "the pod's deletion")
    gone, _ = timeline.wait(start, _box(lambda kind, pod: kind == "DELETED"), "the pod's end")
    told, sandbox = timeline.wait(start, _phase("Paused"), "a paused sandbox")
    provider = _since(before, setting)
    preflight, outcome, verify, seal = (provider(step) for step in ("preflight", "capture", "verify", "seal"))
    between = leaving - ended - outcome - verify - seal
    frozen = sandbox["status"].get("artifact", {}).get("frozenMilliseconds", 0) / 1000
    for part, value in {
        "": told - start, ": order to Job": made - start, ": preflight": preflight, ": beginning": made - start - preflight,
        ": Job to commit": ended - made, ": frozen": frozen, ": committed to release": leaving - ended,
        ": outcome": outcome, ": verify": verify, ": seal": seal, ": between": between,
        ": release": max(gone, leaving) - leaving, ": gone to Paused": max(0, told - gone),
        ": own": made - start - preflight + between + max(0, told - gone),
    }.items():
        times[f"pause{part}"].append(value)


def _resume(setting: Setting, timeline: Timeline, times: dict[str, list[float]]) -> None:
    before = setting.controller.provider_seconds()
    start = time.monotonic()
    setting.set_pause("box", False)
    made, _ = timeline.wait(start, _box(lambda kind, pod: kind == "ADDED"), "a pod")
    ready, _ = timeline.wait(made, _box(lambda kind, pod: _is_ready(pod)), "a ready pod")
    told, _ = timeline.wait(start, _phase("Succeed"), "a running sandbox")
    verify = _since(before, setting)("verify")
    for part, value in {
        "": told - start, ": order to pod": made - start, ": verify": verify, ": making": made - start - verify,
        ": pod to ready": ready - made, ": ready to told": told - ready, ": own": made - start - verify + told - ready,
    }.items():
        times[f"resume{part}"].append(value)


def _verdict(times: dict[str, list[float]]) -> str:
    is_met = all(statistics.median(times[f"{transition}: own"]) < _GOAL for transition in ("pause", "resume"))
    return "met" if is_met else "missed"


def _since(before: dict[tuple[str, str], float], setting: Setting):
    """How long the provider has taken since then for a step that was done, by its name."""
    after = setting.controller.provider_seconds()
    return lambda step: after.get((step, "done"), 0) - before.get((step, "done"), 0)


def _phase(phase: str):
    return lambda _, thing: thing["kind"] == "BatchSandbox" and thing.get("status", {}).get("phase") == phase


def _box(is_it):
    return lambda kind, thing: thing["kind"] == "Pod" and thing["metadata"]["name"] == "box-0" and is_it(kind, thing)


def _is_owned(thing: dict, owner: dict) -> bool:
    return any(one["uid"] == owner["metadata"]["uid"] for one in thing["metadata"].get("ownerReferences", []))


def _is_commit(thing: dict, kind: str) -> bool:
    return thing["kind"] == kind and "sandbox.opensandbox.io/sandbox-snapshot-name" in thing["metadata"].get("labels", {})


def _commit_state(thing: dict) -> dict:
    """The state of the container that commits, if it is that of its pod."""
    if not _is_commit(thing, "Pod"):
        return {}
    statuses = thing.get("status", {}).get("containerStatuses", [])
    return next((status.get("state", {}) for status in statuses if status["name"] == "commit"), {})


def _is_ready(pod: dict) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
