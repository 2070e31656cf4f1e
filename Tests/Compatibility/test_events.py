"""What happened to a sandbox can be read, with times."""

import re
from datetime import datetime, timedelta, timezone

import pytest
from opensandbox.exceptions import SandboxApiException

from sdk import Sdk
from testbed import Testbed
from wire import Wire

LINE = re.compile(r"\[(\S+)\] (Normal|Warning) +(\S+) +(.+)")


def events(sdk: Sdk, sandbox_id: str, scope: str = "lifecycle") -> list[tuple[datetime, str, str, str]]:
    """Time, kind, reason and message of each event."""
    found = sdk(sdk.manager.get_diagnostic_events(sandbox_id, scope))
    assert (found.sandbox_id, found.kind, found.scope, found.delivery) == (sandbox_id, "events", scope, "inline")
    assert found.content_length == len(found.content.encode()) and not found.truncated
    matches = [LINE.fullmatch(line) for line in found.content.splitlines()]
    assert all(matches), found.content
    return [(datetime.fromisoformat(match[1]), match[2], match[3], match[4]) for match in matches]


def reasons(sdk: Sdk, sandbox_id: str) -> list[str]:
    return [event[2] for event in events(sdk, sandbox_id)]


def test_a_life(sdk: Sdk, testbed: Testbed) -> None:
    before = datetime.now(timezone.utc) - timedelta(seconds=1)
    sandbox = sdk.create(testbed.image)
    assert reasons(sdk, sandbox.id) == ["Created", "Started"]
    sdk(sandbox.pause())
    paused = sdk.wait_for(sandbox.id, "Paused")
    sdk(sdk.manager.resume_sandbox(sandbox.id))
    sdk.wait_for(sandbox.id, "Running")
    found = events(sdk, sandbox.id, "all")
    assert [event[2] for event in found] == [
        "Created", "Started", "Pausing", "Captured", "Paused", "Resuming", "Resumed",
    ]
    assert {event[1] for event in found} == {"Normal"}
    times = [event[0] for event in found]
    assert times == sorted(times) and before < times[0] and times[-1] < datetime.now(timezone.utc) + timedelta(seconds=1)
    assert abs(times[4] - paused.status.last_transition_at) < timedelta(seconds=1)
    assert "sha256:" in found[4][3]
    assert sdk(sandbox.get_diagnostic_events("runtime")).content == sdk(sandbox.get_diagnostic_events("all")).content


def test_they_outlive_the_server(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    before = events(sdk, sandbox.id)
    testbed.server.crash()
    assert events(sdk, sandbox.id) == before


def test_an_end_by_itself(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image, entrypoint=["sh", "-c", "sleep 1; exit 7"], skip_health_check=True)
    sdk.wait_for(sandbox.id, "Failed")
    last = events(sdk, sandbox.id)[-1]
    assert last[1:3] == ("Warning", "SandboxExited") and "exit code 7" in last[3]


def test_the_older_form(wire: Wire, sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    path = f"/v1/sandboxes/{sandbox.id}/diagnostics"
    plain = wire.get(f"{path}/events?limit=1")
    assert plain.status == 200 and plain.headers["deprecation"] == ["true"]
    assert plain.headers["content-type"][0].startswith("text/plain")
    assert LINE.fullmatch(plain.body.decode().rstrip("\n"))[3] == "Started"
    for kind in ("inspect", "summary"):
        answer = wire.get(f"{path}/{kind}")
        assert answer.status == 200 and answer.headers["content-type"][0].startswith("text/plain")
        assert sandbox.id in answer.body.decode() and "Running" in answer.body.decode()
    assert "Started" in wire.get(f"{path}/summary?tail=5&event_limit=3").body.decode()


@pytest.mark.parametrize("kind", ["logs", "events"])
def test_what_is_refused(sdk: Sdk, testbed: Testbed, kind: str) -> None:
    call = getattr(sdk.manager, f"get_diagnostic_{kind}")
    with pytest.raises(SandboxApiException) as caught:
        sdk(call("no-such-sandbox", "all"))
    assert (caught.value.status_code, caught.value.error.code) == (404, "KUBERNETES::SANDBOX_NOT_FOUND")
    sandbox = sdk.create(testbed.image)
    with pytest.raises(SandboxApiException) as caught:
        sdk(call(sandbox.id, "secrets"))
    assert (caught.value.status_code, caught.value.error.code) == (400, "SANDBOX::INVALID_PARAMETER")
