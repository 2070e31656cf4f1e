"""E2B's SDK on Kubernetes: sandboxes as the Kruise dialect's objects, with a real controller, kubelet and registry."""

import json
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import e2b
import pytest

from client import HAS_SNAPSHOTS, PAUSE_TELLS, VERSION, Client
from conftest import ALICE, BOB
from testbed import Cluster, ClusterServer

_E2B = f"""
[e2b]
default_template = "demo"
min_resume_timeout_seconds = 30

[[e2b.keys]]
key = "{ALICE}"

[[e2b.keys]]
key = "{BOB}"
"""

#: Many of them have to be on one small machine.
_POD = """\
metadata: {{annotations: {{of: template}}}}
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: {image}
      command: [sh, -c, "trap 'exit 0' TERM; httpd -p 49983 -h /; while :; do sleep 0.2; done"]
      resources: {{limits: {{cpu: "1", memory: 128Mi}}, requests: {{cpu: 1m, memory: 8Mi}}}}
"""

_OBJECTS = """\
apiVersion: agents.kruise.io/v1alpha1
kind: SandboxSet
metadata: {{name: demo}}
spec:
  replicas: 1
  template:
{pod}
---
apiVersion: agents.kruise.io/v1alpha1
kind: SandboxTemplate
metadata: {{name: plain}}
spec:
  template:
{pod}
"""


@pytest.fixture(scope="module")
def cluster(program: Path) -> Iterator[Cluster]:
    """A namespace with a controller of the dialect, a set that keeps one sandbox ready, and a template."""
    with Cluster(program.parent, "e2b", kruise=True) as cluster:
        pod = _POD.format(image=cluster.image)
        indented = "\n".join(f"    {line}" for line in pod.splitlines())
        cluster.kubectl("apply", "--filename", "-", standard_input=_OBJECTS.format(pod=indented))
        yield cluster


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> ClusterServer:
    return cluster.server(tables=_E2B)


@pytest.fixture
def ann(server: ClusterServer, cluster: Cluster) -> Iterator[Client]:
    """The SDK as one owner uses it; afterwards nothing of hers is left."""
    client = Client(False, server.address, ALICE)
    yield client
    for sandbox in client.listed():
        client.kill(sandbox.sandbox_id)
    client.close()


@pytest.fixture
def ben(server: ClusterServer) -> Iterator[Client]:
    """Somebody else."""
    client = Client(False, server.address, BOB)
    yield client
    for sandbox in client.listed():
        client.kill(sandbox.sandbox_id)
    client.close()


