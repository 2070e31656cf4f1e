"""Snapshots through the official SDK: taken of a running sandbox, listed, started from, deleted."""

import json
import subprocess
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import SnapshotFilter

from conftest import expect_equal, shell_of
from sdk import RESPONDER, Sdk
from test_lifecycle import CHANGES
from testbed import Testbed, fingerprint_of_sandbox
from wire import Wire

UNKNOWN = str(uuid.UUID(int=7))


@pytest.fixture(autouse=True)
def no_snapshots_left(wire: Wire) -> Iterator[None]:
    """Each test begins and ends without snapshots."""
    yield
    for snapshot in snapshots(wire):
        wait_for(wire, snapshot["id"], "Ready", "Failed")
        assert wire.send("DELETE", f"/v1/snapshots/{snapshot['id']}").status == 204


def snapshots(wire: Wire) -> list[dict[str, Any]]:
    return wire.get("/v1/snapshots?pageSize=200").json["items"]


def wait_for(wire: Wire, snapshot_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        snapshot = wire.get(f"/v1/snapshots/{snapshot_id}").json
        if snapshot["status"]["state"] in states:
            return snapshot
        assert time.monotonic() < deadline, f"still {snapshot['status']} and not {states} after {seconds:.0f} s"
        time.sleep(0.05)


def is_stored(part: dict[str, Any]) -> bool:
    """Whether the store has the image by its digest."""
    name = f"docker://{part['reference'].rpartition(':')[0]}@{part['digest']}"
    command = ["skopeo", "--insecure-policy", "inspect", "--raw", "--tls-verify=false", name]
    return subprocess.run(command, capture_output=True, timeout=60).returncode == 0


def expect_gone_from_store(part: dict[str, Any]) -> None:
    deadline = time.monotonic() + 30
    while is_stored(part):
        assert time.monotonic() < deadline, f"still stored: {part}"
        time.sleep(0.2)


def taken(sdk: Sdk, wire: Wire, sandbox: Any) -> dict[str, Any]:
    """A snapshot of a sandbox, once it is ready."""
    return wait_for(wire, sdk(sandbox.create_snapshot()).id, "Ready")


def from_snapshot(sdk: Sdk, snapshot_id: str, **arguments: Any) -> Any:
    arguments = {"entrypoint": RESPONDER, "resource": {"cpu": "1", "memory": "256Mi"}} | arguments
    return sdk(sdk.Sandbox.create(snapshot_id=snapshot_id, connection_config=sdk.config, **arguments))


def code_of(caught: pytest.ExceptionInfo[SandboxApiException]) -> tuple[int, str]:
    return caught.value.status_code, caught.value.error.code


def test_create_and_start_two_from_it(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, env={"ONLY": "the first"})
    shell = shell_of(sdk, sandbox)
    shell.run(CHANGES)
    before = fingerprint_of_sandbox(shell)

    created = sdk(sandbox.create_snapshot("base"))
    assert (created.sandbox_id, created.name, created.status.state) == (sandbox.id, "base", "Creating")
    part = wait_for(wire, created.id, "Ready", "Failed")["artifact"]["parts"][0]
    found = sdk(sdk.manager.get_snapshot(created.id))
    assert (found.status.state, found.created_at) == ("Ready", created.created_at)
    assert part["digest"].startswith("sha256:") and part["size"] > 8_000_000
    assert is_stored(part)

    # The sandbox runs on, and what it does now is its own.
    assert sdk(sandbox.get_info()).status.state == "Running"
    shell.run("echo later >/later")
    forks = [from_snapshot(sdk, created.id, env={"NUMBER": str(number)}) for number in range(2)]
    for number, fork in enumerate(forks):
        info = sdk(fork.get_info())
        assert fork.id != sandbox.id and info.snapshot_id == created.id and info.image is None
        of_fork = shell_of(sdk, fork)
        expect_equal(before, fingerprint_of_sandbox(of_fork))
        assert of_fork.run('echo "$NUMBER|$ONLY"').strip() == f"{number}|"
        of_fork.run(f"echo {number} >/number")
    assert shell.run("cat /later; ls /number 2>/dev/null || true").split() == ["later"]


def test_it_outlives_its_sandbox_and_the_server(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    shell_of(sdk, sandbox).run("echo kept >/kept")
    created = sdk(sdk.manager.create_snapshot(sandbox.id))
    assert created.name is None
    wait_for(wire, created.id, "Ready")
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    sdk(sandbox.kill())
    testbed.server.restart()
    assert sdk(sdk.manager.get_snapshot(created.id)).status.state == "Ready"
    fork = from_snapshot(sdk, created.id)
    assert shell_of(sdk, fork).run("cat /kept").strip() == "kept"


def test_one_started_from_a_snapshot_lives_on_without_it(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    shell_of(sdk, sandbox).run("echo kept >/kept")
    created = sdk(sandbox.create_snapshot())
    part = wait_for(wire, created.id, "Ready")["artifact"]["parts"][0]
    sdk(sandbox.kill())
    fork = from_snapshot(sdk, created.id)
    sdk(sdk.manager.delete_snapshot(created.id))
    with pytest.raises(SandboxApiException) as caught:
        sdk(sdk.manager.get_snapshot(created.id))
    assert code_of(caught) == (404, "SNAPSHOT::NOT_FOUND")
    assert snapshots(wire) == []

    # Its image is what the fork is captured upon, so it stays until the fork is gone, also across a restart.
    testbed.server.restart()
    assert is_stored(part)
    shell_of(sdk, fork).run("echo more >/more")
    others = [taken(sdk, wire, fork) for _ in range(2)]
    sdk(fork.pause())
    sdk.wait_for(fork.id, "Paused")
    # Nothing on this machine uses it now. What is cleaned up is cleaned up in rounds; after two of them it is still there.
    for snapshot in others:
        sdk(sdk.manager.delete_snapshot(snapshot["id"]))
        expect_gone_from_store(snapshot["artifact"]["parts"][0])
    assert is_stored(part)
    resumed = sdk(sdk.Sandbox.resume(fork.id, connection_config=sdk.config))
    assert shell_of(sdk, resumed).run("cat /kept /more").split() == ["kept", "more"]
    sdk(resumed.kill())
    expect_gone_from_store(part)


def test_deleted_with_its_image(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    created = sdk(sandbox.create_snapshot())
    part = wait_for(wire, created.id, "Ready")["artifact"]["parts"][0]
    sdk(sdk.manager.delete_snapshot(created.id))
    expect_gone_from_store(part)
    for call in (sdk.manager.get_snapshot, sdk.manager.delete_snapshot):
        with pytest.raises(SandboxApiException) as caught:
            sdk(call(created.id))
        assert code_of(caught) == (404, "SNAPSHOT::NOT_FOUND")
    assert sdk(sandbox.is_healthy())


def test_snapshots_and_pauses_stack(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    """A snapshot after a resume, a fork of a fork: each has everything that was written before it."""
    sandbox = sdk.create(testbed.image)
    shell_of(sdk, sandbox).run("echo 1 >/one")
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    sandbox = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    shell_of(sdk, sandbox).run("echo 2 >/two")
    first = sdk(sandbox.create_snapshot())
    wait_for(wire, first.id, "Ready")
    fork = from_snapshot(sdk, first.id)
    shell_of(sdk, fork).run("echo 3 >/three; rm /one")
    second = sdk(fork.create_snapshot())
    wait_for(wire, second.id, "Ready")
    # What the second one is made of is its own now.
    for doomed in (sandbox, fork):
        sdk(doomed.kill())
    sdk(sdk.manager.delete_snapshot(first.id))
    last = from_snapshot(sdk, second.id)
    assert shell_of(sdk, last).run("cat /one /two /three 2>/dev/null || true").split() == ["2", "3"]


def test_filters_and_pages(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandboxes = [sdk.create(testbed.image) for _ in range(2)]
    made = []
    for number in range(3):
        snapshot = sdk(sandboxes[number % 2].create_snapshot(f"number-{number % 2}"))
        wait_for(wire, snapshot.id, "Ready")
        made.insert(0, snapshot.id)

    def listed(**criteria: Any) -> list[str]:
        return [item.id for item in sdk(sdk.manager.list_snapshots(SnapshotFilter(**criteria))).snapshot_infos]

    assert listed() == made
    assert listed(sandbox_id=sandboxes[0].id) == [made[0], made[2]]
    assert listed(name="number-1") == [made[1]]
    assert listed(states=["Ready"]) == made and listed(states=["Failed", "Creating"]) == []
    page = sdk(sdk.manager.list_snapshots(SnapshotFilter(page=2, page_size=2)))
    assert [item.id for item in page.snapshot_infos] == made[2:]
    assert (page.pagination.total_items, page.pagination.total_pages, page.pagination.has_next_page) == (3, 2, False)


def test_only_a_running_sandbox(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    with pytest.raises(SandboxApiException) as caught:
        sdk(sandbox.create_snapshot())
    assert code_of(caught) == (409, "SNAPSHOT::INVALID_SOURCE_STATE")
    with pytest.raises(SandboxApiException) as caught:
        sdk(sdk.manager.create_snapshot(UNKNOWN))
    assert code_of(caught) == (404, "KUBERNETES::SANDBOX_NOT_FOUND")


def test_never_two_captures_at_once(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    shell_of(sdk, sandbox).run("dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null")
    created = sdk(sandbox.create_snapshot())
    for call, code in ((sandbox.pause, "KUBERNETES::INVALID_STATE"), (sandbox.create_snapshot, "SNAPSHOT::INVALID_SOURCE_STATE")):
        with pytest.raises(SandboxApiException) as caught:
            sdk(call())
        assert code_of(caught) == (409, code)
    answer = wire.send("DELETE", f"/v1/snapshots/{created.id}")
    assert answer.error == (409, "SNAPSHOT::INVALID_STATE")
    with pytest.raises(SandboxApiException) as caught:
        from_snapshot(sdk, created.id)
    assert code_of(caught) == (409, "SNAPSHOT::NOT_READY")

    wait_for(wire, created.id, "Ready")
    sdk(sandbox.pause())
    with pytest.raises(SandboxApiException) as caught:
        sdk(sandbox.create_snapshot())
    assert code_of(caught) == (409, "SNAPSHOT::INVALID_SOURCE_STATE")
    sdk.wait_for(sandbox.id, "Paused")


def test_its_sandbox_is_killed_meanwhile(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    shell_of(sdk, sandbox).run("dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null")
    created = sdk(sandbox.create_snapshot())
    sdk(sandbox.kill())
    snapshot = wait_for(wire, created.id, "Ready", "Failed")
    if snapshot["status"]["state"] == "Failed":
        assert snapshot["status"]["reason"] and snapshot["status"]["message"] and "artifact" not in snapshot
    else:
        assert is_stored(snapshot["artifact"]["parts"][0])


def test_the_server_is_killed_meanwhile(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    shell = shell_of(sdk, sandbox)
    shell.run("dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null")
    created = sdk(sandbox.create_snapshot())
    testbed.server.crash()
    snapshot = wait_for(wire, created.id, "Ready", "Failed")
    assert snapshot["status"]["state"] == "Failed"
    assert snapshot["status"]["reason"] == "snapshot_recovery_failed"
    assert shell.run("echo runs on").strip() == "runs on"
    again = sdk(sandbox.create_snapshot())
    wait_for(wire, again.id, "Ready")


@pytest.mark.parametrize("body", [{"name": ""}, {"name": 7}, []])
def test_names_that_are_none(wire: Wire, testbed: Testbed, body: Any) -> None:
    assert wire.send("POST", f"/v1/sandboxes/{UNKNOWN}/snapshots", body).status == 422


def test_on_the_wire(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    answer = wire.send("POST", f"/sandboxes/{sandbox.id}/snapshots")
    assert answer.status == 202
    assert answer.headers["location"] == [f"/v1/snapshots/{answer.json['id']}"]
    assert answer.json.keys() == {"id", "sandboxId", "status", "createdAt"}
    assert json.dumps(wait_for(wire, answer.json["id"], "Ready")).count("null") == 0
