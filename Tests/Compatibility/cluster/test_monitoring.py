"""The alerts and the dashboard of deploy/monitoring, with a real Prometheus: for each alert something goes wrong, it fires, and what
docs/monitoring.md says mends it."""

import contextlib
import json
import math
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.page import Page, replaced
from cluster.prometheus import MONITORING, Prometheus
from testbed import Cluster, ClusterServer
from testbed.daemon import free_port
from testbed.freezing import is_frozen
from wire import Wire

#: It changes so much all the while that a capture holds it frozen for long enough to be met.
BUSY = "while :; do dd if=/dev/urandom of=/bulk bs=1M count=300 2>/dev/null; done"
IDLE = "trap 'exit 0' TERM; while :; do sleep 1; done"


@pytest.fixture(scope="module")
def watched(program: Path) -> Iterator[Cluster]:
    """A controller that looks for images every two seconds and gives up a capture after twenty."""
    flags = ["--artifact-check-interval=2s", "--commit-job-timeout=20s"]
    with Cluster(program.parent, "monitoring", flags) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def watched_server(watched: Cluster) -> tuple[ClusterServer, str]:
    """A server, and the address of its metrics."""
    port = free_port()
    return watched.server(server=f"metrics_port = {port}"), f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def prometheus(
    watched: Cluster, watched_server: tuple[ClusterServer, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    targets = {"stasis-controller": f"127.0.0.1:{watched.metrics}", "stasis-server": watched_server[1]}
    with Prometheus(tmp_path_factory.mktemp("prometheus"), targets) as prometheus:
        yield prometheus


def eventually(condition: Callable[[], Any], what: str, seconds: float = 120) -> Any:
    """What a condition answers as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, f"not after {seconds:.0f} s: {what}"
        time.sleep(0.1)
    return answer


def make(cluster: Cluster, name: str, command: str = IDLE, **spec: Any) -> None:
    """Creates a BatchSandbox and waits until it runs, unless it is of a pool."""
    container = {"name": "main", "image": cluster.image, "command": ["/bin/sh", "-c", command]}
    template = {"spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}
    sandbox = {
        "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "BatchSandbox", "metadata": {"name": name},
        "spec": {"replicas": 1} | (spec or {"template": template}),
    }
    cluster.kubectl("apply", "--filename", "-", standard_input=json.dumps(sandbox))
    if not spec:
        wait_for(cluster, name, "Succeed")


def wait_for(cluster: Cluster, name: str, phase: str) -> None:
    get = ("get", "bsbx", name, "--output=jsonpath={.status.phase}")
    eventually(lambda: cluster.kubectl(*get) == phase, f"{name} is {phase}")


def pause(cluster: Cluster, name: str, wanted: bool = True) -> None:
    for value in (None, wanted):
        patch = json.dumps({"spec": {"pause": value}})
        cluster.kubectl("patch", "bsbx", name, "--type=merge", "--patch", patch)


def pause_for_good(cluster: Cluster, name: str) -> None:
    """Pauses, and asks again where the machine was too busy for it to come about in time."""
    for _ in range(4):
        pause(cluster, name)
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline:
            if cluster.kubectl("get", "bsbx", name, "--output=jsonpath={.status.phase}") == "Paused":
                return
            time.sleep(0.1)
    raise AssertionError(f"{name} is not paused: {cluster.kubectl('describe', 'bsbx', name)}")


def expect_alert(prometheus: Prometheus, name: str) -> None:
    eventually(lambda: name in prometheus.firing(), f"{name} fires")


def expect_silence(prometheus: Prometheus, name: str) -> None:
    eventually(lambda: name not in prometheus.firing(), f"{name} is over")


def test_every_alert_has_its_page() -> None:
    rules = (MONITORING / "rules.yaml").read_text()
    names = re.findall(r"alert: (\w+)", rules)
    assert len(names) == len(set(names)) >= 5
    page = (MONITORING.parents[1] / "docs" / "monitoring.md").read_text()
    for name in names:
        assert f"runbook: docs/monitoring.md#{name.lower()}" in rules
        assert f"### {name}\n" in page, name
    subprocess.run(["promtool", "check", "rules", MONITORING / "rules.yaml"], check=True)


def test_the_scrapes_of_the_page(tmp_path: Path) -> None:
    page = Page("monitoring.md")
    [scrapes] = page.take("Monitoring", language="yaml")
    token = tmp_path / "token"
    token.write_text("a token")
    file = tmp_path / "prometheus.yml"
    file.write_text(replaced(scrapes, {"/var/run/secrets/kubernetes.io/serviceaccount/token": token}))
    subprocess.run(["promtool", "check", "config", file], check=True)


def test_a_pool_that_starves(watched: Cluster, prometheus: Prometheus) -> None:
    container = {"name": "main", "image": watched.image, "command": ["/bin/sh", "-c", IDLE]}
    pool = {
        "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "Pool", "metadata": {"name": "small"},
        "spec": {
            "template": {"spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}},
            "capacitySpec": {"bufferMin": 1, "bufferMax": 1, "poolMin": 1, "poolMax": 1},
        },
    }
    watched.kubectl("apply", "--filename", "-", standard_input=json.dumps(pool))
    for name in ("first", "second"):
        make(watched, name, poolRef="small")
    expect_alert(prometheus, "StasisPoolStarving")
    watched.kubectl("patch", "pool", "small", "--type=merge", "--patch", '{"spec":{"capacitySpec":{"poolMax":3}}}')
    expect_silence(prometheus, "StasisPoolStarving")
    for name in ("first", "second"):
        wait_for(watched, name, "Succeed")
    watched.kubectl("delete", "bsbx", "first", "second", "--wait=true")
    watched.kubectl("delete", "pool", "small", "--wait=true")


def test_snapshots_that_are_missing(watched: Cluster, prometheus: Prometheus, tmp_path: Path) -> None:
    make(watched, "kept")
    pause_for_good(watched, "kept")
    path = "jsonpath={.status.containers[0].imageUri} {.status.containers[0].imageDigest}"
    image, digest = watched.kubectl("get", "sbxsnap", "kept-pause", f"--output={path}").split()
    copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests"]
    subprocess.run([*copy, "--src-tls-verify=false", f"docker://{image}", f"dir:{tmp_path}/copy"], check=True)
    host, _, repository = image.rpartition(":")[0].partition("/")
    gone = urllib.request.Request(f"http://{host}/v2/{repository}/manifests/{digest}", method="DELETE")
    with urllib.request.urlopen(gone) as answer:
        assert answer.status == 202
    expect_alert(prometheus, "StasisSnapshotsMissing")
    why = '.status.conditions[?(@.reason=="ArtifactMissing")].message'
    listed = watched.kubectl("get", "sbxsnap", "--all-namespaces", f"--output=custom-columns=NAME:.metadata.name,MISSING:{why}")
    assert any("kept-pause" in line and digest in line for line in listed.splitlines()), listed
    subprocess.run([*copy, "--dest-tls-verify=false", f"dir:{tmp_path}/copy", f"docker://{image}"], check=True)
    expect_silence(prometheus, "StasisSnapshotsMissing")
    pause(watched, "kept", False)
    wait_for(watched, "kept", "Succeed")


def test_pauses_that_fail(watched: Cluster, prometheus: Prometheus) -> None:
    make(watched, "refused")
    # No pod may be made: not that of the Job either.
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}}
    watched.kubectl("apply", "--filename", "-", standard_input=json.dumps(quota))
    pause(watched, "refused")
    expect_alert(prometheus, "StasisPausesFailing")
    told = watched.kubectl("get", "bsbx", "refused", '--output=jsonpath={.status.conditions[?(@.type=="PauseFailed")].reason}')
    assert told, "the condition says why"
    watched.kubectl("delete", "resourcequota", "full")
    # It is over when most pauses of a quarter of an hour have come about.
    for _ in range(10):
        pause_for_good(watched, "refused")
        pause(watched, "refused", False)
        wait_for(watched, "refused", "Succeed")
    expect_silence(prometheus, "StasisPausesFailing")


def test_a_sandbox_that_stays_frozen(watched: Cluster, prometheus: Prometheus) -> None:
    make(watched, "stuck", BUSY)
    main = process_of(watched, "stuck-0", "dd")
    pause(watched, "stuck")
    eventually(lambda: committers(watched, "stuck"), "it is being captured")
    # The pod that captures is there; none that thaws can be made.
    quota = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}}
    watched.kubectl("apply", "--filename", "-", standard_input=json.dumps(quota))
    eventually(lambda: is_frozen(main), "it is frozen")
    for holder in committers(watched, "stuck"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(holder, signal.SIGKILL)
    expect_alert(prometheus, "StasisSandboxFrozenTooLong")
    assert is_frozen(main)
    watched.kubectl("delete", "resourcequota", "full")
    expect_silence(prometheus, "StasisSandboxFrozenTooLong")
    eventually(lambda: not is_frozen(main), "it is thawed")
    wait_for(watched, "stuck", "Succeed")


def process_of(cluster: Cluster, pod: str, word: str) -> int:
    """A process of a pod, by a word of its command line."""
    return eventually(lambda: next(iter(processes(cluster, pod, word)), None), f"{word} runs in {pod}")


def committers(cluster: Cluster, sandbox: str) -> list[int]:
    """The processes of the pod that captures a sandbox."""
    pods = cluster.kubectl("get", "pods", "--output=name").split()
    return [pid for pod in pods if f"{sandbox}-pause-commit" in pod for pid in processes(cluster, pod.split("/")[1], "stasis-committer")]


def processes(cluster: Cluster, pod: str, word: str) -> list[int]:
    uid = cluster.kubectl("get", "pod", pod, "--output=jsonpath={.metadata.uid}", check=False)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if uid in (folder / "cgroup").read_text() and word in (folder / "cmdline").read_text():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_the_dashboard(
    watched: Cluster, watched_server: tuple[ClusterServer, str], prometheus: Prometheus
) -> None:
    """Every expression of it tells something of what the tests above have done."""
    start = time.time() - 600
    server = watched_server[0]
    wire = Wire(server.address, server.key)
    for _ in range(20):
        assert wire.get("/v1/sandboxes").status == 200
        assert wire.get("/v1/sandboxes/nobody").status == 404
        time.sleep(0.2)
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids)) and len(panels) > 20
    expressions = [target["expr"].replace("$__rate_interval", "1m") for panel in panels for target in panel["targets"]]
    time.sleep(2)
    silent = [
        expression for expression in expressions
        if not any(map(math.isfinite, prometheus.values(expression, start, time.time())))
    ]
    assert not silent
