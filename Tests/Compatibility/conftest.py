"""What the tests stand on: real daemons for the whole run, and a clean machine after each test."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdk import Sdk
from testbed import Fingerprint, Shell, Testbed, compare
from wire import Wire


@pytest.fixture(scope="session")
def program() -> Path:
    """The server to test. Without one there is nothing to run."""
    program = Path(os.environ.get("STASIS_BIN_DIR", ""), "stasis-server")
    if not program.is_absolute() or not program.exists():
        pytest.exit("STASIS_BIN_DIR must name the folder with the built stasis-server", returncode=2)
    return program


@pytest.fixture(scope="session")
def testbed(program: Path) -> Iterator[Testbed]:
    """A machine whose snapshots go to a registry."""
    with Testbed(program, "stasis-compatibility") as testbed:
        yield testbed


@pytest.fixture
def wire(testbed: Testbed) -> Iterator[Wire]:
    """Raw HTTP to the server. Afterwards every sandbox is deleted, and the machine must be as it was before."""
    wire = Wire(testbed.server.address, testbed.server.key)
    yield wire
    expect_clean(testbed, wire)


@pytest.fixture(params=["sync", "async"])
def sdk(request: pytest.FixtureRequest, testbed: Testbed, wire: Wire) -> Iterator[Sdk]:
    """The official SDK. A test that uses it runs twice, once for each of its forms."""
    sdk = Sdk(request.param == "async", testbed.server.address, testbed.server.key)
    yield sdk
    sdk.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Shows the end of the server's log with each failure."""
    outcome = yield
    report = outcome.get_result()
    testbed = getattr(item, "funcargs", {}).get("testbed")
    if report.failed and testbed is not None:
        report.sections.append(("stasis-server's log", testbed.server.end_of_log()))


def expect_clean(testbed: Testbed, wire: Wire, seconds: float = 30) -> None:
    """Deletes every sandbox and waits until the machine holds nothing of any of them."""
    for sandbox in wire.get("/v1/sandboxes?pageSize=200").json["items"]:
        wire.send("DELETE", f"/v1/sandboxes/{sandbox['id']}")
    deadline = time.monotonic() + seconds
    while left := testbed.everything_left() + [item["id"] for item in wire.get("/v1/sandboxes").json["items"]]:
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)


def shell_of(sdk: Sdk, sandbox: object) -> Shell:
    """A shell in a sandbox, at the address that the SDK was given for it."""
    shell = Shell(sdk(sandbox.get_endpoint(44772)).endpoint)
    shell.wait()
    return shell


def expect_equal(expected: Fingerprint, found: Fingerprint) -> None:
    """Fails with the differences between two trees of files."""
    differences = compare(expected, found)
    assert not differences, "the files differ:\n" + "\n".join(differences)
