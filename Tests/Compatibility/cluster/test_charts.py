"""The charts on the testbed's Kubernetes: every command of docs/install.md and docs/upgrade.md in one shell, with sandboxes that go on.

It begins in a cluster in which OpenSandbox's programs are at work, with its definitions, and ends in one in which nobody is.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from charts.rendering import documents
from cluster import upstream_objects as upstream
from cluster.page import Page, PageShell
from cluster.test_quick_start import MAKE
from testbed import Cluster

ROOT = Path(__file__).resolve().parents[3]
OURS = ("opensandbox", "stasis-system")
KINDS = "batchsandboxes,sandboxsnapshots,pools"

# As in the quick start; the programs are the same in both versions.
MAKE_ONCE = MAKE + r"""
eval "$(declare -f make | sed '1s/make/make_first/')"
make() {
    [[ ${FIRST-} ]] || { make_first "$@" && FIRST=$(version); return; }
    for program in stasis-controller stasis-server stasis-committer; do
        skopeo --insecure-policy copy --quiet --src-tls-verify=false --dest-tls-verify=false \
            "docker://$REGISTRY/$program:$FIRST" "docker://$REGISTRY/$program:$(version)"
    done
}
"""

# A clone has every version; here there are two folders.
GIT = r"""
git() {
    [[ $1 = checkout ]] || { echo "the page does something else: $*" >&2; return 2; }
    mv deploy deploy-old && mv "deploy-${!#}" deploy
}
"""


@pytest.fixture
def administrator(cluster: Cluster) -> upstream.Cluster:
    command = [cluster.environment["STASIS_TESTBED_KUBECTL"], "--kubeconfig", cluster.environment["KUBECONFIG"]]
    return upstream.Cluster(command, "opensandbox")


def clean(kubectl: upstream.Cluster) -> None:
    """Takes everything away that the page leaves when it fails."""
    for kind in KINDS.split(","):
        for name in kubectl("get", kind, "--output=name", check=False).split():
            kubectl("patch", name, "--type=merge", '--patch={"metadata":{"finalizers":null}}', check=False)
    kubectl("delete", KINDS, "--all", "--wait=false", check=False)
    for kind in ("clusterroles", "clusterrolebindings"):
        names = [name for name in kubectl("get", kind, "--output=name").split() if re.search("/stasis-(controller|server)", name)]
        if names:
            kubectl("delete", *names)
    kubectl("delete", "namespace", *OURS, "opensandbox-system", "--ignore-not-found", "--timeout=120s")


@pytest.fixture
def folder(cluster: Cluster, administrator: upstream.Cluster, tmp_path: Path) -> Iterator[Path]:
    """Where the pages are followed: two versions of what the pages need of a clone, and upstream's chart, as far as it matters here."""
    clean(administrator)
    definitions = [item for path in sorted((ROOT / "deploy" / "crds").glob("*s.yaml")) for item in documents(path.read_text())]
    for version in ("one", "two"):
        charts = tmp_path / f"deploy-{version}"
        shutil.copytree(ROOT / "deploy", charts, symlinks=True, ignore=shutil.ignore_patterns("quick-start*"))
        for path in (charts / "helm").glob("*/Chart.yaml"):
            if not path.parent.is_symlink():
                # No node has these images from another run.
                path.write_text(re.sub(r"^appVersion: .*$", f"appVersion: {version}-{os.getpid()}", path.read_text(), flags=re.MULTILINE))
    for item in definitions:
        if item["kind"] == "CustomResourceDefinition":
            # The version before this one had them as upstream has.
            path = tmp_path / "deploy-one" / "crds" / f"{item['spec']['names']['plural']}.yaml"
            path.write_text(json.dumps(upstream.older(item)))
    (tmp_path / "deploy-one").rename(tmp_path / "deploy")
    chart = tmp_path / "upstream"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: opensandbox\nversion: 0.2.0\n")
    for item in definitions:
        if item["kind"] == "CustomResourceDefinition":
            item = upstream.older(item)
            item["metadata"]["annotations"] = {"helm.sh/resource-policy": "keep"}
            (chart / "templates" / f"{item['spec']['names']['plural']}.yaml").write_text(json.dumps(item))
    manager = {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "opensandbox-controller-manager", "namespace": "opensandbox-system"},
    }
    (chart / "templates" / "manager.yaml").write_text(json.dumps(manager))
    yield tmp_path
    clean(administrator)
    administrator("apply", "--kustomize", str(ROOT / "deploy" / "crds"))


def definition_has(kubectl: upstream.Cluster, kind: str, field: str) -> bool:
    return field in json.dumps(kubectl.get("crd", f"{kind}.sandbox.opensandbox.io"))


def note_of(kubectl: upstream.Cluster, pod: str) -> str:
    return kubectl("exec", pod, "--", "cat", "/note").strip()


def wait_for(kubectl: upstream.Cluster, sandbox: str, phase: str) -> upstream.Object:
    def found() -> upstream.Object | None:
        item = kubectl.get("batchsandbox", sandbox)
        return item if item and (item.get("status") or {}).get("phase") == phase else None

    return kubectl.until(found, f"{sandbox} is {phase}")


