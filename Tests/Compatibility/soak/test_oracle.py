"""What the soak relies on: that it would notice. Everything here is about what must be found wrong."""

import json
import socket
import threading
import time
from typing import Any

import pytest

from soak.client import has_answered
from soak.ledger import AFTERMATH, Ledger
from soak.link import Link
from soak.measure import Use, complaints, slope
from soak.model import ABSENT, Files, digest_of


def test_what_a_lost_write_looks_like() -> None:
    files = Files()
    files.write("./a", digest_of("x", 3), answered=True)
    files.write("./b", digest_of("y", 3), answered=True)
    files.write("./b", ABSENT, answered=True)
    assert files.differences({"./a": digest_of("x", 3)}, 0) == []
    assert len(files.differences({}, 0)) == 1, "a file is missing"
    assert len(files.differences({"./a": digest_of("x", 2)}, 0)) == 1, "a file is another one"
    both = {"./a": digest_of("x", 3), "./b": digest_of("y", 3)}
    assert len(files.differences(both, 0)) == 1, "a deleted file is back"


def test_what_was_not_answered_may_be_either_way() -> None:
    files = Files()
    files.write("./a", "old", answered=True)
    files.write("./a", "new", answered=False)
    for found in ("old", "new"):
        assert files.differences({"./a": found}, 0) == []
    assert files.differences({"./a": "other"}, 0) and files.differences({}, 0)
    # It may still come, as long as the same processes live.
    files.accept({"./a": "old"}, 0, is_new=False)
    assert files.differences({"./a": "new"}, 0) == []
    files.accept({"./a": "old"}, 0, is_new=True)
    assert files.differences({"./a": "new"}, 0)


def test_what_was_counted_is_not_forgotten() -> None:
    files = Files()
    for counted in (1, 2, None):
        files.count(counted)
    assert files.differences({}, 2) == [] and files.differences({}, 3) == []
    assert files.differences({}, 1), "an answer was given and lost"
    assert files.differences({}, 4), "something was done twice"


def test_a_folder_goes_with_all_that_is_in_it() -> None:
    files = Files()
    for path in ("./one/a", "./one/two/c", "./oneself"):
        files.write(path, "x", answered=True)
    files.delete_folder("./one", answered=True)
    assert files.differences({"./oneself": "x"}, 0) == []
    assert len(files.differences({"./oneself": "x", "./one/two/c": "x"}, 0)) == 1


def uses(memory: list[int], descriptors: int = 30, threads: int = 8) -> list[Use]:
    return [Use(value, descriptors, threads) for value in memory]


@pytest.mark.parametrize(
    "memory", [[40_000, 41_000], [40_000] * 12, [40_000, 60_000, *[61_000, 60_500, 62_000] * 4], [40_000, *[50_000] * 9, 54_000, 50_000]]
)
def test_what_does_not_grow(memory: list[int]) -> None:
    assert complaints(uses(memory)) == []


def test_what_grows() -> None:
    assert complaints(uses([40_000, 90_000]))
    assert complaints(uses([40_000 + 2_000 * number for number in range(12)])), "a leak in each round"
    assert complaints([*uses([40_000]), Use(40_000, 60, 8)]), "descriptors"
    assert complaints([*uses([40_000]), Use(40_000, 30, 20)]), "threads"
    assert complaints([Use(40_000, 30 + number, 8) for number in range(14)]), "a descriptor in each round"
    assert slope([1, 2, 3, 4]) == 1 and slope([5, 5, 50, 5, 5]) == 0


def test_only_what_was_before_every_fault_is_calm() -> None:
    ledger = Ledger()
    with ledger.doing("pause") as deed:
        assert ledger.is_calm(deed)
        with ledger.fault("x"):
            assert not ledger.is_calm(deed)
        assert not ledger.is_calm(deed)
        deed.begin = time.monotonic() + AFTERMATH + 1
        assert ledger.is_calm(deed)


def test_a_link_that_is_hurt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as echo:

        def serve() -> None:
            while True:
                try:
                    connection, _ = echo.accept()
                except OSError:
                    return
                threading.Thread(target=_echo, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        link = Link(f"127.0.0.1:{echo.getsockname()[1]}")
        host, _, port = link.address.rpartition(":")
        there = (host, int(port))
        with socket.create_connection(there, timeout=10) as client:
            client.sendall(b"a")
            assert client.recv(1) == b"a"
            link.hold()
            client.settimeout(0.3)
            client.sendall(b"b")
            with pytest.raises(TimeoutError):
                client.recv(1)
            link.release()
            client.settimeout(10)
            assert client.recv(1) == b"b"
            link.cut()
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        with socket.create_connection(there, timeout=10) as client:
            client.sendall(b"d")
            assert client.recv(1) == b"d"
        link.close()


def _echo(connection: socket.socket) -> None:
    with connection:
        try:
            while piece := connection.recv(100):
                connection.sendall(piece)
        except OSError:
            pass


def test_which_wish_a_failure_belongs_to() -> None:
    def sandbox(pause: bool | None, statements: int, acknowledged: int, phase: str) -> dict[str, Any]:
        wish = {"statements": statements} | ({} if pause is None else {"pause": pause})
        record = {"acknowledged": acknowledged, "members": [{"recorded": {"phase": {phase: {}}}}]}
        return {"metadata": {"annotations": {"stasis.dev/intent": json.dumps(wish), "stasis.dev/record": json.dumps(record)}}}

    assert has_answered(sandbox(True, 3, 3, "running"), 2, "running")
    assert not has_answered(sandbox(True, 3, 3, "running"), 3, "running"), "it is of the wish before"
    assert not has_answered(sandbox(True, 3, 2, "running"), 2, "running"), "the controller has not looked"
    assert not has_answered(sandbox(True, 3, 3, "pausing"), 2, "running"), "it goes on"
    assert not has_answered(sandbox(None, 3, 3, "running"), 2, "running"), "the wish was taken back, to be stated again"
    assert has_answered(sandbox(False, 4, 4, "paused"), 3, "paused") and not has_answered(sandbox(False, 4, 4, "resuming"), 3, "paused")
    assert not has_answered({"metadata": {}}, 0, "running")
