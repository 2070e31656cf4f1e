"""A sandbox's life through E2B's SDK: created, paused, connected to, killed, and what time does to it."""

from datetime import datetime, timedelta, timezone

import e2b
import pytest

from client import PAUSE_TELLS, Client
from conftest import shell_of
from testbed import Testbed


def test_create(alice: Client, testbed: Testbed) -> None:
    before = datetime.now(timezone.utc)
    sandbox = alice.create(timeout=120, metadata={"user": "a b", "share": "100%+1"}, envs={"FOO": "bar baz"})
    info = alice.info(sandbox.sandbox_id)
    assert info.sandbox_id == sandbox.sandbox_id
    assert info.template_id == "box"
    assert info.state.value == "running"
    assert info.metadata == {"user": "a b", "share": "100%+1"}
    assert before - timedelta(seconds=2) < info.started_at < datetime.now(timezone.utc) + timedelta(seconds=2)
    assert timedelta(seconds=110) < info.end_at - datetime.now(timezone.utc) < timedelta(seconds=121)
    assert (info.cpu_count, info.memory_mb) == (1, 256)
    assert shell_of(testbed, sandbox.sandbox_id).run('echo "$GREETING|$FOO"').strip() == "hello|bar baz"
    assert alice(sandbox.kill()) is True
    assert alice(sandbox.kill()) is False


def test_what_was_not_said(alice: Client) -> None:
    """Neither a template nor a timeout: the server's own."""
    sandbox = alice(alice.Sandbox.create(**alice.options))
    info = alice.info(sandbox.sandbox_id)
    assert info.template_id == "box"
    assert timedelta(seconds=280) < info.end_at - datetime.now(timezone.utc) < timedelta(seconds=301)


def test_pause_and_connect_keep_id_and_files(alice: Client, testbed: Testbed) -> None:
    sandbox = alice.create(timeout=120)
    shell_of(testbed, sandbox.sandbox_id).run("echo kept >/kept; rm /bin/vi")
    paused = alice.pause(sandbox)
    assert paused is True or not PAUSE_TELLS
    # It has happened when it is answered.
    assert alice.state(sandbox.sandbox_id) == "paused"
    assert testbed.everything_left() == []
    assert alice.info(sandbox.sandbox_id).end_at > datetime.now(timezone.utc) + timedelta(days=365)
    alice.pause(sandbox)  # so already, and no mistake

    connected = alice.connect(sandbox.sandbox_id)
    assert connected.sandbox_id == sandbox.sandbox_id
    assert alice.state(sandbox.sandbox_id) == "running"
    shell = shell_of(testbed, sandbox.sandbox_id)
    assert shell.run("cat /kept; ls /bin/vi 2>/dev/null || echo gone; echo $GREETING").split() == ["kept", "gone", "hello"]
    # A resume gives as much time as the server thinks right, however little was asked for.
    alice.pause(connected)
    alice.connect(sandbox.sandbox_id, timeout=10)
    assert alice.info(sandbox.sandbox_id).end_at - datetime.now(timezone.utc) > timedelta(seconds=280)


def test_connect_only_gives_time(alice: Client) -> None:
    sandbox = alice.create(timeout=3600)
    end = alice.info(sandbox.sandbox_id).end_at
    alice.connect(sandbox.sandbox_id, timeout=300)
    assert alice.info(sandbox.sandbox_id).end_at == end
    alice.connect(sandbox.sandbox_id, timeout=7200)
    assert alice.info(sandbox.sandbox_id).end_at - end > timedelta(seconds=3500)


@pytest.mark.once
def test_set_timeout_takes_time_away_as_well(alice: Client) -> None:
    other = alice.create(timeout=600)
    sandbox = alice.create(timeout=3600)
    alice(sandbox.set_timeout(600))
    assert alice.info(sandbox.sandbox_id).end_at - datetime.now(timezone.utc) < timedelta(seconds=601)
    alice(sandbox.set_timeout(1))
    alice.wait_for(sandbox.sandbox_id, None)
    with pytest.raises(e2b.NotFoundException):
        alice.connect(sandbox.sandbox_id)
    with pytest.raises(e2b.NotFoundException):
        alice(sandbox.set_timeout(60))
    assert alice.state(other.sandbox_id) == "running"


