"""A sandbox's end is moved, and comes."""

import time
from datetime import datetime, timedelta, timezone

import pytest
from opensandbox.exceptions import SandboxApiException

from sdk import Sdk
from testbed import Testbed
from wire import Wire


def test_later(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, timeout=timedelta(minutes=2))
    asked = datetime.now(timezone.utc) + timedelta(hours=2)
    answer = sdk(sandbox.renew(timedelta(hours=2)))
    assert abs(answer.expires_at - asked) < timedelta(seconds=5)
    assert abs(sdk(sandbox.get_info()).expires_at - answer.expires_at) < timedelta(milliseconds=2)


def test_earlier_and_it_ends(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, timeout=timedelta(hours=1))
    sdk(sdk.manager.renew_sandbox(sandbox.id, timedelta(seconds=2)))
    deadline = time.monotonic() + 30
    while True:
        try:
            info = sdk(sdk.manager.get_sandbox_info(sandbox.id))
        except SandboxApiException as error:
            assert error.status_code == 404
            break
        assert time.monotonic() < deadline, f"still {info.status}"
        time.sleep(0.1)


def test_a_paused_one_outlives_the_server_with_its_new_end(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, timeout=timedelta(hours=1))
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    answer = sdk(sdk.manager.renew_sandbox(sandbox.id, timedelta(hours=5)))
    testbed.server.restart()
    found = sdk.wait_for(sandbox.id, "Paused").expires_at
    assert abs(found - answer.expires_at) < timedelta(milliseconds=2)


def test_one_without_an_end_gets_none(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, timeout=None)
    with pytest.raises(SandboxApiException) as caught:
        sdk(sandbox.renew(timedelta(hours=1)))
    assert (caught.value.status_code, caught.value.error.code) == (409, "DOCKER::INVALID_EXPIRATION")
    assert sdk(sandbox.get_info()).expires_at is None


def test_the_past(wire: Wire, testbed: Testbed, sdk: Sdk) -> None:
    sandbox = sdk.create(testbed.image, timeout=timedelta(hours=1))
    body = {"expiresAt": "2020-01-01T00:00:00Z"}
    answer = wire.send("POST", f"/v1/sandboxes/{sandbox.id}/renew-expiration", body)
    assert answer.error == (400, "DOCKER::INVALID_EXPIRATION")
