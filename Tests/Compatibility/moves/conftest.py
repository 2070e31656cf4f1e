"""What the tests of moves stand on: one namespace of the testbed's Kubernetes, and a machine beside it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from moves.world import World, world
from testbed import Cluster


@pytest.fixture(scope="package")
def kube(program: Path) -> Iterator[Cluster]:
    """A controller whose snapshots go to a registry that wants a login."""
    with Cluster(program.parent, "moves", login=True) as kube:
        yield kube


@pytest.fixture(scope="package")
def both(kube: Cluster, program: Path) -> Iterator[World]:
    """Two sides with one registry."""
    with world(kube, program, shared=True) as made:
        yield made


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Shows the ends of the logs with each failure."""
    outcome = yield
    report = outcome.get_result()
    made: Any = getattr(item, "funcargs", {}).get("both")
    if report.failed and made is not None:
        report.sections.append(("the machine's log", made.local.end_of_log()))
        report.sections.append(("the cluster's server's log", made.remote.end_of_log(60)))
        report.sections.append(("the controller's log", made.kube.end_of_log(25)))