@pytest.fixture(autouse=True)
def _logs(request: pytest.FixtureRequest, cluster: Cluster, server: ClusterServer) -> Iterator[None]:
    """Shows the ends of the logs with each failure."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        print(cluster.end_of_log(30), server.end_of_log(30), sep="\n")


def name(sandbox: Any) -> str:
    """The object of a sandbox, and its pod."""
    return sandbox.sandbox_id.split("--", 1)[1]


def spec(cluster: Cluster, sandbox: Any) -> dict[str, Any]:
    return json.loads(cluster.kubectl("get", "sandboxes.agents.kruise.io", name(sandbox), "--output=json"))["spec"]


def run(cluster: Cluster, sandbox: Any, command: str) -> str:
    """What a shell command prints in a sandbox."""
    return cluster.kubectl("exec", name(sandbox), "--", "sh", "-c", command)


def left(client: Client, sandbox: Any) -> timedelta:
    """How much time a sandbox has."""
    return client.info(sandbox.sandbox_id).end_at - datetime.now(timezone.utc)


def about(seconds: float) -> Callable[[timedelta], bool]:
    return lambda time: abs(time.total_seconds() - seconds) < 10


def gone(cluster: Cluster, sandbox: Any, seconds: float = 60) -> None:
    """Returns when neither the sandbox nor its pod is there."""
    deadline = time.monotonic() + seconds
    while found := cluster.kubectl("get", "sandboxes.agents.kruise.io,pods", "--field-selector", f"metadata.name={name(sandbox)}", "-o", "name"):
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_taken_from_a_set(ann: Client, cluster: Cluster) -> None:
    sandbox = ann.create("demo", timeout=120, metadata={"user": "a b", "share": "100%+1"})
    info = ann.info(sandbox.sandbox_id)
    assert (info.template_id, info.state.value) == ("demo", "running")
    assert {"user": "a b", "share": "100%+1"}.items() <= info.metadata.items()
    assert (info.cpu_count, info.memory_mb) == (1, 128)
    assert about(120)(left(ann, sandbox))
    labels = json.loads(cluster.kubectl("get", "sandboxes.agents.kruise.io", name(sandbox), "--output=json"))["metadata"]
    assert labels["labels"]["agents.kruise.io/sandbox-claimed"] == "true"
    assert "ownerReferences" not in labels
    assert [found.sandbox_id for found in ann.listed({"user": "a b"})] == [sandbox.sandbox_id]
    assert ann.listed({"user": "a"}) == []
    assert ann(sandbox.kill()) is True
    assert ann(sandbox.kill()) is False
    gone(cluster, sandbox)


def test_made_from_a_template_with_variables(ann: Client, cluster: Cluster) -> None:
    sandbox = ann.create("plain", envs={"FOO": "bar baz"}, metadata={"label:tier": "gold"})
    assert run(cluster, sandbox, 'echo "$FOO"').strip() == "bar baz"
    assert "tier=gold" in cluster.kubectl("get", "pod", name(sandbox), "--show-labels")
    with pytest.raises(e2b.SandboxException):
        ann.create("no-such")


def test_pause_and_connect_keep_id_and_files(ann: Client, cluster: Cluster) -> None:
    sandbox = ann.create("demo", timeout=300)
    run(cluster, sandbox, "echo kept >/kept; rm /bin/vi")
    paused = ann.pause(sandbox)
    assert paused is True or not PAUSE_TELLS
    assert ann.state(sandbox.sandbox_id) == "paused"
    assert cluster.kubectl("get", "sandboxes.agents.kruise.io", name(sandbox), "-o", "jsonpath={.status.phase}") == "Paused"
    assert "NotFound" in cluster.kubectl("get", "pod", name(sandbox), check=False)
    assert left(ann, sandbox) > timedelta(days=365)
    ann.pause(sandbox)
    assert sandbox.sandbox_id in [found.sandbox_id for found in ann.listed(states=["paused"])]

    connected = ann.connect(sandbox.sandbox_id, timeout=600)
    assert connected.sandbox_id == sandbox.sandbox_id
    assert ann.state(sandbox.sandbox_id) == "running"
    assert about(600)(left(ann, sandbox))
    assert run(cluster, sandbox, "cat /kept; ls /bin/vi 2>/dev/null || echo gone").split() == ["kept", "gone"]
    # Running, it is only given more.
    ann.connect(sandbox.sandbox_id, timeout=60)
    assert about(600)(left(ann, sandbox))
    ann(sandbox.set_timeout(90))
    assert about(90)(left(ann, sandbox))


def test_paused_when_its_time_is_over(ann: Client, cluster: Cluster) -> None:
    sandbox = ann.create_pausing("demo", timeout=3600, metadata={"e2b.agents.kruise.io/reserve-paused-sandbox-duration": "2m"})
    run(cluster, sandbox, "echo kept >/kept")
    ann(sandbox.set_timeout(1))
    ann.wait_for(sandbox.sandbox_id, "paused", 90)
    deadline = time.monotonic() + 60
    while cluster.kubectl("get", "sandboxes.agents.kruise.io", name(sandbox), "-o", "jsonpath={.status.phase}") != "Paused":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    now = spec(cluster, sandbox)
    assert now["paused"] is True and "pauseTime" in now
    ann.connect(sandbox.sandbox_id, timeout=600)
    assert about(600)(left(ann, sandbox))
    later = spec(cluster, sandbox)
    assert later["paused"] is False
    pause, end = (datetime.fromisoformat(later[key].replace("Z", "+00:00")) for key in ("pauseTime", "shutdownTime"))
    assert abs((end - pause).total_seconds() - 120) < 2
    assert run(cluster, sandbox, "cat /kept").strip() == "kept"


def test_killed_when_its_time_is_over(ann: Client, cluster: Cluster) -> None:
    other, sandbox = ann.create("plain", timeout=600), ann.create("plain", timeout=600)
    ann(sandbox.set_timeout(1))
    ann.wait_for(sandbox.sandbox_id, None)
    gone(cluster, sandbox)
    with pytest.raises(e2b.NotFoundException):
        ann.connect(sandbox.sandbox_id)
    assert ann.state(other.sandbox_id) == "running"


def test_snapshots(ann: Client, ben: Client, cluster: Cluster) -> None:
    if not HAS_SNAPSHOTS:
        pytest.skip("this version has none")
    sandbox = ann.create("demo", timeout=600)
    run(cluster, sandbox, "echo captured >/state")
    snapshot = ann(sandbox.create_snapshot(headers={"x-e2b-kruise-snapshot-ttl": "30h"}))
    checkpoint = json.loads(cluster.kubectl("get", "cp", snapshot.snapshot_id, "--output=json"))
    assert checkpoint["status"]["phase"] == "Succeeded"
    assert checkpoint["status"]["checkpointId"] == snapshot.snapshot_id == checkpoint["metadata"]["name"]
    run(cluster, sandbox, "echo later >/state")
    clone = ann.create(snapshot.snapshot_id, timeout=300)
    assert clone.sandbox_id != sandbox.sandbox_id
    assert run(cluster, clone, "cat /state").strip() == "captured"
    assert run(cluster, sandbox, "cat /state").strip() == "later"

    assert [found.snapshot_id for found in ann.all_of(ann.Sandbox.list_snapshots(**ann.options))] == [snapshot.snapshot_id]
    assert ben.all_of(ben.Sandbox.list_snapshots(**ben.options)) == []
    assert ben(ben.Sandbox.delete_snapshot(snapshot.snapshot_id, **ben.options)) is False
    with pytest.raises(e2b.SandboxException):
        ben.create(snapshot.snapshot_id)
    assert ann(ann.Sandbox.delete_snapshot(snapshot.snapshot_id, **ann.options)) is True
    assert ann(ann.Sandbox.delete_snapshot(snapshot.snapshot_id, **ann.options)) is False
    with pytest.raises(e2b.AuthenticationException):
        ann(ann.Sandbox.delete_snapshot("demo", **ann.options))
    assert run(cluster, clone, "cat /state").strip() == "captured"


def listed_snapshots(client: Client) -> list[str]:
    return [found.snapshot_id for found in client.all_of(client.Sandbox.list_snapshots(**client.options))]


@pytest.mark.skipif(VERSION < (2, 45), reason="this version cannot fork")
def test_forks(ann: Client, cluster: Cluster) -> None:
    """The snapshot in between is nobody's: no list ever shows it. The source keeps its identity and its time."""
    sandbox = ann.create("demo", timeout=900, metadata={"kept": "yes"})
    run(cluster, sandbox, "echo forked >/state")
    end = ann.info(sandbox.sandbox_id).end_at
    done = threading.Event()

    def watch() -> list[str]:
        seen, client = [], Client(False, ann.address, ALICE)
        while not done.is_set():
            seen += listed_snapshots(client)
        return seen

    with ThreadPoolExecutor(1) as pool:
        watched = pool.submit(watch)
        try:
            forks = ann(sandbox.fork(count=3, timeout=120))
        finally:
            done.set()
        assert watched.result() == []
    forks = [getattr(fork, "sandbox", fork) for fork in forks]
    assert len({fork.sandbox_id for fork in forks} | {sandbox.sandbox_id}) == 4
    for fork in forks:
        assert run(cluster, fork, "cat /state").strip() == "forked"
        info = ann.info(fork.sandbox_id)
        assert (info.template_id, info.state.value) == ("demo", "running")
        assert {"kept": "yes"}.items() <= info.metadata.items()
        assert about(120)(left(ann, fork))
    assert ann.info(sandbox.sandbox_id).end_at == end
    ann.pause(sandbox)
    with pytest.raises(e2b.SandboxException, match="409"):
        ann(sandbox.fork())