def pause(kubectl: upstream.Cluster, sandbox: str, wish: bool | None) -> None:
    kubectl("patch", "batchsandbox", sandbox, "--type=merge", f"--patch={json.dumps({'spec': {'pause': wish}})}")


def uids(kubectl: upstream.Cluster, *names: str) -> dict[str, str]:
    """The pods that there are of some names, and which containers are theirs."""
    pods = {}
    for item in kubectl.list("pods"):
        if item["metadata"]["name"] in names:
            containers = [status["containerID"] for status in item["status"].get("containerStatuses", ())]
            pods[item["metadata"]["name"]] = f"{item['metadata']['uid']} {containers}"
    return pods


def finalizers(kubectl: upstream.Cluster) -> list[str]:
    return [name for item in kubectl.list(KINDS) for name in item["metadata"].get("finalizers", ())]


def test_the_pages(cluster: Cluster, administrator: upstream.Cluster, folder: Path) -> None:
    environment, kubectl = cluster.environment, administrator
    install, upgrade = Page("install.md"), Page("upgrade.md")
    login, registry = environment["STASIS_TESTBED_LOGIN"], environment["STASIS_TESTBED_LOGIN_REGISTRY"]
    values = {
        "REGISTRY": f"{cluster.registry}/stasis", "SNAPSHOTS": f"{registry}/charts", "LOGIN": login, "PLAIN_HTTP": cluster.registry,
        "INSECURE": "true", "EXECD": cluster.execd_image, "IMAGE": cluster.image,
        "CONTAINERD_SOCKET": environment["STASIS_TESTBED_CONTAINERD"],
        "CONTAINERD_ROOT": f"{environment['STASIS_TESTBED']}/cluster/containerd/root",
    }
    tools = [
        str(ROOT / "Tests" / "Compatibility" / "charts" / "bin"), str(Path(environment["STASIS_TESTBED_KUBECTL"]).parent),
        str(cluster.programs), str(Path(sys.executable).parent),
    ]
    paths = {"PATH": ":".join([*tools, os.environ["PATH"]]), "KUBECONFIG": environment["KUBECONFIG"]}
    with PageShell(folder, paths) as shell:
        # OpenSandbox's controller has run, paused and pooled sandboxes.
        shell.run(MAKE_ONCE, GIT, "helm install opensandbox ./upstream --namespace opensandbox-system --create-namespace --take-ownership")
        kubectl("wait", "--for=condition=Established", "crd/batchsandboxes.sandbox.opensandbox.io", "--timeout=30s")
        assert not definition_has(kubectl, "batchsandboxes", "failedPodUIDs")
        shell.run(*install.take("Your cluster", values), *install.take("Images"), *install.take("Values"))
        prepare, adopt, installation = install.take("Install")
        shell.run(prepare)
        kubectl.until(lambda: kubectl.get("serviceaccount", "default"), "the namespace's account")
        committed = f"{registry}/charts/theirs-sandbox:snap-gen2"
        upstream.committed_image(cluster.folder / "layout", "sandbox", committed, login, "paused by upstream")
        upstream.running(kubectl, "going", cluster.image)
        upstream.paused(kubectl, "theirs", cluster.image, committed)
        upstream.paused(kubectl, "lost", cluster.image, f"{registry}/charts/lost-sandbox:snap-gen2")
        upstream.pool(kubectl, "warm", cluster.image, "pooled")
        before = ("going-0", "warm-taken", "warm-free")
        for pod in before:
            kubectl("wait", "--for=condition=Ready", f"pod/{pod}", "--timeout=60s")
        theirs = uids(kubectl, *before)
        assert len(theirs) == 3

        # Ours comes in its place.
        shell.run(*upgrade.take("From OpenSandbox's controller and server"), adopt)
        # As if the controller had ended before it had made the pod.
        upstream.paused(kubectl, "returning", cluster.image, committed, pause=False, phase="Resuming")
        said = shell.run(installation)
        assert "STATUS: deployed" in said and "rollout status deployment/stasis-controller" in said
        kubectl.until(lambda: "stasis.dev/record" in kubectl.get("batchsandbox", "going")["metadata"]["annotations"], "a record")
        taken = kubectl.until(lambda: (item := kubectl.get("batchsandbox", "theirs")) and "stasis.dev/record" in item["metadata"]["annotations"] and item, "a record")
        inspected = subprocess.run(
            ["skopeo", "inspect", "--tls-verify=false", "--authfile", login, "--format={{.Digest}}", f"docker://{committed}"],
            check=True, text=True, stdout=subprocess.PIPE,
        )
        assert inspected.stdout.strip() in taken["metadata"]["annotations"]["stasis.dev/record"]
        assert taken["status"]["phase"] == "Paused" and not uids(kubectl, "theirs-0")
        wait_for(kubectl, "returning", "Succeed")
        assert note_of(kubectl, "returning-0") == "paused by upstream"
        # One whose image is gone is no new one.
        kubectl.until(lambda: "NotTakenOver" in json.dumps(kubectl.get("batchsandbox", "lost")["status"]), "what is wrong is told")
        assert kubectl.get("batchsandbox", "lost")["status"]["phase"] == "Paused" and not uids(kubectl, "lost-0")
        pause(kubectl, "theirs", False)
        wait_for(kubectl, "theirs", "Succeed")
        assert note_of(kubectl, "theirs-0") == "paused by upstream"
        kubectl.until(lambda: not kubectl.get("sandboxsnapshot", "theirs-pause"), "the snapshot goes")

        # It pauses and resumes by itself; what it leaves is what upstream needs to go on.
        assert "\nremember me\n" in shell.run(*install.take("Try it"))
        pause(kubectl, "first", True)
        expect_readable_by_upstream(kubectl, wait_for(kubectl, "first", "Paused"), registry)
        assert uids(kubectl, *before) == theirs

        # The next version, with sandboxes that run and are paused.
        assert not definition_has(kubectl, "batchsandboxes", "failedPodUIDs")
        resumed = uids(kubectl, "theirs-0")
        shell.run("NEW_VERSION=two", *upgrade.take("From one version to the next"))
        assert definition_has(kubectl, "batchsandboxes", "failedPodUIDs")
        for name in ("stasis-controller", "stasis-server"):
            text = kubectl("get", "deployment", name, "--namespace=stasis-system", "--output=json")
            deployment = json.loads(text)
            assert deployment["spec"]["template"]["spec"]["containers"][0]["image"].endswith(f":two-{os.getpid()}")
        pause(kubectl, "first", False)
        wait_for(kubectl, "first", "Succeed")
        assert note_of(kubectl, "first-0") == "remember me"
        assert uids(kubectl, *before, "theirs-0") == theirs | resumed

        # It goes, in the middle of a pause.
        pause(kubectl, "first", True)
        wait_for(kubectl, "first", "Paused")
        pause(kubectl, "going", True)
        wait_for(kubectl, "going", "Pausing")
        uninstall, program, by_hand, everything = upgrade.take("Uninstalling")
        shell.run(uninstall)
        assert not finalizers(kubectl)
        kubectl.until(lambda: not kubectl("get", "pods,jobs", "--namespace=stasis-system", "--output=name"), "the end of all programs")
        # Nothing is lost: it goes on when there is a controller again.
        assert kubectl.get("batchsandbox", "first")["status"]["phase"] == "Paused"
        shell.run(installation)
        pause(kubectl, "first", False)
        wait_for(kubectl, "first", "Succeed")
        assert note_of(kubectl, "first-0") == "remember me"
        wait_for(kubectl, "going", "Paused")
        pause(kubectl, "theirs", True)
        wait_for(kubectl, "theirs", "Paused")
        pause(kubectl, "pooled", True)
        wait_for(kubectl, "pooled", "Pausing")
        shell.run("helm uninstall stasis --namespace stasis-system --no-hooks")
        assert "objects had finalizers" in shell.run(program)
        assert not finalizers(kubectl)
        shell.run(*upgrade.take("And back"), by_hand)
        assert "stasis.dev/record" not in kubectl.get("batchsandbox", "theirs")["metadata"]["annotations"]
        shell.run(everything)
        assert not kubectl("get", "namespaces", "--output=name", *OURS, "--ignore-not-found")
    assert not install.rest + upgrade.rest, "commands that nobody runs"


