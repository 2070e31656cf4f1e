"""A sandbox's life through the official SDK: created, paused, resumed, killed."""

from datetime import datetime, timedelta, timezone

import pytest
from opensandbox.exceptions import SandboxApiException

from conftest import expect_equal, shell_of
from sdk import RESPONDER, Sdk
from testbed import Testbed, fingerprint_of_sandbox

# Some of everything that a root filesystem can hold, and a few changes to what the image brought.
CHANGES = r"""
set -e
mkdir -p /data/deep/er "/data/with space"
dd if=/dev/urandom of=/data/random bs=1M count=8 2>/dev/null
truncate -s 16M /data/sparse
printf 'first\n' >/data/deep/er/file
ln /data/random /data/deep/random
ln -s ../nowhere "/data/with space/link"
touch "/data/with space/$(printf 'not utf-8 \377')" "/data/with space/ünïcode"
mkfifo -m 600 /data/pipe
chown 123456:4000000 /data/deep/er/file
chmod 6751 /data/deep/er/file
touch -d '1999-12-31 23:59:59' /data/deep
rm /bin/vi
rm -r /usr/bin && mkdir -m 700 /usr/bin && echo new >/usr/bin/other
"""


def test_create(sdk: Sdk, testbed: Testbed) -> None:
    before = datetime.now(timezone.utc)
    sandbox = sdk.create(
        testbed.image,
        timeout=timedelta(minutes=5),
        env={"GREETING": "hello", "SPACED": "a  b"},
        metadata={"team": "blue", "purpose": "test"},
    )
    info = sdk(sandbox.get_info())
    assert info.id == sandbox.id
    assert info.status.state == "Running"
    assert info.image.image == testbed.image
    assert info.entrypoint == RESPONDER
    assert info.metadata == {"team": "blue", "purpose": "test"}
    assert before - timedelta(seconds=2) < info.created_at < datetime.now(timezone.utc) + timedelta(seconds=2)
    assert timedelta(minutes=4) < info.expires_at - info.created_at < timedelta(minutes=6)
    assert sdk(sandbox.is_healthy())

    shell = shell_of(sdk, sandbox)
    assert shell.run('echo "$GREETING|$SPACED"').strip() == "hello|a  b"
    assert shell.run("hostname -i; ls /data 2>&1 || true")


def test_create_without_a_timeout_never_expires(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, timeout=None)
    assert sdk(sandbox.get_info()).expires_at is None


def test_pause_and_resume_keep_the_id_and_every_file(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    shell = shell_of(sdk, sandbox)
    shell.run(CHANGES)
    before = fingerprint_of_sandbox(shell)
    assert len(before.entries) > 200 and before.size > 8_000_000
    traces = testbed.traces(sandbox.id, shell.endpoint)
    assert traces.containers and traces.processes and traces.namespaces and traces.mounts, traces
    assert len(traces.left()) >= len(traces.containers) + len(traces.processes), "traces of a running sandbox go unseen"

    sdk(sandbox.pause())
    info = sdk.wait_for(sandbox.id, "Paused")
    assert info.id == sandbox.id
    assert traces.left() == []
    assert testbed.everything_left() == []

    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    assert resumed.id == sandbox.id
    assert sdk(resumed.get_info()).status.state == "Running"
    expect_equal(before, fingerprint_of_sandbox(shell_of(sdk, resumed)))

    sdk(resumed.kill())
    with pytest.raises(SandboxApiException) as caught:
        sdk(sdk.manager.get_sandbox_info(sandbox.id))
    assert caught.value.status_code == 404


def test_changes_of_several_cycles_add_up(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, env={"KEPT": "yes"})
    for cycle in range(3):
        shell = shell_of(sdk, sandbox)
        expected = "".join(f"{earlier}\n" for earlier in range(cycle))
        assert shell.run("cat /cycles 2>/dev/null || true").strip("\n") == expected.strip("\n")
        assert shell.run("ls /only-in-the-first 2>/dev/null || true").strip() == ("/only-in-the-first" if cycle == 1 else "")
        assert shell.run("echo $KEPT").strip() == "yes"
        shell.run(f"echo {cycle} >>/cycles; rm -f /only-in-the-first; [ {cycle} -gt 0 ] || touch /only-in-the-first")
        before = fingerprint_of_sandbox(shell)
        sdk(sandbox.pause())
        sdk.wait_for(sandbox.id, "Paused")
        sandbox = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
        expect_equal(before, fingerprint_of_sandbox(shell_of(sdk, sandbox)))


def test_what_was_written_last_is_in_the_image(sdk: Sdk, testbed: Testbed) -> None:
    """No grace between the last write and the pause: a page that is only in memory counts too."""
    sandbox = sdk.create(testbed.image)
    shell_of(sdk, sandbox).run("dd if=/dev/urandom of=/last bs=1M count=32 2>/dev/null; sha256sum /last >/sum")
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    assert "OK" in shell_of(sdk, resumed).run("sha256sum -c /sum")


def test_connect(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    shell_of(sdk, sandbox).run("echo here >/here")
    connected = sdk(sdk.Sandbox.connect(sandbox.id, connection_config=sdk.config))
    assert connected.id == sandbox.id
    assert shell_of(sdk, connected).run("cat /here").strip() == "here"


def test_manager_pauses_and_resumes_by_id(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    sdk(sdk.manager.pause_sandbox(sandbox.id))
    sdk.wait_for(sandbox.id, "Paused")
    sdk(sdk.manager.resume_sandbox(sandbox.id))
    sdk.wait_for(sandbox.id, "Running")
    sdk(sdk.manager.kill_sandbox(sandbox.id))


def test_a_paused_sandbox_has_no_address(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    with pytest.raises(SandboxApiException) as caught:
        sdk(sandbox.get_endpoint(8080))
    assert (caught.value.status_code, caught.value.error.code) == (404, "KUBERNETES::POD_IP_NOT_AVAILABLE")


def test_a_paused_sandbox_can_be_killed(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    sdk(sandbox.kill())
    with pytest.raises(SandboxApiException):
        sdk(sdk.manager.get_sandbox_info(sandbox.id))


def test_kill_in_the_middle_of_a_pause(sdk: Sdk, testbed: Testbed) -> None:
    """It leaves nothing; the fixture looks."""
    sandbox = sdk.create(testbed.image)
    shell_of(sdk, sandbox).run("dd if=/dev/urandom of=/large bs=1M count=64 2>/dev/null")
    sdk(sandbox.pause())
    sdk(sandbox.kill())
