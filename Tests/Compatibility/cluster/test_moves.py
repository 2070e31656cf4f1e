"""Sandboxes move between a cluster and a machine: there and back, as often as is wanted, and nothing of them is lost."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.moves import Side, Watch, World, until, world
from testbed import Cluster

#: How often a sandbox goes there and back. From 10 on everything is tried in every combination.
ROUNDS = int(os.environ.get("STASIS_MOVES", "2"))
IS_THOROUGH = ROUNDS >= 10
PAGE = Path(__file__).resolve().parents[3] / "docs" / "portability.md"


@pytest.fixture(scope="module")
def both(cluster: Cluster, program: Path) -> Iterator[World]:
    """Two sides with one registry."""
    with world(cluster, program, shared=True) as made:
        yield made


def wander(made: World, rounds: int, source: str) -> None:
    """Moves a sandbox there and back, and leaves a line in it on each side."""
    side, lines = made.cluster, ["begun"]
    sandbox_id = side.create(made.kube.image, metadata={"walk": "yes"}, env={"COLOUR": "green"})
    side.run(sandbox_id, "echo begun >>/lines; rm -f /bin/vi")
    with Watch(made, sandbox_id):
        for number in range(2 * rounds):
            started = side.start(sandbox_id, source=source)
            assert started.status == 202, started.body
            ended = side.finish(sandbox_id)
            assert ended["phase"] in ("Moved", "Leaving"), ended
            assert ended["movedTo"]["sandboxId"] == sandbox_id, ended
            side = made.other(side)
            until(lambda side=side: side.state(sandbox_id) == "Running")
            assert side.run(sandbox_id, "cat /lines").split() == lines
            assert side.run(sandbox_id, "ls /bin/vi 2>/dev/null; echo $?").strip() == "1"
            lines.append(f"{number}-{side.name}")
            side.run(sandbox_id, f"echo {lines[-1]} >>/lines")
            expected = None if source == "delete" else "Paused"
            until(lambda side=side: made.other(side).state(sandbox_id) == expected)
    found = side.wire.get(f"/v1/sandboxes/{sandbox_id}").json
    assert found["metadata"]["walk"] == "yes"
    assert found["entrypoint"][:2] == ["sh", "-c"]
    assert "expiresAt" in found
    for where in (made.cluster, made.machine):
        where.wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}")
    until(lambda: not made.left(), 90)


# The other way is that of the page.
@pytest.mark.parametrize("source", ["delete", "keepPaused"] if IS_THOROUGH else ["delete"])
def test_there_and_back_with_one_registry(both: World, source: str) -> None:
    wander(both, ROUNDS, source)


def test_there_and_back_with_two(cluster: Cluster, program: Path) -> None:
    """The machine keeps its snapshots in a folder, so what it sends is copied."""
    with world(cluster, program, shared=False) as made:
        wander(made, ROUNDS if IS_THOROUGH else 1, "delete")


def test_what_travels(both: World) -> None:
    """Environment and limits are what they were, and what only a cluster has does not go unnoticed."""
    sandbox_id = both.machine.create(both.kube.image, env={"COLOUR": "green", "EMPTY": ""}, resourceLimits={"cpu": "500m", "memory": "96Mi"})
    assert both.machine.start(sandbox_id, source="delete").status == 202
    both.machine.finish(sandbox_id)
    template = both.kube.kubectl("get", f"batchsandbox/{sandbox_id}", "--output=jsonpath={.spec.template.spec.containers[0]}")
    assert '"COLOUR"' in template and '"96Mi"' in template and '"500m"' in template and '"EMPTY"' in template, template
    assert both.cluster.start(sandbox_id, source="delete").status == 202
    both.cluster.finish(sandbox_id)
    environment = both.machine.run(sandbox_id, "tr '\\0' '\\n' </proc/1/environ")
    assert "COLOUR=green" in environment.splitlines(), environment
    assert "OPENSANDBOX_ID" not in environment


def test_what_is_refused(both: World, tmp_path: Path) -> None:
    """Nothing is paused for a move that cannot be."""
    claim = {"name": "data", "mountPath": "/data", "pvc": {"claimName": f"claim-{os.getpid()}", "deleteOnSandboxTermination": True}}
    machine = both.machine
    sandbox_id = machine.create(both.kube.image, volumes=[claim])

    def refused(answer: Any, status: int, word: str) -> None:
        assert answer.status == status and word in answer.json["message"], answer.body
        assert machine.state(sandbox_id) == "Running"

    refused(machine.start(sandbox_id), 409, "volume data")
    path = f"/v1/sandboxes/{sandbox_id}/move"
    refused(machine.wire.send("POST", path, {"target": {"name": "nowhere"}}), 400, "nowhere")
    refused(machine.wire.send("POST", path, {"target": {"url": "http://127.0.0.1:1"}}), 400, "allow_other_targets")
    both.cluster.proxy.is_down = True
    try:
        refused(machine.start(sandbox_id, allowLoss=True), 502, "cannot be asked")
    finally:
        both.cluster.proxy.is_down = False
    assert machine.wire.get(path).status == 404
    assert machine.start(sandbox_id, allowLoss=True, source="delete").json["leftBehind"] == ["volume data"]
    assert machine.finish(sandbox_id)["movedTo"]["sandboxId"] == sandbox_id
    assert machine.wire.send("POST", "/v1/sandboxes/none/move", {"target": {"name": "cluster"}}).status == 404


def test_while_it_moves(both: World) -> None:
    """Official clients list and read it, nobody resumes it, and what was kept of it is used only on purpose."""
    side, other = both.machine, both.cluster
    sandbox_id = side.create(both.kube.image)
    hold = other.proxy.hold("POST /v1/sandboxes ")
    assert side.start(sandbox_id).status == 202
    hold.wait()
    assert side.move(sandbox_id)["phase"] == "Arriving"
    info = side.sdk(side.sdk.manager.get_sandbox_info(sandbox_id))
    assert info.status.state == "Paused"
    assert sandbox_id in [item["id"] for item in side.wire.get("/v1/sandboxes").json["items"]]
    assert side.wire.send("POST", f"/v1/sandboxes/{sandbox_id}/resume").error[0] == 409
    assert side.start(sandbox_id).status == 202, "asked again it is the same move"
    assert side.start(sandbox_id, source="delete").status == 409
    hold.release()
    assert side.finish(sandbox_id)["phase"] == "Moved"
    resumed = side.wire.send("POST", f"/v1/sandboxes/{sandbox_id}/resume")
    assert resumed.status == 409 and "must not run twice" in resumed.json["message"]
    # Nothing makes it run twice but whoever says so.
    refused = side.wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}/move")
    assert refused.error == (409, "MOVE::STILL_THERE") and "Delete it there" in refused.json["message"]
    assert side.wire.send("POST", f"/v1/sandboxes/{sandbox_id}/resume").status == 409
    # Both are used on purpose from here on.
    assert side.wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}/move?anyway=true").status == 204
    assert side.wire.send("POST", f"/v1/sandboxes/{sandbox_id}/resume").status == 202
    until(lambda: side.state(sandbox_id) == "Running")
    taken = side.start(sandbox_id, source="delete")
    assert taken.status == 202
    ended = side.finish(sandbox_id)
    assert ended["phase"] == "Failed" and "already" in ended["message"], ended
    assert side.state(sandbox_id) == "Running"


CALLS = [("machine", "before"), ("machine", "after"), ("cluster", "before"), ("cluster", "after")]


@pytest.mark.parametrize(("which", "moment"), CALLS if IS_THOROUGH else CALLS[:3])
def test_called_off(both: World, which: str, moment: str) -> None:
    """It is what it was, unless it has arrived; and what comes late creates nothing."""
    side: Side = getattr(both, which)
    other = both.other(side)
    sandbox_id = side.create(both.kube.image)
    side.run(sandbox_id, "echo kept >/kept")
    hold = other.proxy.hold("POST /v1/sandboxes ", answered=moment == "after")
    with Watch(both, sandbox_id):
        assert side.start(sandbox_id, source="delete").status == 202
        hold.wait()
        cancelled = side.wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}/move")
        assert cancelled.status == 202, cancelled.body
        if moment == "before":
            assert side.finish(sandbox_id)["phase"] == "Cancelled"
            until(lambda: side.state(sandbox_id) == "Running")
            hold.release()
            until(lambda: not hold.is_cut and other.state(sandbox_id) is None)
            assert side.run(sandbox_id, "cat /kept").strip() == "kept"
        else:
            assert side.finish(sandbox_id)["movedTo"]["sandboxId"] == sandbox_id
            assert other.run(sandbox_id, "cat /kept").strip() == "kept"
            hold.release()


STEPS = {
    "pausing": None,
    "ready": ("GET /v1/sandboxes?pageSize=1", False),
    "before": ("POST /v1/sandboxes ", False),
    "after": ("POST /v1/sandboxes ", True),
}


KILLS = [(which, victim, step) for which in ("machine", "cluster") for victim in ("source", "target") for step in STEPS]
SOME_KILLS = [
    ("machine", "source", "before"), ("machine", "target", "after"), ("cluster", "source", "after"), ("machine", "source", "pausing"),
]


@pytest.mark.parametrize(("which", "victim", "step"), KILLS if IS_THOROUGH else SOME_KILLS)
def test_killed(both: World, which: str, victim: str, step: str) -> None:
    """Either server is killed at a step: the move ends, the state is there, and it never runs twice."""
    side: Side = getattr(both, which)
    other = both.other(side)
    sandbox_id = side.create(both.kube.image)
    side.run(sandbox_id, "echo kept >/kept")
    place = STEPS[step]
    # The first look at the target is that of the request itself.
    with Watch(both, sandbox_id):
        assert side.start(sandbox_id, source="delete").status == 202
        hold = other.proxy.hold(*place) if place else None
        if hold:
            hold.wait()
        (side if victim == "source" else other).server.crash()
        if hold:
            hold.cut()
        assert side.finish(sandbox_id)["movedTo"]["sandboxId"] == sandbox_id
        until(lambda: other.state(sandbox_id) == "Running")
        assert other.run(sandbox_id, "cat /kept").strip() == "kept"
        until(lambda: side.state(sandbox_id) is None)


def test_the_target_goes_away(both: World) -> None:
    """What is not reached in time comes back; what may be there stays paused until the target has promised that it is not."""
    side, other = both.machine, both.cluster
    sandbox_id = side.create(both.kube.image)
    hold = other.proxy.hold("POST /v1/sandboxes ")
    with Watch(both, sandbox_id):
        assert side.start(sandbox_id).status == 202
        hold.wait()
        other.proxy.is_down = True
        hold.cut()
        side.wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}/move")
        until(lambda: (side.move(sandbox_id) or {}).get("phase") == "Withdrawing")
        assert side.wire.send("POST", f"/v1/sandboxes/{sandbox_id}/resume").status == 409
        other.proxy.is_down = False
        assert side.finish(sandbox_id)["phase"] == "Cancelled"
        until(lambda: side.state(sandbox_id) == "Running")
        assert other.state(sandbox_id) is None


def test_the_command(both: World, program: Path) -> None:
    """A sandbox of the cluster comes to a machine that the cluster's server cannot reach, and goes back."""
    environment = {
        "PATH": os.environ["PATH"], "STASIS_MOVE_KEY": both.cluster.server.key, "STASIS_MOVE_TARGET_KEY": both.machine.server.key,
    }
    sandbox_id = both.cluster.create(both.kube.image)
    both.cluster.run(sandbox_id, "echo kept >/kept")
    both.machine.proxy.is_down = True
    try:
        command = [program, "move", sandbox_id, "--from", f"http://{both.cluster.server.address}", "--to", "local"]
        command += ["--local", f"http://{both.machine.server.address}", "--delete"]
        done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        assert done.stdout.split()[0] == sandbox_id
    finally:
        both.machine.proxy.is_down = False
    assert both.machine.run(sandbox_id, "cat /kept").strip() == "kept"
    environment["STASIS_MOVE_KEY"] = both.machine.server.key
    command = [program, "move", sandbox_id, "--from", f"http://{both.machine.server.address}", "--to", "cluster", "--delete"]
    done = subprocess.run(command, env=environment, text=True, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert both.cluster.run(sandbox_id, "cat /kept").strip() == "kept"


def blocks() -> dict[str, str]:
    """The commands of the section on moving of docs/portability.md, by their names."""
    section = PAGE.read_text().split("## Moving a sandbox", 1)[1].split("\n## ", 1)[0]
    found = dict(re.findall(r"^<!-- tested: (\w+) -->\n```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    assert len(found) == len(re.findall(r"^```sh$", section, re.MULTILINE)), "a command of the section is not tried"
    return found


def test_the_section(both: World, program: Path) -> None:
    """Every command of it, with real servers."""
    commands = blocks()
    cluster, machine = both.cluster, both.machine
    sandbox_id = machine.create(both.kube.image)

    def follow(name: str, side: object, **values: str) -> str:
        environment = {
            "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/root"), "ID": sandbox_id,
            "SERVER": f"http://{side.server.address}", "TARGET": side.other, "KEY": side.server.key,
        } | values
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands.pop(name)], env=environment, text=True, capture_output=True, timeout=180
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    machine.run(sandbox_id, "echo kept >/kept")
    assert follow("there", machine).split()[0] == sandbox_id
    assert cluster.run(sandbox_id, "cat /kept").strip() == "kept"
    assert '"phase":"Moved"' in follow("api", cluster)
    assert machine.run(sandbox_id, "cat /kept").strip() == "kept"
    # What was kept at the cluster is used on purpose, and so is another sandbox from here on.
    other = {"OTHER": f"http://{machine.server.address}", "OTHER_KEY": machine.server.key, "OTHER_ID": sandbox_id}
    follow("kept", cluster, **other)
    until(lambda: cluster.state(sandbox_id) == "Running")
    local = {"LOCAL": f"http://{machine.server.address}", "LOCAL_KEY": machine.server.key}
    assert follow("local", cluster, **local).split()[0] == sandbox_id
    assert machine.run(sandbox_id, "cat /kept").strip() == "kept"
    hold = cluster.proxy.hold("POST /v1/sandboxes ")
    assert machine.start(sandbox_id).status == 202
    hold.wait()
    follow("cancel", machine, STASIS_MOVE_KEY=machine.server.key)
    assert machine.finish(sandbox_id)["phase"] == "Cancelled"
    hold.cut()
    until(lambda: machine.state(sandbox_id) == "Running")
    assert not commands, f"nobody tries {list(commands)}"