def expect_readable_by_upstream(kubectl: upstream.Cluster, sandbox: upstream.Object, registry: str) -> None:
    """What upstream's controller reads of a paused sandbox, and what it asks before it does anything."""
    metadata, status = sandbox["metadata"], sandbox["status"]
    # It takes a generation that it has not seen for a new wish.
    assert status["pauseObservedGeneration"] == metadata["generation"] and sandbox["spec"]["pause"] is True
    assert {condition["type"]: condition["reason"] for condition in status["conditions"]} == {"Paused": "Paused"}
    assert not metadata.get("finalizers"), "nobody would take it out"
    assert json.loads(metadata["annotations"].get(f"{upstream.GROUP}/endpoints", "[]")) == []
    snapshot = kubectl.get("sandboxsnapshot", f"{metadata['name']}-pause")
    assert snapshot and snapshot["status"]["phase"] == "Succeed" and snapshot["spec"]["sandboxName"] == metadata["name"]
    (reference,) = snapshot["metadata"]["ownerReferences"]
    assert reference["uid"] == metadata["uid"] and reference["controller"] and reference["kind"] == "BatchSandbox"
    (container,) = snapshot["status"]["containers"]
    assert container["containerName"] == "sandbox"
    assert re.fullmatch(rf"{registry}/charts/{metadata['name']}-sandbox:snap-gen\d+", container["imageUri"])
    # Its own schema takes all of it: that is what was installed when this was written.
    assert not definition_has(kubectl, "sandboxsnapshots", "virtualMachine")