def test_pages_states_and_metadata(ann: Client, ben: Client, cluster: Cluster) -> None:
    words = {"user": "a b", "odd": "%25+&=ü/?#"}
    made = [ann.create("plain", metadata={**words, "number": str(number)}).sandbox_id for number in range(3)]
    other = ann.create("plain", metadata={"user": "a"}).sandbox_id

    def ids(*arguments: Any, **named: Any) -> list[str]:
        return [sandbox.sandbox_id for sandbox in ann.listed(*arguments, **named)]

    assert ids(words) == made
    assert ids(words, limit=1) == made
    assert ids({"number": "1", "user": "a b"}) == made[1:2]
    assert ids({"user": "a"}) == [other]
    assert ids({"user": "a+b"}) == []
    assert ids() == made + [other]
    assert ids(limit=3) == made + [other]
    ann.pause(ann.connect(made[0]))
    assert ids(states=["paused"]) == made[:1]
    assert ids(words, states=["running"]) == made[1:]
    assert ids(states=["running", "paused"], limit=2) == made + [other]
    assert {**words, "number": "0"}.items() <= ann.listed(words)[0].metadata.items()
    assert ben.listed() == []


def test_metrics_are_unknown(ann: Client) -> None:
    """Nothing that a server may ask a cluster tells them."""
    sandbox = ann.create("plain")
    assert ann(sandbox.get_metrics()) == []


