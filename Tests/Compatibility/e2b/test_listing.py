"""Listing through E2B's SDK, and who sees what."""

import e2b
import pytest

from client import HAS_SNAPSHOTS, Client


def ids(sandboxes: list) -> list[str]:
    return [sandbox.sandbox_id for sandbox in sandboxes]


def test_pages_states_and_metadata(alice: Client) -> None:
    words = {"user": "a b", "odd": "%25+&=ü/?#"}
    made = [alice.create(metadata={**words, "number": str(number)}).sandbox_id for number in range(3)]
    other = alice.create(metadata={"user": "a"}).sandbox_id
    assert ids(alice.listed(words)) == made
    assert ids(alice.listed(words, limit=1)) == made
    assert ids(alice.listed({"number": "1", "user": "a b"})) == made[1:2]
    assert ids(alice.listed({"user": "a"})) == [other]
    assert ids(alice.listed({"user": "a+b"})) == []
    assert ids(alice.listed()) == made + [other]
    alice.pause(alice.connect(made[0]))
    assert ids(alice.listed(states=["paused"])) == made[:1]
    assert ids(alice.listed(words, states=["running"])) == made[1:]
    assert ids(alice.listed(states=["running", "paused"])) == made + [other]
    assert alice.listed(words)[0].metadata == {**words, "number": "0"}


def test_others_see_nothing(alice: Client, bob: Client) -> None:
    """Of the same team, and what is somebody else's is told like what is not there."""
    mine = alice.create(timeout=600)
    end = alice.info(mine.sandbox_id).end_at
    assert bob.listed() == []
    assert bob.kill(mine.sandbox_id) is False
    unknown = "0" * len(mine.sandbox_id)
    for attempt in (
        bob.info,
        bob.connect,
        lambda it: bob.Sandbox.set_timeout(it, 1, **bob.options),
        lambda it: (getattr(bob.Sandbox, "pause", None) or bob.Sandbox.beta_pause)(it, **bob.options),
    ):
        told = []
        for it in (mine.sandbox_id, unknown):
            with pytest.raises(e2b.NotFoundException) as caught:
                attempt(it)
            told.append(str(caught.value).replace(it, "ID"))
        assert told[0] == told[1]
    assert alice.state(mine.sandbox_id) == "running"
    assert alice.info(mine.sandbox_id).end_at == end
    if HAS_SNAPSHOTS:
        snapshot = alice(mine.create_snapshot()).snapshot_id
        assert bob.all_of(bob.Sandbox.list_snapshots(**bob.options)) == []
        assert bob.Sandbox.delete_snapshot(snapshot, **bob.options) is False
        with pytest.raises(e2b.SandboxException):
            bob.create(snapshot)
        assert alice(alice.Sandbox.delete_snapshot(snapshot, **alice.options)) is True