def test_paused_when_its_time_is_over(alice: Client, testbed: Testbed) -> None:
    sandbox = alice.create_pausing(timeout=3600)
    shell_of(testbed, sandbox.sandbox_id).run("echo kept >/kept")
    alice(sandbox.set_timeout(1))
    alice.wait_for(sandbox.sandbox_id, "paused")
    assert [found.sandbox_id for found in alice.listed(states=["paused"])] == [sandbox.sandbox_id]
    alice.connect(sandbox.sandbox_id, timeout=600)
    left = alice.info(sandbox.sandbox_id).end_at - datetime.now(timezone.utc)
    assert timedelta(seconds=590) < left < timedelta(seconds=601)
    assert shell_of(testbed, sandbox.sandbox_id).run("cat /kept").strip() == "kept"
    # And again, because it is still one that pauses.
    alice(sandbox.set_timeout(0))
    alice.wait_for(sandbox.sandbox_id, "paused")


@pytest.mark.once
def test_a_timeout_outlives_the_server(alice: Client, testbed: Testbed) -> None:
    """It is due while no server runs, and is seen to by the next one, which was killed as well as ended."""
    pausing, ending = alice.create_pausing(timeout=4), alice.create(timeout=4)
    paused = alice.create_pausing(timeout=300)
    alice.pause(paused)
    testbed.server.restart()
    testbed.server.crash()
    alice.wait_for(pausing.sandbox_id, "paused")
    alice.wait_for(ending.sandbox_id, None)
    assert alice.state(paused.sandbox_id) == "paused"
    alice.connect(pausing.sandbox_id)
    alice.connect(paused.sandbox_id)
    assert alice.state(paused.sandbox_id) == "running"


@pytest.mark.since(2, 24)
def test_traffic_wakes_it(alice: Client, testbed: Testbed) -> None:
    sandbox = alice.create_pausing(timeout=600, auto_resume=True)
    shell = shell_of(testbed, sandbox.sandbox_id)
    shell.run("echo kept >/kept")
    alice.pause(sandbox)
    assert shell.run("cat /kept").strip() == "kept"
    assert alice.state(sandbox.sandbox_id) == "running"
    assert alice.info(sandbox.sandbox_id).end_at - datetime.now(timezone.utc) > timedelta(seconds=280)


def test_is_running_asks_the_agent(alice: Client) -> None:
    sandbox = alice.create("agent")
    while not alice(sandbox.is_running()):  # its agent is still starting
        pass
    alice.pause(sandbox)
    assert alice(sandbox.is_running()) is False
    alice.connect(sandbox.sandbox_id)
    alice(sandbox.kill())
    assert alice(sandbox.is_running()) is False
    # What has no agent is not running to the SDK.
    assert alice(alice.create("box").is_running()) is False


@pytest.mark.once
def test_a_time_that_never_ends(alice: Client) -> None:
    sandbox = alice.create(metadata={"e2b.agents.kruise.io/never-timeout": "true"})

    def end() -> int:
        return alice.info(sandbox.sandbox_id).end_at.year

    assert end() == 1
    alice(sandbox.set_timeout(30))
    assert end() == 1
    alice.pause(sandbox)
    assert end() == 1
    alice.connect(sandbox.sandbox_id, timeout=60)
    assert end() == 1 and alice.state(sandbox.sandbox_id) == "running"


@pytest.mark.once
def test_a_paused_one_that_is_kept_for_a_while(alice: Client) -> None:
    sandbox = alice.create(metadata={"e2b.agents.kruise.io/reserve-paused-sandbox-duration": "2s"})
    alice.pause(sandbox)
    assert alice.info(sandbox.sandbox_id).end_at - datetime.now(timezone.utc) < timedelta(seconds=3)
    alice.wait_for(sandbox.sandbox_id, None)
    other = alice.create()
    alice.pause(other, headers={"x-e2b-kruise-reserve-paused-sandbox-duration": "3m"})
    left = alice.info(other.sandbox_id).end_at - datetime.now(timezone.utc)
    assert timedelta(seconds=170) < left < timedelta(seconds=181)