@pytest.mark.skipif(VERSION < (2, 24) or (2, 45) <= VERSION < (2, 63), reason="this version cannot ask for it, or asks as the next one")
def test_traffic_wakes_it(ann: Client, cluster: Cluster) -> None:
    sandbox = ann.create_pausing("plain", timeout=600, auto_resume=True)
    run(cluster, sandbox, "echo ok >/health; echo kept >/kept")
    assert ann(sandbox.is_running()) is True
    ann.pause(sandbox)
    assert ann.state(sandbox.sandbox_id) == "paused"
    # It is the agent's port that is asked; what listens there starts anew with the sandbox.
    deadline = time.monotonic() + 60
    while not ann(sandbox.is_running(request_timeout=60)):
        assert time.monotonic() < deadline
    assert ann.state(sandbox.sandbox_id) == "running"
    assert about(600)(left(ann, sandbox))
    assert run(cluster, sandbox, "cat /kept").strip() == "kept"
    # One that is not to be woken stays as it is.
    sleeping = ann.create_pausing("plain", timeout=600)
    run(cluster, sleeping, "echo ok >/health")
    ann.pause(sleeping)
    assert ann(sleeping.is_running()) is False
    assert ann.state(sleeping.sandbox_id) == "paused"


def test_what_is_anothers_does_not_exist(ann: Client, ben: Client) -> None:
    sandbox = ann.create("plain", timeout=600)
    assert ben.kill(sandbox.sandbox_id) is False
    assert ben.listed() == []
    for ask in (
        lambda: ben.info(sandbox.sandbox_id),
        lambda: ben.connect(sandbox.sandbox_id),
        lambda: ben(ben.Sandbox.set_timeout(sandbox.sandbox_id, 60, **ben.options)),
    ):
        with pytest.raises(e2b.NotFoundException):
            ask()
    assert ann.state(sandbox.sandbox_id) == "running"


def test_traffic_reaches_it(ann: Client) -> None:
    """The port of E2B's agent, by the headers that the SDK sends."""
    sandbox = ann.create("demo", timeout=600)
    ann(sandbox.kill())
    assert ann(sandbox.is_running()) is False


def test_sent_again(ann: Client) -> None:
    if VERSION < (2, 51):
        pytest.skip("this version cannot")
    key = f"key-{random.getrandbits(64):x}"
    first = ann.create("demo", timeout=600, headers={"Idempotency-Key": key})
    assert ann.create("demo", timeout=600, headers={"Idempotency-Key": key}).sandbox_id == first.sandbox_id


@pytest.mark.skipif(VERSION < (2, 63), reason="the server is the same for all versions")
def test_sent_to_two_servers_at_once(ann: Client, server: ClusterServer, cluster: Cluster) -> None:
    """Of one key there is one sandbox, whichever server hears of it first."""
    clients = [ann, Client(False, cluster.server(tables=_E2B).address, ALICE)]
    for template in ("demo", "plain"):
        key = f"key-{random.getrandbits(64):x}"
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(lambda at: clients[at % 2].create(template, timeout=600, idempotency_key=key), range(4)))
        assert len({sandbox.sandbox_id for sandbox in made}) == 1
        with pytest.raises(e2b.SandboxException, match="409"):
            clients[1].create(template, timeout=601, idempotency_key=key)
    assert len(ann.listed()) == 2


@pytest.mark.skipif(VERSION < (2, 63), reason="the server is the same for all versions")
def test_the_same_way_at_once(ann: Client, cluster: Cluster) -> None:
    """Three pauses pause, three connects bring it back, at two servers."""
    other = Client(False, cluster.server(tables=_E2B).address, ALICE)
    sandbox = ann.create("plain", timeout=600)
    clients = [ann, other, ann]
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(lambda client: _try(lambda: client.Sandbox.pause(sandbox.sandbox_id, **client.options)), clients))
    assert "done" in ends and "gone" not in ends
    assert _agreed([ann, other], sandbox.sandbox_id).state.value == "paused"
    with ThreadPoolExecutor(3) as pool:
        ends = list(pool.map(lambda client: _try(lambda: client.connect(sandbox.sandbox_id, timeout=600)), clients))
    assert ends == ["done"] * 3
    assert _agreed([ann, other], sandbox.sandbox_id).state.value == "running"


def _try(ask: Callable[[], Any]) -> str:
    """How a request ended: well, with a conflict, or with nobody there."""
    try:
        answer = ask()
    except e2b.NotFoundException:
        return "gone"
    except e2b.SandboxException as error:
        assert "409" in str(error), error
        return "conflict"
    return "conflict" if answer is False else "done"


