"""Snapshots and forks through E2B's SDK."""

import e2b
import pytest

from client import Client
from conftest import shell_of
from testbed import Testbed

pytestmark = pytest.mark.since(2, 24)


def test_a_snapshot_and_what_is_created_from_it(alice: Client, testbed: Testbed) -> None:
    source = alice.create(envs={"FOO": "bar"}, metadata={"is": "source"})
    shell_of(testbed, source.sandbox_id).run("echo before >/when")
    snapshot = alice(source.create_snapshot())
    shell_of(testbed, source.sandbox_id).run("echo after >/when")
    assert alice.state(source.sandbox_id) == "running"

    copy = alice.create(snapshot.snapshot_id, timeout=60)
    assert copy.sandbox_id != source.sandbox_id
    # What its source was asked to be: the entrypoint answers, with its environment.
    assert shell_of(testbed, copy.sandbox_id).run("cat /when; echo $FOO $GREETING").split() == ["before", "bar", "hello"]
    info = alice.info(copy.sandbox_id)
    assert (info.template_id, info.metadata) == (snapshot.snapshot_id, {})
    assert (info.cpu_count, info.memory_mb) == (1, 256)

    assert alice(alice.Sandbox.delete_snapshot(snapshot.snapshot_id, **alice.options)) is True
    assert alice(alice.Sandbox.delete_snapshot(snapshot.snapshot_id, **alice.options)) is False
    # What was created from it lives on, and can be paused and resumed.
    alice.pause(copy)
    alice.connect(copy.sandbox_id)
    assert shell_of(testbed, copy.sandbox_id).run("cat /when").strip() == "before"
    with pytest.raises(e2b.SandboxException):
        alice.create(snapshot.snapshot_id)


def test_snapshots_are_listed(alice: Client) -> None:
    one, other = alice.create(), alice.create()
    made = [alice(one.create_snapshot()), alice(other.create_snapshot(name="mine")), alice(one.create_snapshot())]
    ids = [snapshot.snapshot_id for snapshot in made]
    assert [snapshot.names for snapshot in made] == [[], ["mine"], []]

    def listed(pages: object) -> list[str]:
        return [snapshot.snapshot_id for snapshot in alice.all_of(pages)]

    assert listed(alice.Sandbox.list_snapshots(limit=1, **alice.options)) == ids[::-1]
    assert listed(one.list_snapshots()) == [ids[2], ids[0]]
    alice.create("mine")
    for snapshot in ids:
        alice(alice.Sandbox.delete_snapshot(snapshot, **alice.options))
    assert listed(alice.Sandbox.list_snapshots(**alice.options)) == []


@pytest.mark.once
def test_a_snapshot_that_goes_by_itself(alice: Client) -> None:
    source = alice.create()
    headers = {"x-e2b-kruise-snapshot-ttl": "1s", "x-e2b-kruise-snapshot-keep-running": "false"}
    alice(source.create_snapshot(headers=headers))
    alice.wait_for(source.sandbox_id, None)
    while alice.all_of(alice.Sandbox.list_snapshots(**alice.options)):
        pass


@pytest.mark.since(2, 45)
def test_fork(alice: Client, testbed: Testbed) -> None:
    source = alice.create(metadata={"kept": "yes"}, timeout=300)
    shell_of(testbed, source.sandbox_id).run("echo here >/here")
    end = alice.info(source.sandbox_id).end_at
    forks = alice(source.fork(count=3, timeout=120))
    assert len({fork.sandbox_id for fork in forks} | {source.sandbox_id}) == 4
    for fork in forks:
        assert shell_of(testbed, fork.sandbox_id).run("cat /here").strip() == "here"
        info = alice.info(fork.sandbox_id)
        assert (info.template_id, info.metadata) == ("box", {"kept": "yes"})
    assert alice.info(source.sandbox_id).end_at == end
    assert alice.all_of(alice.Sandbox.list_snapshots(**alice.options)) == []
    alice.pause(source)
    with pytest.raises(e2b.SandboxException, match="409"):
        alice(source.fork())
