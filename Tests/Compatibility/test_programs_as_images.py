"""The commands of docs/images.md, on programs that are as small as can be: what is in images of the real ones is tested in Swift."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from cluster.page import Page, replaced
from pages import ROOT
from testbed import Testbed

# Stands in for the compiler, which would take twenty minutes: what it would build is there.
SWIFT = r"""#!/bin/bash
case "$*" in
*--show-bin-path*) echo "$BUILT" ;;
*dump-package*) echo '{"products": [{"name": "stasis-committer"}]}' ;;
*) ;;
esac
"""


def test_the_page(program: Path, testbed: Testbed, tmp_path: Path) -> None:
    page = Page("images.md")
    clone, built, tools = tmp_path / "clone", tmp_path / "built", tmp_path / "tools"
    for folder in (clone, built, tools):
        folder.mkdir()
    for name in ("scripts", "Makefile"):
        (clone / name).symlink_to(ROOT / name)
    (built / "stasis-images").symlink_to(program.parent / "stasis-images")
    (tools / "stasis-images").symlink_to(program.parent / "stasis-images")
    shutil.copy("/bin/true", built / "stasis-committer")
    (tools / "swift").write_text(SWIFT)
    (tools / "swift").chmod(0o755)
    (clone / ".build" / "release").mkdir(parents=True)
    shutil.copy("/bin/true", clone / ".build" / "release" / "my-controller")

    registry = testbed.registry.address
    commands = replaced("\n".join(page.everything("sh")), {"/srv/images": tmp_path / "images", "registry.example": registry})
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", 'make() { command make --old-file=setup "$@"; }\n' + commands], cwd=clone, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False,
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "BUILT": str(built), "BUILD_DIR": str(tmp_path), "SOURCE_DATE_EPOCH": "0"},
    )
    assert done.returncode == 0, done.stdout
    assert digest(f"oci:{tmp_path}/images:stasis-committer-0.3.0") in done.stdout
    assert digest(f"docker://{registry}/team/stasis-committer:0.3.0") in done.stdout
    mine = json.loads(skopeo("--config", f"docker://{registry}/team/my-controller:1"))
    assert mine["config"]["Labels"]["org.opencontainers.image.version"] == "1"
    assert mine["config"]["Entrypoint"] == ["/usr/local/bin/my-controller"]
    assert not page.rest


def skopeo(*arguments: str) -> str:
    return subprocess.run(["skopeo", "inspect", "--tls-verify=false", *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout


def digest(image: str) -> str:
    return skopeo("--format={{.Digest}}", image).strip()