@pytest.mark.skipif(VERSION < (2, 63), reason="the server is the same for all versions")
def test_both_ways_at_once(ann: Client, server: ClusterServer) -> None:
    """Of two pauses and two connects at once those win that go where it is not."""
    sandbox = ann.create("plain", timeout=600)
    for round_ in range(4):
        before = ann.state(sandbox.sandbox_id)
        asks = [lambda: ann.pause(sandbox), lambda: ann.connect(sandbox.sandbox_id, timeout=600)] * 2
        with ThreadPoolExecutor(4) as pool:
            ends = list(pool.map(_try, asks))
        assert ann.state(sandbox.sandbox_id) == ("running" if before == "paused" else "paused"), (round_, ends)
        assert "gone" not in ends


@pytest.mark.skipif(VERSION < (2, 63), reason="the server is the same for all versions")
def test_random_interleavings(server: ClusterServer, cluster: Cluster) -> None:
    """Two clients of two servers that pause, connect to, extend and kill one sandbox at once, over and over."""
    servers = [server, cluster.server(tables=_E2B)]
    clients = [Client(False, one.address, ALICE) for one in servers]
    with ThreadPoolExecutor(4) as lanes:
        rounds = list(lanes.map(lambda lane: _play(lane, 26, clients, cluster), range(4)))
    assert sum(rounds) == 104


def _play(lane: int, rounds: int, clients: list[Client], cluster: Cluster) -> int:
    random_ = random.Random(20_260_831 + lane)
    sandbox, was_paused = None, False
    for round_ in range(rounds):
        if sandbox is None:
            sandbox, was_paused = clients[0].create_pausing("plain", timeout=5000), False
        sandbox_id = sandbox.sandbox_id
        plans = [[_request(random_) for _ in range(2)] for _ in clients]
        with ThreadPoolExecutor(2) as pool:
            ends = list(pool.map(lambda plan: _carry_out(plan[0], sandbox_id, plan[1]), zip(clients, plans)))
        story = f"lane {lane}, round {round_}: {list(zip(plans, ends))}"
        said = [(request, end) for plan, results in zip(plans, ends) for request, end in zip(plan, results)]
        killed = any(request[0] == "kill" and end[0] == "done" for request, end in said)
        if killed:
            gone(cluster, sandbox)
            sandbox = None
            continue
        assert all(end[0] != "gone" for _, end in said), story
        info = _agreed(clients, sandbox_id)
        now = datetime.now(timezone.utc)
        if info.state.value == "paused":
            assert was_paused or any(request[0] == "pause" and end[0] == "done" for request, end in said), story
            assert info.end_at > now + timedelta(days=365), story
        else:
            # Its end is what somebody asked for, or what it was before; never what a pause has written.
            assert now + timedelta(seconds=20) < info.end_at < now + timedelta(seconds=9100), story
            extended = [end[1] + request[1] for request, end in said if request[0] == "connect" and end[0] == "done"]
            if not any(request[0] in ("timeout", "pause") for request, _ in said):
                assert all(info.end_at.timestamp() >= asked - 2 for asked in extended), story
        was_paused = info.state.value == "paused"
    if sandbox is not None:
        assert clients[0].kill(sandbox.sandbox_id) is True
    return rounds


def _agreed(clients: list[Client], sandbox_id: str) -> Any:
    """What both servers tell of a sandbox: one of them may hear a moment later of what the other one has done."""
    deadline = time.monotonic() + 10
    while True:
        infos = [client.info(sandbox_id) for client in clients]
        if infos[0].state == infos[1].state and infos[0].end_at == infos[1].end_at:
            return infos[0]
        assert time.monotonic() < deadline, infos
        time.sleep(0.05)


def _request(random_: random.Random) -> tuple[str, int, float]:
    what = random_.choices(("pause", "connect", "timeout", "kill"), (4, 4, 3, 0.4))[0]
    return what, random_.randint(1000, 9000), random_.random() * 0.3


def _carry_out(client: Client, sandbox_id: str, plan: list[tuple[str, int, float]]) -> list[tuple[str, float]]:
    """How each request ended, and when it was sent."""
    ends = []
    for what, seconds, delay in plan:
        time.sleep(delay)
        sent = time.time()
        ask = {
            "pause": lambda: client.Sandbox.pause(sandbox_id, **client.options),
            "connect": lambda: client.connect(sandbox_id, timeout=seconds),
            "timeout": lambda: client.Sandbox.set_timeout(sandbox_id, seconds, **client.options),
            "kill": lambda: client.kill(sandbox_id),
        }[what]
        ends.append((_try(ask), sent))
    return ends
