"""docs/providers.md, tried literally: its package is made of its own blocks, and its provider works on a cluster by its own commands.

`swift test` and `swift run` there would compile all of Stasis a second time. The example is a target of this package, too, so its tests are
among the Swift tests, and its program is there already. `STASIS_GUIDE=<folder>` compiles the page's package by itself, into that folder: many
minutes, if it is empty."""

import json
import os
import re
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cluster.page import ROOT, Page, PageShell
from testbed import Cluster

STAND_IN = r"""
programs=()
trap ends EXIT
ends() { kill "${programs[@]}" 2>/dev/null || :; wait; programs=(); }
swift() {
    case $1 in
    test) [ -d Tests ] ;;
    run)
        local program=$PROGRAMS/$2 name
        [ -x "$program" ] || program=$PROGRAMS/$(sed 's/\B[A-Z]/-&/g' <<<"$2" | tr A-Z a-z)
        shift 2
        # Only in a namespace of the test, and without ports that others want, too.
        "$program" "$@" --watch-namespaces="$NAMESPACE" --metrics-bind-address=0 --health-probe-bind-address=0 >"$LOG" 2>&1 &
        programs+=($!)
        ;;
    *) echo "the page does something else: swift $*" >&2; return 2 ;;
    esac
}
"""


def files_of_the_page() -> dict[str, str]:
    """The files that the page tells to make: each is named at the beginning of the paragraph above its block, or at its end."""
    text = (ROOT / "docs" / "providers.md").read_text().split("## A first one")[1].split("\n## ")[0]
    found = {}
    for paragraph, block in re.findall(r"\n\n([^\n](?:[^\n]|\n(?!\n))*)\n\n```swift\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        (name,) = re.findall(r"`((?:\w+/)*\w+\.swift)`", paragraph)
        found[name] = block
    return found


def test_the_package_is_the_example() -> None:
    files = files_of_the_page()
    example = ROOT / "Examples" / "FirstProvider"
    assert sorted(files) == sorted(str(file.relative_to(example)) for file in example.rglob("*.swift") if ".build" not in file.parts)
    for name, block in files.items():
        assert (example / name).read_text().endswith(block), name


@pytest.mark.skipif("STASIS_GUIDE" not in os.environ, reason="compiles all of Stasis once more: STASIS_GUIDE=<folder>")
def test_the_package_by_itself(tmp_path: Path) -> None:
    for name, block in files_of_the_page().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(block.replace('path: "../.."', f'path: "{ROOT}"'))
    scratch = ["--scratch-path", os.environ["STASIS_GUIDE"]]
    subprocess.run(["swift", "test", "--disable-xctest", *scratch], cwd=tmp_path, check=True)
    command = ["swift", "run", *scratch, "FirstProvider", "--help"]
    done = subprocess.run(command, cwd=tmp_path, check=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert "--image-committer-image" in done.stdout


@pytest.fixture
def namespace(cluster: Cluster) -> Iterator[str]:
    """One in which no other controller works. What is in it is gone afterwards, while there is still one that lets it go."""
    name = f"{cluster.namespace}-guide"
    cluster.kubectl("create", "namespace", name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


class Objects:
    """The objects of a namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    def kubectl(self, *arguments: str, standard_input: str | None = None) -> str:
        return self._cluster.kubectl(f"--namespace={self._namespace}", *arguments, standard_input=standard_input)

    def apply(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        document = {"apiVersion": "sandbox.opensandbox.io/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        self.kubectl("apply", "--filename", "-", standard_input=json.dumps(document))

    def wait(self, kind: str, name: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Waits for what is true of an object's status, and answers that."""
        deadline = time.monotonic() + 90
        while True:
            status = json.loads(self.kubectl("get", f"{kind}.sandbox.opensandbox.io", name, "--output", "json")).get("status", {})
            if is_so(status):
                return status
            assert time.monotonic() < deadline, status
            time.sleep(0.1)

    def delete(self) -> None:
        for kind in ("sandboxsnapshots", "batchsandboxes"):
            self.kubectl("delete", f"{kind}.sandbox.opensandbox.io", "--all", "--timeout=120s")


def test_the_commands(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "boxes" / "box").mkdir(parents=True)
    (tmp_path / "store").mkdir()
    (tmp_path / "boxes" / "box" / "file").write_text("kept")
    first, second = Page("providers.md").take("A first one")
    for said, here in {
        "/srv/boxes": f"{tmp_path}/boxes", "/srv/snapshots": f"{tmp_path}/store", "registry.example.com/busybox:1": cluster.image,
    }.items():
        assert said in first, f"the page does not say {said}"
        first = first.replace(said, here)
    log = tmp_path / "log"
    environment = {
        "KUBECONFIG": cluster.environment["KUBECONFIG"], "NAMESPACE": namespace, "LOG": str(log), "PROGRAMS": str(cluster.programs),
    }
    objects = Objects(cluster, namespace)
    await_account(objects)
    with running(environment, log, first):
        try:
            main = {"name": "main", "image": cluster.image, "command": ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]}
            main["volumeMounts"] = [{"name": "work", "mountPath": "/work"}]
            volume = {"name": "work", "hostPath": {"path": f"{tmp_path}/boxes/box", "type": "Directory"}}
            pod = {"containers": [main], "volumes": [volume], "terminationGracePeriodSeconds": 1}
            objects.apply("BatchSandbox", "box", {"replicas": 1, "template": {"spec": pod}})
            objects.wait("batchsandboxes", "box", lambda status: status.get("phase") == "Succeed")
            objects.apply("SandboxSnapshot", "kept", {"sandboxName": "box"})
            kept = objects.wait("sandboxsnapshots", "kept", lambda status: status.get("phase") == "Succeed")
            assert kept["provider"] == "folder", kept
            (tarball,) = (tmp_path / "store").glob("*.tar")
            with tarfile.open(tarball) as archive:
                content = archive.extractfile("./file")
                assert content and content.read() == b"kept"

            objects.kubectl("patch", "batchsandboxes.sandbox.opensandbox.io", "box", "--type=merge", "--patch", '{"spec":{"pause":true}}')
            refused = objects.wait("batchsandboxes", "box", lambda status: failure(status) is not None)
            assert failure(refused) == "PauseNotSupported" and refused["phase"] == "Succeed", refused
        finally:
            objects.delete()
    # The other example is started by its command as well; the controller's tests pause and resume with it.
    second = second.replace("registry.example.com/busybox:1", cluster.image).replace("/mnt/trees", str(tmp_path / "trees"))
    with running(environment, log, second):
        deadline = time.monotonic() + 60
        while "custom-snapshot-provider" not in log.read_text():
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


@contextmanager
def running(environment: dict[str, str], log: Path, commands: str) -> Iterator[None]:
    """What the page's commands start, until the end. What it has logged is shown if something fails meanwhile."""
    with PageShell(ROOT, environment) as shell:
        shell.run(STAND_IN, commands)
        try:
            yield
        except BaseException:
            print(log.read_text()[-5000:])
            raise
        finally:
            shell.run("ends")


def failure(status: dict[str, Any]) -> str | None:
    """Why a pause has failed, if it has."""
    found = [one["reason"] for one in status.get("conditions", []) if (one["type"], one["status"]) == ("PauseFailed", "True")]
    return found[0] if found else None


def await_account(objects: Objects) -> None:
    """Pods can only be made in a namespace that has its account."""
    deadline = time.monotonic() + 30
    while not json.loads(objects.kubectl("get", "serviceaccounts", "--output", "json"))["items"]:
        assert time.monotonic() < deadline, "the namespace has no account"
        time.sleep(0.1)
