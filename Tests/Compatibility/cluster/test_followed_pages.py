"""Pages about a cluster, each followed from its top by a reader of its own: everybody at once, with one controller that was installed as
docs/controller.md says, and with each dialect's rights and nothing more.

See scripts/check-commands for which page is followed where.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from cluster.installation import Installation, Reader
from cluster.page import Page, replaced
from pages import ROOT
from testbed import Cluster

Followed = Callable[[str], None]

_PYTHON = '"python:3.12-slim"'


def snapshots(reader: Reader, controller: Page) -> None:
    page, handbook = Page("snapshots.md"), Page("handbook.md")
    [life] = controller.take("A first sandbox")
    said = reader.shell.run(replaced(life, {_PYTHON: reader.cluster.image}))
    assert "sandboxsnapshot.sandbox.opensandbox.io/my-sandbox-pause" in said and said.rstrip().endswith("remember me")
    assert not controller.rest

    said = reader.shell.run(*page.take("Snapshots"))
    assert "condition met" in said and "SnapshotReady" in said
    snapshot = reader.get("sandboxsnapshot", "before-the-upgrade")
    assert snapshot and snapshot["status"]["phase"] == "Succeed"
    assert snapshot["status"]["containers"][0]["imageDigest"].startswith("sha256:")
    assert reader.status("batchsandbox", "my-sandbox", "phase") == "Succeed"
    assert not page.rest

    [looks] = handbook.take("First looks")
    said = reader.shell.run(replaced(looks, {"NAME": "my-sandbox"}))
    assert "before-the-upgrade" in said and "Name:         my-sandbox" in said
    assert '"level":"info"' in said.replace(" ", ""), said[-2000:]
    assert not handbook.rest


def doctor(reader: Reader, overlay: Path) -> None:
    page = Page("doctor.md")
    inside, outside = page.everything("sh")
    shutil.copy(overlay / "controller.yaml", reader.folder)
    for command in (inside, outside):
        assert "no problems" in reader.shell.run(command)
    assert not page.rest


def pools(reader: Reader) -> None:
    page = Page("pools.md")
    [definition] = page.take("Pools", language="yaml")
    reader.apply(definition, {'"python:3.12"': reader.cluster.image})
    wait_for_phase(reader, "mine", "Succeed")
    sandbox = reader.get("batchsandbox", "mine")
    assert sandbox
    [taken] = json.loads(sandbox["metadata"]["annotations"]["sandbox.opensandbox.io/alloc-status"])["pods"]
    reader.until(lambda: reader.status("pool", "python", "available"), "there is a spare one")

    said = reader.shell.run(*page.take("Taking pods out"), 'echo "chosen: $POD"')
    chosen = said.split("chosen: ")[1].split()[0]
    if chosen == taken:
        # It stays until it is given back.
        assert reader.get("pod", chosen)
        reader("delete", "batchsandbox", "mine")
    reader.until(lambda: not (pod := reader.get("pod", chosen)) or pod["metadata"].get("deletionTimestamp"), "the pod is taken out")

    [profile] = page.take("Which pool a sandbox gets", language="yaml")
    reader.apply(profile)
    choosy = upstream_sandbox("choosy", reader.cluster.image)
    choosy["metadata"]["labels"] = {"tier": "gold"}
    choosy["spec"]["poolRef"] = "*"

    def refused() -> bool:
        # The profile is known a moment later: what was chosen without it is given back.
        reader("delete", "batchsandbox", "choosy", "--ignore-not-found")
        reader.create(choosy)
        reader.until(lambda: assigned(reader) or told(reader, "FailedPoolAssign"), "a choice")
        return not assigned(reader)

    reader.until(refused, "the profile says which pools fit")
    assert any("labelselector" in message for message in told(reader, "FailedPoolAssign"))
    reader("label", "pool", "python", "tier=gold")
    reader.until(lambda: assigned(reader), "the pool that is like it is chosen")
    wait_for_phase(reader, "choosy", "Succeed")

    [restart] = page.take("Restarting the pods that come back", language="json")
    reader("annotate", "pool", "python", f"sandbox.opensandbox.io/restart-config={restart.strip()}")
    reader("patch", "pool", "python", "--type=merge", '--patch={"spec":{"recycleStrategy":{"type":"Restart"}}}')
    sandbox = reader.get("batchsandbox", "choosy")
    assert sandbox
    [taken] = json.loads(sandbox["metadata"]["annotations"]["sandbox.opensandbox.io/alloc-status"])["pods"]
    reader("delete", "batchsandbox", "choosy", "--wait=false")

    def record() -> dict[str, object] | None:
        pod = reader.get("pod", taken)
        text = pod and pod["metadata"].get("annotations", {}).get("sandbox.opensandbox.io/restart-record")
        return json.loads(text) if text else None
    reader.until(record, "the pod is restarted")
    assert not page.rest


def told(reader: Reader, reason: str) -> list[str]:
    """What Events of a reason say."""
    return [item["message"] for item in reader.list("events") if item["reason"] == reason]


def assigned(reader: Reader) -> bool:
    sandbox = reader.get("batchsandbox", "choosy")
    return bool(sandbox and sandbox["spec"].get("poolRef") == "python")


def tasks(reader: Reader) -> None:
    page = Page("tasks.md")
    executor = reader.cluster.push_program("stasis-task-executor")
    [manifest] = page.take("A sandbox with a task", language="yaml")
    reader.apply(manifest, {"registry.example/team/stasis-task-executor:0.3.0": executor, "debian:12": reader.cluster.image})
    reader.until(lambda: reader.status("batchsandbox", "box", "taskRunning") == 2, "both tasks run", 90)
    said = reader.shell.run(*page.take("A sandbox with a task"))
    assert "TASK_RUNNING" in said and "I am the first" in said
    assert not page.rest


def kruise(reader: Reader, page: Page) -> None:
    values: dict[str, object] = {_PYTHON: reader.cluster.image}
    [life] = page.take("Sandbox")
    said = reader.shell.run(replaced(life, values))
    assert "Paused" in said and said.rstrip().endswith("remember me")
    [snapshot] = page.take("Agents", language="yaml")
    reader.apply(snapshot)
    reader.until(lambda: reader.condition("sandboxsnapshot", "before-upgrade", "Ready"), "the snapshot is there")
    assert not page.rest

    page = Page("kruise-checkpoints.md")
    said = reader.shell.run(*page.take("Checkpoints"))
    assert "condition met" in said and "CheckpointSucceeded" in said
    [claim] = page.take("Checkpoints", language="yaml")
    # With more patience than a loaded machine may need.
    reader.apply(claim, {"templateName: before-the-upgrade": "templateName: before-the-upgrade, claimTimeout: 5m"})
    reader.until(lambda: reader.status("sandboxclaim.agents.kruise.io", "as-it-was", "phase") == "Completed", "the clone is there")
    [clone] = [item["metadata"]["name"] for item in reader.list("sandboxes.agents.kruise.io") if item["metadata"]["name"] != "my-sandbox"]
    assert reader.cat(clone, "/note") == "remember me"
    assert not page.rest

    page = Page("kruise-sets.md")
    [both] = page.take("Warm sandboxes and claims of the Kruise dialect", language="yaml")
    values = {"registry.example/demo:1": reader.cluster.image + "\n          command: [tail, -f, /dev/null]"}
    reader.apply(both, values | {"templateName: demo": "templateName: demo\n  claimTimeout: 5m"})
    reader.until(lambda: reader.status("sandboxclaim.agents.kruise.io", "demo-sandbox-claim", "phase") == "Completed", "one is claimed")
    assert reader.status("sandboxclaim.agents.kruise.io", "demo-sandbox-claim", "claimedReplicas") == 1
    reader.until(lambda: reader.status("sandboxset.agents.kruise.io", "demo", "availableReplicas") == 2, "the set is full again")
    assert not page.rest


def agents(reader: Reader, page: Page, elsewhere: Reader) -> None:
    kind = "sandboxes.agents.x-k8s.io"

    def state(of: Reader, name: str) -> str | None:
        return (of.get(kind, name) or {"metadata": {}})["metadata"].get("annotations", {}).get("stasis.dev/state")

    container = {"name": "main", "image": reader.cluster.image, "command": ["tail", "-f", "/dev/null"]}
    template = {"spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}
    metadata = {"name": "my-sandbox"}
    reader.create({"apiVersion": "agents.x-k8s.io/v1beta1", "kind": "Sandbox", "metadata": metadata, "spec": {"podTemplate": template}})
    reader.until(lambda: reader.get("pod", "my-sandbox"), "its pod is made")
    reader("wait", "--for=condition=Ready", "pod/my-sandbox", "--timeout=60s")
    reader("exec", "my-sandbox", "--", "sh", "-c", "echo kept >/note")

    suspend, resume, by_mode = page.take("Suspending with a snapshot")
    for back in (resume, by_mode):
        reader.shell.run(suspend)
        reader.until(lambda: not reader.get("pod", "my-sandbox"), "its pod is gone")
        reader.shell.run(back)
        reader.until(lambda: state(reader, "my-sandbox") == "Running", "it is back")
        assert reader.cat("my-sandbox", "/note") == "kept"

    [snapshot] = page.take("Snapshots of one that runs", language="yaml")
    reader.apply(snapshot)
    reader.until(lambda: reader.condition("sandboxsnapshot", "before-upgrade", "Ready"), "the snapshot is there")
    [second] = page.take("Starting a new one", language="yaml")
    reader.apply(second)
    reader.until(lambda: state(reader, "second") == "Running", "a new one is started")
    assert reader.cat("second", "/note") == "kept"

    give, digest = page.take("Starting a new one")
    elsewhere.apply(second, {"from: before-upgrade": f"from: {reader.namespace}/before-upgrade"})
    elsewhere.until(lambda: "SnapshotNotGiven" in json.dumps(elsewhere.get(kind, "second")), "it waits")
    reader.shell.run(replaced(give, {"team-a": reader.namespace, "team-b": elsewhere.namespace}))
    elsewhere.until(lambda: state(elsewhere, "second") == "Running", "it is started there, too")
    assert elsewhere.cat("second", "/note") == "kept"
    assert re.search(r"\S+/\S+@sha256:[0-9a-f]{64}", reader.shell.run(digest))
    assert not page.rest


def committer(reader: Reader) -> None:
    page, cluster = Page("committer.md"), reader.cluster
    image = f"{cluster.registry}/{reader.namespace}/box-main:1"
    reader("run", "box-0", f"--image={cluster.image}", "--restart=Never", "--grace-period=1", "--command", "--", "tail", "-f", "/dev/null")
    reader("wait", "--for=condition=Ready", "pod/box-0", "--timeout=60s")
    reader("exec", "box-0", "--", "sh", "-c", "echo kept >/note")
    values = {
        "POD": "box-0", "NAMESPACE": reader.namespace, "CONTAINER": "box-0", "IMAGE": image,
        "CONTAINERD_SOCKET": cluster.environment["STASIS_TESTBED_CONTAINERD"],
        "STASIS_REGISTRY_CONFIG": cluster.environment["STASIS_TESTBED_LOGIN"],
    }
    commit, result = page.take("A commit that keeps the pod running")
    said = reader.shell.run(*page.take("The committer", values), commit, result)
    digest = re.search(r"SNAPSHOT_DIGEST_\w+=(sha256:\w+)", said)
    assert digest and f'"{digest[1]}"' in said.split(digest[0], 1)[1]
    inspected = subprocess.run(
        ["skopeo", "inspect", "--tls-verify=false", "--format={{.Digest}}", f"docker://{image}"], check=True, text=True, stdout=subprocess.PIPE
    )
    assert inspected.stdout.strip() == digest[1]
    assert reader.cat("box-0", "/note") == "kept"

    # Held, with a holder that listens. What the page says is in the container's environment is set here.
    [ask] = page.take("What is asked of the holder")
    [form] = page.take("What is asked of the holder", language="json")
    reader.shell.run(
        "SNAPSHOT_UID=4f0c; export STASIS_HOLD_SOCKET=$PWD/hold.sock STASIS_SNAPSHOT_UID=$SNAPSHOT_UID",
        'stasis-committer hold --listen "$STASIS_HOLD_SOCKET" >hold.log 2>&1 & HOLDER=$!',
        f"export STASIS_FREEZE_UNTIL=$(date --utc --date='5 minutes' +%FT%TZ); {commit}",
    )
    assert '"held":true' in (reader.folder / "result.json").read_text().replace(" ", "")
    assert answer(reader, ask)["state"] == "held"
    assert answer(reader, ask).keys() == json.loads(form).keys()
    assert answer(reader, ask.replace("status", "seal"))["state"] == "sealed"
    assert answer(reader, ask.replace("status", "thaw"))["state"] == "sealed"
    reader("delete", "pod", "box-0", "--wait=false")
    assert answer(reader, ask.replace("status", "kill"))["state"] == "killed"
    reader.shell.run("wait $HOLDER")
    assert not page.rest


def answer(reader: Reader, command: str) -> dict[str, object]:
    line = next(line for line in reader.shell.run(command).splitlines() if line.startswith("{"))
    found: dict[str, object] = json.loads(line)
    return found


def upstream_sandbox(name: str, image: str) -> dict[str, dict[str, object]]:
    container = {"name": "main", "image": image, "command": ["tail", "-f", "/dev/null"]}
    template = {"spec": {"terminationGracePeriodSeconds": 1, "containers": [container]}}
    return {
        "apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": "BatchSandbox", "metadata": {"name": name},
        "spec": {"replicas": 1, "template": template},
    }


def wait_for_phase(reader: Reader, name: str, phase: str) -> None:
    reader.until(lambda: reader.status("batchsandbox", name, "phase") == phase, f"{name} is {phase}", 90)


@pytest.fixture(scope="module")
def followed(cluster: Cluster, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """The readers of the pages that were chosen have begun; calling it waits for one of them."""
    folder = tmp_path_factory.mktemp("pages")
    with Installation(cluster, folder, ["snapshots", "pools", "tasks", "kruise", "agents", "agents-elsewhere", "committer", "doctor"]) as installation:
        items = [item for item in request.session.items if item.nodeid.startswith(request.node.nodeid)]
        chosen = {item.callspec.params["name"] for item in items if isinstance(item, pytest.Function) and hasattr(item, "callspec")}
        begun: dict[str, Future[None]] = {}

        def begin(works: dict[str, Callable[[Reader], None]]) -> None:
            begun.update({name: installation.follow(name, work) for name, work in works.items() if name in chosen})

        # It needs no controller.
        begin({"committer": committer})
        controller, of_kruise, of_agents = Page("controller.md"), Page("kruise.md"), Page("agent-sandbox.md")
        definitions = of_kruise.take("OpenKruise Agents' kinds") + of_agents.take("agent-sandbox's Sandboxes")
        said = installation.install(*definitions, *controller.take("Installing it"))
        assert "successfully rolled out" in said
        begin(
            {
                "pools": pools, "tasks": tasks,
                "doctor": lambda reader: doctor(reader, folder / "deploy" / "overlays" / "mine"),
                "snapshots": lambda reader: snapshots(reader, controller),
                "kruise": lambda reader: kruise(reader, of_kruise),
                "agents": lambda reader: agents(reader, of_agents, installation.readers["agents-elsewhere"]),
            }
        )

        def join(name: str) -> None:
            try:
                begun[name].result()
            except BaseException as error:
                log = ("logs", "--namespace=stasis-system", "--selector=app.kubernetes.io/name=stasis-controller", "--tail=20")
                error.add_note(installation.readers["snapshots"](*log, check=False))
                raise

        yield join


@pytest.mark.parametrize("name", ["snapshots", "pools", "tasks", "kruise", "agents", "committer", "doctor"])
def test_the_page(followed: Followed, name: str) -> None:
    followed(name)


@pytest.fixture
def testbed_namespace(cluster: Cluster) -> Iterator[None]:
    def delete() -> None:
        cluster.kubectl("delete", "pod", "hello", "--namespace=default", "--ignore-not-found", "--grace-period=0", "--force", check=False)

    delete()
    yield
    delete()


def test_the_page_of_the_testbed(cluster: Cluster, testbed_namespace: None) -> None:
    page = Page("testbed.md")
    # As it stands there it would be kept for its user, whoever has started it.
    make = 'make() { [ "$*" = testbed ] || { echo "the page makes something else: $*" >&2; return 2; }; }'
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([make, *page.take("Using it")])], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=120, check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "\nhello\n" in done.stdout and "The testbed is up" in done.stdout
    assert not page.rest
