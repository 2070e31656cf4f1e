"""Small requests, several at a time."""

from runner.bench import Bench
from runner.table import against, table

from kube.setting import Setting

_REQUESTS = 3_000
_PARALLEL = 8


def send_requests(bench: Bench) -> None:
    """Reads pods by their names, and patches an annotation of each."""
    setting = Setting.of(bench)
    names = bench.folder / "names"
    names.write_text("\n".join(setting.pods.names[:_REQUESTS]))
    rows = []
    for verb in ("get", "patch"):
        bench.say(f"{_REQUESTS:,} times {verb}")
        arguments = ("requests", verb, setting.pods.namespace, names, "--parallel", _PARALLEL)
        ours, peer = setting.ours.run(*arguments), setting.peer.run(*arguments)
        for title, metric, own, theirs, shown in (
            ("requests a second", "wall per request", ours.wall / ours.count, peer.wall / peer.count, _rate),
            ("CPU time of a request", "cpu per request", ours.cpu / ours.count, peer.cpu / peer.count, _microseconds),
        ):
            rows.append([f"{verb}: {title}", shown(own), against(own, theirs, shown(theirs))])
            bench.add(f"{metric}: {verb}", "s", own, theirs, setting.peer_name)
    notes = [
        f"{_REQUESTS:,} requests, {_PARALLEL} at a time. In brackets: how many times slower, or how many times ours. How many a "
        "second there are is up to the server, which shares the machine."
    ]
    bench.show(table(f"Small requests ({setting.pod_text})", ["", "Stasis", setting.peer_name], rows, notes))


def _rate(value: float) -> str:
    return f"{1 / value:,.0f}"


def _microseconds(value: float) -> str:
    return f"{value * 1e6:.0f} us"
