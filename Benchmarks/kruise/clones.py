"""How fast clones of a checkpoint are ready, on a real node."""

import statistics

from kruise.round import HEAD, claim_all, percentile, shown
from kruise.setting import Endings, Setting, checkpoint, claim, real_sandbox
from runner.bench import Bench
from runner.table import table

_CLONES = 20
_ROUNDS = 3
_CONNECTIONS = 12


def measure_clones(bench: Bench) -> None:
    """The first round pulls the image that was captured; it is not counted."""
    setting = Setting.of(bench)
    endings = Endings(setting)
    connections = [setting.server.connect() for _ in range(_CONNECTIONS)]
    for connection in connections:
        bench.callback(connection.close)
        connection.open()
    bench.say("a sandbox, and a checkpoint of it")
    setting.server.send("POST", setting.path("sandboxes"), real_sandbox(setting, "source"))
    setting.await_status("sandboxes", "source", lambda status: status.get("phase") == "Running")
    setting.server.send("POST", setting.path("checkpoints"), checkpoint("saved", "source"))
    setting.await_status("checkpoints", "saved", lambda status: status.get("phase") == "Succeeded")
    rounds = []
    for number in range(_ROUNDS + 1):
        bench.say(f"{_CLONES} clones at once" + ("" if number else ", not counted"))
        claims = [
            claim(f"clone-{number}-{each:02}", "saved", waitReadyTimeout="4m", claimTimeout="4m") for each in range(_CLONES)
        ]
        rounds.append(claim_all(setting, endings, connections, claims))
        setting.server.send("DELETE", setting.path("sandboxclaims"))
        setting.server.send("DELETE", setting.path("sandboxes") + "?labelSelector=agents.kruise.io/sandbox-claimed%3Dtrue")
    counted = rounds[1:]
    bench.add(f"{_CLONES} clones, median", "s", statistics.median(statistics.median(one.each) for one in counted))
    bench.add(f"{_CLONES} clones, 95 of 100", "s", statistics.median(percentile(one.each, 0.95) for one in counted))
    notes = [
        "From the first creation until a watch has told that the claim has its clone, which is ready then; medians of the rounds.",
        "One node, which is this machine, starts all the pods; the image is there from the round before.",
    ]
    bench.show(table("Clones of a checkpoint", HEAD, [[f"{_CLONES} clones at once", *shown(counted)]], notes))
