"""How fast claims have sandboxes of a warm set: many claims at once, and one after the other."""

import statistics

from kruise.round import HEAD, Round, claim_all, percentile, shown
from kruise.setting import BURST, REQUESTS_PER_SECOND, Endings, Setting, claim, warm_set
from runner.bench import Bench
from runner.table import table

_SET = "warm"
_CLAIMS = 50
_ROUNDS = 5
_SINGLE = 20
_CONNECTIONS = 12


def measure_claims(bench: Bench) -> None:
    """Whatever a claim gets was ready before the clock started."""
    setting = Setting.of(bench)
    endings = Endings(setting)
    connections = [setting.server.connect() for _ in range(_CONNECTIONS)]
    for connection in connections:
        bench.callback(connection.close)
        connection.open()
    bench.say(f"a set of {_CLAIMS} sandboxes")
    setting.server.send("POST", setting.path("sandboxsets"), warm_set(_SET, _CLAIMS))
    number = 0

    def measure(count: int) -> Round:
        nonlocal number
        setting.await_status("sandboxsets", _SET, lambda status: status.get("availableReplicas", 0) >= _CLAIMS)
        claims = []
        for _ in range(count):
            number += 1
            claims.append(claim(f"claim-{number:04}", _SET, createOnNoStock=False))
        measured = claim_all(setting, endings, connections, claims)
        _clear(setting)
        return measured

    bench.say("a round that is not counted")
    measure(_CLAIMS)
    bench.say(f"{_CLAIMS} claims at once")
    many = [measure(_CLAIMS) for _ in range(_ROUNDS)]
    bench.say(f"{_SINGLE} claims, one after the other")
    single = [measure(1) for _ in range(_SINGLE)]
    setting.server.send("DELETE", setting.path("sandboxsets", _SET))
    bench.add(f"{_CLAIMS} claims, median", "s", statistics.median(statistics.median(one.each) for one in many))
    bench.add(f"{_CLAIMS} claims, 95 of 100", "s", statistics.median(percentile(one.each, 0.95) for one in many))
    bench.add("one claim", "s", statistics.median(one.each[0] for one in single))
    alone = Round([one.each[0] for one in single], statistics.median(one.created for one in single))
    rows = [[f"{_CLAIMS} claims at once", *shown(many)], ["one claim", *shown([alone])]]
    notes = [
        "From the first creation until a watch has told that the claim has its sandbox; medians of the rounds. The sandboxes are",
        "ready before, and the set makes others meanwhile. A script plays the kubelet; etcd and the client share this machine. The",
        f"controller has --kube-client-qps={REQUESTS_PER_SECOND} --kube-client-burst={BURST}.",
    ]
    bench.show(table("Claims of a warm set", HEAD, rows, notes))


def _clear(setting: Setting) -> None:
    """Deletes the claims, and the sandboxes that they have had."""
    setting.server.send("DELETE", setting.path("sandboxclaims"))
    setting.server.send("DELETE", setting.path("sandboxes") + "?labelSelector=agents.kruise.io/sandbox-claimed%3Dtrue")
