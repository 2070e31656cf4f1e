"""What can go wrong, as E2B's SDK tells it."""

from concurrent.futures import ThreadPoolExecutor

import e2b
import pytest

from client import HAS_SNAPSHOTS, Client
from conftest import ALICE, shell_of
from testbed import Testbed


def test_keys(testbed: Testbed) -> None:
    stranger = Client(False, testbed.server.address, "e2b_" + "00" * 20)
    with pytest.raises(e2b.AuthenticationException):
        stranger.listed()
    with pytest.raises(e2b.AuthenticationException):
        stranger.create()


def test_requests_that_cannot_be(alice: Client) -> None:
    for arguments in (
        {"template": "no-such-template"},
        {"timeout": -1},
        {"timeout": 10**10},
        {"metadata": {"agents.kruise.io/owner": "me"}},
        {"metadata": {"e2b.agents.kruise.io/claim-timeout-seconds": "soon"}},
        # What would not be so is refused, and not ignored.
        {"allow_internet_access": False},
    ):
        with pytest.raises(e2b.SandboxException, match="400"):
            alice.create(**arguments)
    sandbox = alice.create()
    with pytest.raises(e2b.SandboxException, match="400"):
        alice(sandbox.set_timeout(-1))
    alice.pause(sandbox)
    with pytest.raises(e2b.SandboxException, match="409"):
        alice(sandbox.set_timeout(60))
    if HAS_SNAPSHOTS:
        with pytest.raises(e2b.SandboxException, match="400"):
            alice(sandbox.create_snapshot())
    assert [it.sandbox_id for it in alice.listed()] == [sandbox.sandbox_id]


@pytest.mark.since(2, 24)
def test_templates_cannot_be_deleted(alice: Client) -> None:
    with pytest.raises(e2b.AuthenticationException):
        alice(alice.Sandbox.delete_snapshot("box", **alice.options))


def test_metrics(alice: Client, testbed: Testbed) -> None:
    sandbox = alice.create()
    [metrics] = alice(sandbox.get_metrics())
    before = metrics.disk_used
    assert 0 < before < metrics.disk_total
    shell_of(testbed, sandbox.sandbox_id).run("head -c 8388608 /dev/zero >/filled; sync")
    [metrics] = alice(sandbox.get_metrics())
    assert metrics.disk_used - before >= 8 << 20
    assert 0 < metrics.mem_used < metrics.mem_total == 256 << 20
    assert (metrics.cpu_count, metrics.cpu_used_pct >= 0) == (1, True)
    alice.pause(sandbox)
    assert alice(sandbox.get_metrics()) == []


@pytest.mark.since(2, 51)
def test_the_same_key_makes_one_sandbox(alice: Client) -> None:
    first = alice.create(idempotency_key="once")
    assert alice.create(idempotency_key="once").sandbox_id == first.sandbox_id
    with pytest.raises(e2b.SandboxException, match="409"):
        alice.create(idempotency_key="once", metadata={"another": "request"})
    assert alice.create(idempotency_key="twice").sandbox_id != first.sandbox_id


@pytest.mark.parametrize("state", ["running", "paused"])
def test_pauses_and_connects_at_once(testbed: Testbed, state: str) -> None:
    """Several of both: the sandbox changes once, and what comes meanwhile is told so. Nothing else goes wrong."""
    alice = Client(False, testbed.server.address, ALICE)
    sandbox = alice.create(timeout=600)
    if state == "paused":
        alice.pause(sandbox)

    def attempt(name: str) -> str:
        try:
            if name == "pause":
                alice.pause(sandbox)
            else:
                alice.connect(sandbox.sandbox_id, timeout=600)
            return "done"
        except e2b.SandboxException as error:
            return str(error)

    with ThreadPoolExecutor(4) as threads:
        told = list(threads.map(attempt, ["pause", "connect", "pause", "connect"]))
    assert all(text == "done" or "409" in text for text in told), told
    assert alice.state(sandbox.sandbox_id) == ("running" if state == "paused" else "paused")
    with ThreadPoolExecutor(3) as threads:
        assert list(threads.map(attempt, ["connect"] * 3)) == ["done"] * 3
    assert alice.state(sandbox.sandbox_id) == "running"
    with ThreadPoolExecutor(3) as threads:
        told = list(threads.map(attempt, ["pause"] * 3))
    assert all(text == "done" or "409" in text for text in told), told
    assert alice.state(sandbox.sandbox_id) == "paused"
    assert alice.kill(sandbox.sandbox_id)


def test_where_openkruise_agents_serves(testbed: Testbed) -> None:
    """The same under its own path."""
    alice = Client(False, testbed.server.address, ALICE, mount="/kruise/api")
    sandbox = alice.create()
    assert alice.state(sandbox.sandbox_id) == "running"
    assert alice.kill(sandbox.sandbox_id)
