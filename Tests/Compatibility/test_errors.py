"""What goes wrong is said, with the codes that the SDK knows, and leaves nothing behind (the fixtures look)."""

import re
import uuid

import pytest
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import SandboxFilter

from sdk import Sdk
from testbed import Testbed
from testbed.daemon import free_port


def failure(sdk: Sdk, answer: object) -> SandboxApiException:
    with pytest.raises(SandboxApiException) as caught:
        sdk(answer() if callable(answer) else answer)
    return caught.value


def status_and_code(error: SandboxApiException) -> tuple[int, str]:
    return error.status_code, error.error.code


def test_wrong_key(sdk: Sdk, testbed: Testbed) -> None:
    stranger = Sdk(False, testbed.server.address, "not-the-key")
    error = failure(stranger, lambda: stranger.manager.list_sandbox_infos(SandboxFilter()))
    stranger.close()
    assert status_and_code(error) == (401, "INVALID_API_KEY")


@pytest.mark.parametrize("call", ["get_sandbox_info", "pause_sandbox", "resume_sandbox", "kill_sandbox"])
@pytest.mark.parametrize("sandbox_id", [str(uuid.UUID(int=7)), "no-such-id"])
def test_unknown_id(sdk: Sdk, call: str, sandbox_id: str) -> None:
    error = failure(sdk, lambda: getattr(sdk.manager, call)(sandbox_id))
    assert status_and_code(error) == (404, "KUBERNETES::SANDBOX_NOT_FOUND")
    assert sandbox_id in str(error)


def test_resume_of_a_running_sandbox(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    error = failure(sdk, lambda: sdk.manager.resume_sandbox(sandbox.id))
    assert status_and_code(error) == (409, "KUBERNETES::INVALID_STATE")
    assert sdk(sandbox.is_healthy())


def test_pause_of_a_paused_sandbox(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    error = failure(sdk, lambda: sdk.manager.pause_sandbox(sandbox.id))
    assert status_and_code(error) == (409, "KUBERNETES::INVALID_STATE")


def test_unknown_image(sdk: Sdk, testbed: Testbed) -> None:
    image = f"{testbed.registry.address}/no/such:image"
    error = failure(sdk, lambda: sdk.create(image))
    assert error.status_code in (400, 404, 500)
    assert "no/such" in str(error)


def test_unreachable_registry(sdk: Sdk) -> None:
    address = f"127.0.0.1:{free_port()}"
    error = failure(sdk, lambda: sdk.create(f"{address}/some/image:1"))
    assert error.status_code in (400, 404, 500)
    assert address in str(error)
    assert re.search("connect|reach|refused", str(error)), "the cause is named"


@pytest.mark.parametrize("image", ["registry.example/UPPER:1", "registry:port/x", "a//b", "x@sha256:abc", "oci:", "-", "a:b:c"])
def test_malformed_image(sdk: Sdk, image: str) -> None:
    error = failure(sdk, lambda: sdk.create(image))
    assert status_and_code(error) == (400, "SANDBOX::INVALID_PARAMETER")
    assert image in str(error)


@pytest.mark.parametrize("resource", [{"cpu": "many"}, {"memory": "-1Gi"}, {"cpu": "1", "memory": "12Qi"}])
def test_malformed_limits(sdk: Sdk, testbed: Testbed, resource: dict[str, str]) -> None:
    error = failure(sdk, lambda: sdk.create(testbed.image, resource=resource))
    assert status_and_code(error) == (400, "SANDBOX::INVALID_PARAMETER")


def test_entrypoint_that_does_not_exist(sdk: Sdk, testbed: Testbed) -> None:
    error = failure(sdk, lambda: sdk.create(testbed.image, entrypoint=["/no/such/program"]))
    assert error.status_code in (400, 500)
    assert "/no/such/program" in str(error)
