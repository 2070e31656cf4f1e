"""Without a registry: the image comes from an image-layout folder, and snapshots go to one."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import expect_equal, shell_of
from sdk import RESPONDER, Sdk
from testbed import Testbed, fingerprint_of_sandbox
from wire import Wire


@pytest.fixture(scope="module")
def testbed(program: Path) -> Iterator[Testbed]:
    """A machine whose snapshots go to an image layout."""
    with Testbed(program, "stasis-layout", layout_store=True) as testbed:
        yield testbed


def test_from_layout_to_layout_and_back(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.layout_image)
    shell = shell_of(sdk, sandbox)
    shell.run("echo kept >/kept; rm /bin/vi")
    before = fingerprint_of_sandbox(shell)
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")

    part = wire.get(f"/v1/sandboxes/{sandbox.id}").json["artifact"]["parts"][0]
    assert part["reference"].startswith("oci:")
    inspected = json.loads(subprocess.check_output(["skopeo", "inspect", part["reference"]]))
    assert inspected["Digest"] == part["digest"]

    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    expect_equal(before, fingerprint_of_sandbox(shell_of(sdk, resumed)))


def snapshot_in(wire: Wire, snapshot_id: str, *states: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (found := wire.get(f"/v1/snapshots/{snapshot_id}").json)["status"]["state"] not in states:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def blobs(testbed: Testbed) -> set[str]:
    folder = testbed.folder / "snapshots" / "blobs" / "sha256"
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def test_a_snapshot_that_fails_leaves_nothing(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.layout_image)
    shell_of(sdk, sandbox).run("dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null")
    before = blobs(testbed)
    created = sdk(sandbox.create_snapshot())
    testbed.server.crash()
    assert snapshot_in(wire, created.id, "Ready", "Failed")["status"]["state"] == "Failed"
    sdk(sdk.manager.delete_snapshot(created.id))
    assert "cannot delete" not in testbed.server.end_of_log()
    # The base's blobs may have been placed by then, and the next capture uses them; no manifest names anything new.
    index = testbed.folder / "snapshots" / "index.json"
    assert not index.exists() or created.id not in index.read_text()
    assert before <= blobs(testbed)


def test_a_fork_from_a_layout(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.layout_image)
    shell_of(sdk, sandbox).run("echo kept >/kept")
    created = sdk(sandbox.create_snapshot())
    part = snapshot_in(wire, created.id, "Ready")["artifact"]["parts"][0]
    inspected = json.loads(subprocess.check_output(["skopeo", "inspect", part["reference"]]))
    assert inspected["Digest"] == part["digest"]
    sdk(sandbox.kill())
    resource = {"cpu": "1", "memory": "256Mi"}
    fork = sdk(
        sdk.Sandbox.create(
            snapshot_id=created.id, entrypoint=RESPONDER, resource=resource, connection_config=sdk.config
        )
    )
    sdk(sdk.manager.delete_snapshot(created.id))
    assert shell_of(sdk, fork).run("cat /kept").strip() == "kept"
    digest = part["digest"].removeprefix("sha256:")
    assert digest in blobs(testbed), "the fork still refers to it"
    sdk(fork.kill())
    deadline = time.monotonic() + 30
    while digest in blobs(testbed):
        assert time.monotonic() < deadline, "it was left behind"
        time.sleep(0.1)


def test_a_paused_sandbox_outlives_the_server(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.layout_image)
    shell_of(sdk, sandbox).run("echo kept >/kept")
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    testbed.server.restart()
    sdk.wait_for(sandbox.id, "Paused")
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    assert shell_of(sdk, resumed).run("cat /kept").strip() == "kept"


def test_a_running_sandbox_outlives_the_server(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.layout_image)
    shell = shell_of(sdk, sandbox)
    shell.run("echo kept >/kept")
    traces = testbed.traces(sandbox.id, shell.endpoint)
    testbed.server.restart()
    assert sdk.wait_for(sandbox.id, "Running")
    assert traces.processes == testbed.traces(sandbox.id, shell.endpoint).processes, "it was not started anew"
    assert shell.run("cat /kept").strip() == "kept"
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    assert traces.left() == []
