"""The commands of docs/getting-started.md, in the order of the page and in one shell.

The daemons are the tests' own, so three things are not done as they stand there: the build, the start of containerd, and that of the
server, whose configuration is checked instead."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster.page import Page, replaced
from testbed import Testbed

ROOT = Path(__file__).resolve().parents[2]

STAND_INS = r"""
make() { [ "$*" = "setup build" ] || { echo "the page makes something else: $*" >&2; return 2; }; }
containerd() { :; }
stasis-server() {
    if [ "$*" = "--config stasis.toml" ]; then command stasis-server --config stasis.toml --check-config; else command stasis-server "$@"; fi
}
"""


@pytest.fixture
def machine(program: Path) -> Iterator[Testbed]:
    """A machine whose snapshots go to a folder, as they do without more configuration."""
    with Testbed(program, "stasis-getting-started", layout_store=True) as testbed:
        yield testbed


def test_the_page(machine: Testbed, program: Path, tmp_path: Path) -> None:
    page = Page("getting-started.md")
    commands = replaced("\n".join(page.everything("sh")), {
        "http://127.0.0.1:8080": f"http://{machine.server.address}",
        "OPEN-SANDBOX-API-KEY: change-me": f"OPEN-SANDBOX-API-KEY: {machine.server.key}",
        "/tmp/": f"{tmp_path}/",
        "$HOME/.cache/stasis/build/debug": str(program.parent),
    })
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    done = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{STAND_INS}\n{commands}"], cwd=tmp_path, text=True, timeout=300,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | {"HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-5000:]
    # Once from the unpacked image, and once from the resumed sandbox, which does not have the file that was removed.
    assert done.stdout.count("remember me\n") == 2, done.stdout[-5000:]
    assert "/bin/vi: No such file" in done.stdout, done.stdout[-5000:]
    assert machine.everything_left() == []
