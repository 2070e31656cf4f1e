"""Changes, as fast as a client takes them."""

from runner.bench import Bench
from runner.table import against, table

from kube.client import Work
from kube.setting import Setting

#: How many changes ours hears of, and how many of them the slower one: both go at an even pace.
_EVENTS = 20_000
_PEER_EVENTS = 4_000
#: For how many seconds changes are written at most: the server forgets those that are more than a minute older than the last.
_WRITING = 50
#: How often ours hears of them; the medians count.
_REPETITIONS = 3


class MissingEvents(Exception):
    """A client did not hear of every change, so its speed says nothing."""


def hear_events(bench: Bench) -> None:
    """Writes many changes, and then lets each client watch from the state before them.

    An API server of this size cannot write as fast as a client reads. From the state before, it sends what it remembers as
    fast as the client takes it.
    """
    setting = Setting.of(bench)
    bench.say(f"{_EVENTS:,} changes, or as many as the server writes in {_WRITING} s")
    begin = setting.pods.version()
    count, end = setting.pods.change(_EVENTS, _WRITING)
    peer_count = min(count, _PEER_EVENTS)
    bench.say(f"{count:,} were written; Stasis: an informer, {_REPETITIONS} times")
    namespace = setting.pods.namespace
    ours = setting.ours.run("events", namespace, "--from", begin, "--to", end, times=_REPETITIONS)
    bench.say("the Python client: a watch, into a dictionary")
    peer = setting.peer.run("events", namespace, "--from", begin, "--count", peer_count)
    if (ours.count, peer.count) != (count, peer_count):
        raise MissingEvents(f"{ours.count:.0f} of {count} and {peer.count:.0f} of {peer_count} changes were heard of")
    _report(bench, setting, ours, peer)


def _report(bench: Bench, setting: Setting, ours: Work, peer: Work) -> None:
    rows = []
    for title, metric, own, theirs in (
        ("events a second", "wall per event", ours.wall / ours.count, peer.wall / peer.count),
        ("events a second of CPU time", "cpu per event", ours.cpu / ours.count, peer.cpu / peer.count),
    ):
        rows.append([title, f"{1 / own:,.0f}", against(own, theirs, f"{1 / theirs:,.0f}")])
        bench.add(metric, "s", own, theirs, setting.peer_name)
    notes = [
        f"Stasis: medians of {_REPETITIONS} runs of {ours.count:,.0f} events; the other: one of {peer.count:,.0f}. In brackets: how "
        "many times slower.",
        "Goals: 5,000 events a second of CPU time, ten times what the Python client does in it.",
    ]
    bench.show(table(f"Changes of {setting.pod_text}", ["", "Stasis", setting.peer_name], rows, notes))
