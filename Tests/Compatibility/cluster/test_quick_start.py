"""Every command of docs/quick-start.md, in the order of the page and in one shell, on the testbed's Kubernetes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.page import Page
from testbed import Cluster
from testbed.daemon import free_port

ROOT = Path(__file__).resolve().parents[3]

# `make images` builds with optimization, which takes longer than anybody wants to wait. What it does with its words is done with the
# programs that were built already.
MAKE = r"""
make() {
    [ "$1" = images ] || { echo "the page makes something else: $*" >&2; return 2; }
    shift
    local word host options=()
    for word; do local "$word"; done
    for host in $PLAIN_HTTP; do options+=(--plain-http "$host"); done
    for program in stasis-controller stasis-server stasis-committer; do
        strip -o "$program" "$STASIS_BIN_DIR/$program"
        "$STASIS_BIN_DIR/stasis-images" build "$program" "$REGISTRY/$program:$TAG" "${options[@]}"
    done
}
"""


@pytest.fixture
def folder(cluster: Cluster, tmp_path: Path) -> Iterator[Path]:
    """Where the page is followed: a clone, as far as the page needs one. Afterwards nothing of it is in the cluster."""
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy", ignore=shutil.ignore_patterns("quick-start*"))
    # Where a test before this one has deleted them, until they are gone.
    cluster.kubectl("wait", "--for=delete", "namespace/opensandbox", "namespace/stasis-system", "--timeout=60s", check=False)
    try:
        yield tmp_path
    finally:
        names = ("namespace/opensandbox", "namespace/stasis-system")
        for kind in ("batchsandboxes", "sandboxsnapshots"):
            cluster.kubectl("delete", kind, "--all", "--namespace=opensandbox", "--timeout=60s", check=False)
        cluster.kubectl("delete", *names, "--ignore-not-found", "--wait=false")


def test_the_page(cluster: Cluster, folder: Path) -> None:
    environment = cluster.environment
    login = environment["STASIS_TESTBED_LOGIN_REGISTRY"]
    page = Page("quick-start.md")
    commands = page.everything(
        "sh",
        {
            "REGISTRY": f"{cluster.registry}/stasis", "SNAPSHOTS": f"{login}/quick-start", "LOGIN": environment["STASIS_TESTBED_LOGIN"],
            "PLAIN_HTTP": cluster.registry, "INSECURE": "true", "TAG": "quick-start", "EXECD": cluster.execd_image, "IMAGE": cluster.image,
            "CONTAINERD_SOCKET": environment["STASIS_TESTBED_CONTAINERD"],
            "CONTAINERD_ROOT": f"{environment['STASIS_TESTBED']}/cluster/containerd/root", "PORT": free_port(),
        },
    )
    script = "\n".join(["set -euo pipefail; trap 'kill $(jobs -p) 2>/dev/null || true' EXIT", MAKE, *commands])
    # kubectl is that of the cluster's version, pip and python3 those of the environment that has the SDK.
    tools = [str(Path(environment["STASIS_TESTBED_KUBECTL"]).parent), str(Path(sys.executable).parent)]
    path = ":".join([*tools, os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=400,
        env=os.environ | {"PATH": path, "KUBECONFIG": environment["KUBECONFIG"]},
    )
    assert done.returncode == 0, done.stdout[-5000:]
    # What was written before the pause was read after it, by each client.
    assert '"text":"remember me\\u000a"' in done.stdout, done.stdout[-5000:]
    assert "\nremember me, too\n" in done.stdout, done.stdout[-5000:]
    assert '"state": "Running"' in done.stdout and '"digest": "sha256:' in done.stdout
    assert not page.rest, "commands that nobody runs"
