"""A sandbox is confined: by its resource limits, and by a network of its own."""

import os

import pytest

from conftest import shell_of
from sdk import Sdk
from testbed import ShellError, Testbed


def test_memory_limit(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, resource={"cpu": "1", "memory": "64Mi"})
    shell = shell_of(sdk, sandbox)
    # Half the limit can be had; twice the limit ends whoever asks for it, not the sandbox.
    assert shell.run("head -c 32m /dev/zero | tail -c 32m | wc -c").strip() == str(32 << 20)
    with pytest.raises(ShellError):
        shell.run("head -c 128m /dev/zero | tail -c 128m >/dev/null")
    assert sdk(sandbox.is_healthy())


def test_own_network(sdk: Sdk, testbed: Testbed) -> None:
    first, second = sdk.create(testbed.image), sdk.create(testbed.image)
    addresses = {sdk(sandbox.get_endpoint(44772)).endpoint for sandbox in (first, second)}
    assert len(addresses) == 2
    traces = [testbed.traces(sandbox.id, "") for sandbox in (first, second)]
    assert len(traces[0].namespaces) == len(traces[1].namespaces) == 1
    assert traces[0].namespaces.isdisjoint(traces[1].namespaces | {os.readlink("/proc/self/ns/net")})
