"""An informer starts, in a namespace that is full already."""

from runner.bench import Bench
from runner.table import against, megabytes, seconds, table

from kube.setting import Setting

#: How often ours starts; the medians count.
_REPETITIONS = 3


def start(bench: Bench) -> None:
    """From nothing to a store with every pod."""
    setting = Setting.of(bench)
    bench.say(f"Stasis: an informer, {_REPETITIONS} times")
    ours = setting.ours.run("sync", setting.pods.namespace, times=_REPETITIONS)
    bench.say("the Python client: the same lists, into a dictionary")
    peer = setting.peer.run("sync", setting.pods.namespace)
    rows = []
    for title, metric, unit, shown, own, theirs in (
        ("time until all are there", "wall", "s", seconds, ours.wall, peer.wall),
        ("CPU time", "cpu", "s", seconds, ours.cpu, peer.cpu),
        ("peak memory of the process", "memory", "B", megabytes, ours.memory, peer.memory),
    ):
        rows.append([title, shown(own), against(own, theirs, shown(theirs))])
        bench.add(metric, unit, own, theirs, peer_name=setting.peer_name)
    notes = [
        f"Stasis: medians of {_REPETITIONS} runs; the other: one. In brackets: how many times ours.",
        "Goals: 10,000 pods in less than 5 s and 250 MB, a tenth of the Python client's CPU time.",
    ]
    bench.show(table(f"An informer starts ({setting.pod_text})", ["", "Stasis", setting.peer_name], rows, notes))
