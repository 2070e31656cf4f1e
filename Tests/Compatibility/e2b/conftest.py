"""What the tests with E2B's SDK stand on: a stasis-server that runs sandboxes on this machine, and two owners."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client import VERSION, Client
from testbed import Shell, Testbed

ALICE = "e2b_" + "a1" * 20
BOB = "e2b_" + "b0" * 20

_CONFIGURATION = f"""
[e2b]
default_template = "box"

[[e2b.keys]]
key = "{ALICE}"
team = "red"

[[e2b.keys]]
key = "{BOB}"
team = "red"

[e2b.templates.box]
image = "{{image}}"
cpu = "1"
memory = "256Mi"
environment = {{ GREETING = "hello" }}

[e2b.templates.agent]
image = "{{image}}"
entrypoint = ["sh", "-c", "mkdir -p /agent && echo ok >/agent/health && exec httpd -f -p 49983 -h /agent"]
"""


@pytest.fixture(scope="session")
def program() -> Path:
    """The server to test. Without one there is nothing to run."""
    program = Path(os.environ.get("STASIS_BIN_DIR", ""), "stasis-server")
    if not program.is_absolute() or not program.exists():
        pytest.exit("STASIS_BIN_DIR must name the folder with the built stasis-server", returncode=2)
    return program


@pytest.fixture(scope="session")
def testbed(program: Path) -> Iterator[Testbed]:
    """A machine whose server speaks to E2B's clients as well."""
    with Testbed(program, "stasis-e2b", configuration=_CONFIGURATION) as testbed:
        yield testbed


# The asynchronous form is the same in all versions, so the newest is enough.
@pytest.fixture(params=["sync", "async"] if VERSION >= (2, 63) else ["sync"])
def alice(request: pytest.FixtureRequest, testbed: Testbed) -> Iterator[Client]:
    """The SDK as one owner uses it. Afterwards everything is killed, and the machine must be as it was before."""
    client = Client(request.param == "async", testbed.server.address, ALICE)
    yield client
    for sandbox in client.listed():
        client.kill(sandbox.sandbox_id)
    client.close()
    deadline = time.monotonic() + 30
    while left := testbed.everything_left():
        assert time.monotonic() < deadline, f"left behind: {left}"
        time.sleep(0.1)


@pytest.fixture
def bob(testbed: Testbed) -> Iterator[Client]:
    """Somebody else of the same team."""
    client = Client(False, testbed.server.address, BOB)
    yield client
    for sandbox in client.listed():
        client.kill(sandbox.sandbox_id)
    client.close()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "once: in one of the SDK's forms only, because it takes its time")
    config.addinivalue_line("markers", "since(major, minor): not with older versions of the SDK, which cannot ask for it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    def is_for_this_version(item: pytest.Item) -> bool:
        since = item.get_closest_marker("since")
        return since is None or VERSION >= since.args

    items[:] = [
        item for item in items
        if is_for_this_version(item) and not (item.get_closest_marker("once") and "[async]" in item.name)
    ]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Shows the end of the server's log with each failure."""
    outcome = yield
    report = outcome.get_result()
    testbed = getattr(item, "funcargs", {}).get("testbed")
    if report.failed and testbed is not None:
        report.sections.append(("stasis-server's log", testbed.server.end_of_log()))


def shell_of(testbed: Testbed, sandbox_id: str) -> Shell:
    """A shell in a sandbox, by its path at the server."""
    shell = Shell(f"{testbed.server.address}/kruise/{sandbox_id}/44772")
    shell.wait()
    return shell
