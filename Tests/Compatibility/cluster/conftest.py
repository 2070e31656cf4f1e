"""What these tests stand on: one namespace of the testbed's Kubernetes with a controller and a server, for all of them."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.box import Boxes
from sdk import Sdk
from testbed import Cluster, ClusterServer
from wire import Wire


@pytest.fixture(scope="session")
def cluster(program: Path) -> Iterator[Cluster]:
    """The controller. Snapshots go to a registry that wants a login."""
    with Cluster(program.parent, "compatibility", login=True) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the node, beneath which volumes may be mounted from."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="session")
def start_server(cluster: Cluster, shared: Path) -> Callable[..., ClusterServer]:
    """Starts one more server like the one that all tests use; arguments are more lines of its table [kubernetes]."""

    def start(*lines: str, key: str | None = None) -> ClusterServer:
        kubernetes = "\n".join((f'snapshot_pull_secret = "{cluster.pull_secret}"', *lines))
        return cluster.server(kubernetes, f'[storage]\nallowed_host_paths = ["{shared}"]', key)

    return start


@pytest.fixture(scope="session")
def server(cluster: Cluster, start_server: Callable[..., ClusterServer]) -> Iterator[ClusterServer]:
    """The server. When all tests are over nothing of any sandbox may be left in the cluster."""
    server = start_server()
    yield server
    expect_clean(cluster, Wire(server.address, server.key))


@pytest.fixture
def wire(server: ClusterServer) -> Wire:
    """Raw HTTP to the server."""
    return Wire(server.address, server.key)


@pytest.fixture(params=["sync", "async"])
def sdk(request: pytest.FixtureRequest, server: ClusterServer) -> Iterator[Sdk]:
    """The official SDK. A test that uses it runs twice, once for each of its forms."""
    sdk = Sdk(request.param == "async", server.address, server.key)
    yield sdk
    sdk.close()


@pytest.fixture
def manager(server: ClusterServer) -> Iterator[Sdk]:
    """The official SDK in one form, for what does not depend on it."""
    sdk = Sdk(False, server.address, server.key)
    yield sdk
    sdk.close()


@pytest.fixture
def boxes(cluster: Cluster, wire: Wire) -> Iterator[Boxes]:
    """Makes sandboxes, which are deleted when the test is over."""
    boxes = Boxes(cluster)
    yield boxes
    for sandbox_id in boxes.made:
        wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Shows the ends of the logs with each failure."""
    outcome = yield
    report = outcome.get_result()
    for name in ("server", "cluster", "both") if report.failed else ():
        daemon: Any = getattr(item, "funcargs", {}).get(name)
        if daemon is not None:
            report.sections.append((f"the log of the {'controller' if name == 'cluster' else name}", daemon.end_of_log(25)))


#: What of a sandbox is in a cluster, and Secrets with credentials for images.
KINDS = "batchsandboxes,sandboxsnapshots,pods,jobs,persistentvolumeclaims"


def left(cluster: Cluster) -> list[str]:
    """What there is of sandboxes in the namespace."""
    names = cluster.kubectl("get", KINDS, "--output=name").split()
    return names + image_secrets(cluster)


def image_secrets(cluster: Cluster) -> list[str]:
    """The Secrets in which credentials for sandboxes' images are."""
    names = cluster.kubectl("get", "secrets", "--output=name").split()
    return [name for name in names if name.startswith("secret/opensandbox-image-auth-")]


def expect_clean(cluster: Cluster, wire: Wire, seconds: float = 60) -> None:
    """Deletes every sandbox and snapshot, and waits until nothing of any of them is there."""
    for kind in ("sandboxes", "snapshots"):
        for item in wire.get(f"/v1/{kind}?pageSize=200").json["items"]:
            wire.send("DELETE", f"/v1/{kind}/{item['id']}")
    deadline = time.monotonic() + seconds
    while remains := left(cluster):
        assert time.monotonic() < deadline, f"left behind: {remains}"
        time.sleep(0.5)
