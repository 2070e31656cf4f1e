"""JSON becomes pods."""

from runner.bench import Bench
from runner.table import against, table

from kube.setting import Setting

#: How often the page of 500 pods is read.
_TIMES = 40
_PEER_TIMES = 4


def decode(bench: Bench) -> None:
    """Reads a page of a list that was recorded: no server, no network."""
    setting = Setting.of(bench)
    bench.say("a recorded page")
    ours = setting.ours.run("decode", setting.page, "--times", _TIMES)
    peer = setting.peer.run("decode", setting.page, "--times", _PEER_TIMES)
    own, theirs = ours.cpu / ours.count, peer.cpu / peer.count
    bench.add("cpu per pod", "s", own, theirs, setting.peer_name)
    rows = [["CPU time of a pod", f"{own * 1e6:.0f} us", against(own, theirs, f"{theirs * 1e6:.0f} us")]]
    notes = ["A recorded page of a list. In brackets: how many times ours."]
    bench.show(table(f"JSON becomes pods ({setting.pod_text})", ["", "Stasis", setting.peer_name], rows, notes))
