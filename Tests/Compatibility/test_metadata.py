"""A sandbox's metadata is changed after its creation."""

import pytest
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import SandboxFilter

from sdk import Sdk
from testbed import Testbed


def test_patch(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, metadata={"team": "blue", "kept": "yes"})
    info = sdk(sandbox.patch_metadata({"team": None, "purpose": "test", "never": None}))
    assert info.metadata == {"purpose": "test", "kept": "yes"}
    assert info.status.state == "Running"
    found = sdk(sdk.manager.list_sandbox_infos(SandboxFilter(metadata={"purpose": "test"}))).sandbox_infos
    assert [item.id for item in found] == [sandbox.id]
    assert sdk(sdk.manager.list_sandbox_infos(SandboxFilter(metadata={"team": "blue"}))).sandbox_infos == []


def test_a_paused_one_keeps_it(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, metadata={"a": "b"})
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    assert sdk(sdk.manager.patch_sandbox_metadata(sandbox.id, {"a": None, "c": "d"})).metadata == {"c": "d"}
    testbed.server.restart()
    assert sdk.wait_for(sandbox.id, "Paused").metadata == {"c": "d"}
    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    assert sdk(resumed.get_info()).metadata == {"c": "d"}


def test_a_label_that_is_none(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, metadata={"a": "b"})
    with pytest.raises(SandboxApiException) as caught:
        sdk(sandbox.patch_metadata({"opensandbox.io/id": "mine"}))
    assert (caught.value.status_code, caught.value.error.code) == (400, "SANDBOX::INVALID_METADATA_LABEL")
    assert sdk(sandbox.get_info()).metadata == {"a": "b"}
