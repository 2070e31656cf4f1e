"""The image that a pause leaves, read by tools that are not ours."""

import json
import subprocess
from pathlib import Path

from conftest import expect_equal, shell_of
from sdk import Sdk
from test_lifecycle import CHANGES
from testbed import Testbed, fingerprint_of_folder, fingerprint_of_sandbox
from wire import Wire


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def paused_part(sdk: Sdk, wire: Wire, sandbox_id: str) -> dict:
    sdk(sdk.manager.pause_sandbox(sandbox_id))
    sdk.wait_for(sandbox_id, "Paused")
    return wire.get(f"/v1/sandboxes/{sandbox_id}").json["artifact"]["parts"][0]


def test_skopeo_and_umoci_read_the_sandbox(sdk: Sdk, wire: Wire, testbed: Testbed, tmp_path: Path) -> None:
    sandbox = sdk.create(testbed.image)
    shell = shell_of(sdk, sandbox)
    shell.run(CHANGES)
    before = fingerprint_of_sandbox(shell)
    part = paused_part(sdk, wire, sandbox.id)

    name = f"docker://{part['reference'].rpartition(':')[0]}@{part['digest']}"
    inspected = json.loads(run("skopeo", "--insecure-policy", "inspect", "--tls-verify=false", name))
    assert inspected["Digest"] == part["digest"]
    by_tag = json.loads(run("skopeo", "--insecure-policy", "inspect", "--tls-verify=false", f"docker://{part['reference']}"))
    assert by_tag["Digest"] == part["digest"], "the tag names the same image"

    base = json.loads(run("skopeo", "--insecure-policy", "inspect", "--tls-verify=false", f"docker://{testbed.image}"))
    assert inspected["Layers"][: len(base["Layers"])] == base["Layers"], "the base's layers are the same blobs"
    assert inspected["Env"] == base["Env"]
    assert (inspected["Os"], inspected["Architecture"]) == (base["Os"], base["Architecture"])

    run("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false", name, f"oci:{tmp_path}/layout:image")
    run("umoci", "unpack", "--image", f"{tmp_path}/layout:image", tmp_path / "bundle")
    expect_equal(before, fingerprint_of_folder(tmp_path / "bundle" / "rootfs", before.mounts))
