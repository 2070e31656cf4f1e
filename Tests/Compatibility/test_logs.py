"""What a sandbox prints can be read."""

import time

from sdk import Sdk
from testbed import Testbed
from wire import Wire


def logs_with(sdk: Sdk, sandbox_id: str, text: str) -> str:
    """The logs once the text is in them: a program's output arrives a moment after it was written."""
    deadline = time.monotonic() + 10
    while True:
        logs = sdk(sdk.manager.get_diagnostic_logs(sandbox_id, "container"))
        if text in logs.content:
            assert (logs.kind, logs.scope, logs.delivery, logs.truncated) == ("logs", "container", "inline", False)
            return logs.content
        assert time.monotonic() < deadline, f"not there: {logs}"
        time.sleep(0.05)


def test_both_streams(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    command = "echo first; echo second >&2; seq 1000; echo last; exec stasis-responder"
    sandbox = sdk.create(testbed.image, entrypoint=["sh", "-c", command])
    logs_with(sdk, sandbox.id, "second\n")
    text = logs_with(sdk, sandbox.id, "last\n")
    # The streams come through a pipe each, so lines of one may overtake those of the other.
    lines = text.splitlines()
    assert lines.count("second") == 1
    assert [line for line in lines if line != "second"] == ["first", *map(str, range(1, 1001)), "last"]
    assert text == sdk(sdk.manager.get_diagnostic_logs(sandbox.id, "all")).content

    path = f"/v1/sandboxes/{sandbox.id}/diagnostics/logs"
    plain = wire.get(f"{path}?tail=3")
    assert (plain.status, plain.body.decode().splitlines()) == (200, text.splitlines()[-3:])
    assert plain.headers["content-type"][0].startswith("text/plain") and plain.headers["deprecation"] == ["true"]


def test_a_long_log_is_cut_at_its_beginning(sdk: Sdk, testbed: Testbed) -> None:
    command = "yes 0123456789abcdef0123456789abcde | head -c 4m; echo end; exec stasis-responder"
    sandbox = sdk.create(testbed.image, entrypoint=["sh", "-c", command])
    deadline = time.monotonic() + 30
    while not (logs := sdk(sdk.manager.get_diagnostic_logs(sandbox.id, "container"))).content.endswith("end\n"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert logs.truncated and len(logs.content) <= 1 << 20
    assert logs.content.startswith("0123456789abcdef0123456789abcde\n")


def test_a_log_does_not_fill_the_disk(sdk: Sdk, testbed: Testbed) -> None:
    command = "yes 0123456789abcdef0123456789abcde | head -c 48m; echo end; exec stasis-responder"
    sandbox = sdk.create(testbed.image, entrypoint=["sh", "-c", command])
    log = testbed.server.state / "containers" / f"{sandbox.id}-1" / "log"
    deadline = time.monotonic() + 60
    while log.stat().st_size < 48 << 20 or log.stat().st_blocks * 512 > 17 << 20:
        assert time.monotonic() < deadline, log.stat()
        time.sleep(0.1)
    assert sdk(sdk.manager.get_diagnostic_logs(sandbox.id, "container")).content.endswith("cde\nend\n")


def test_a_paused_one_has_none(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    sdk(sandbox.pause())
    sdk.wait_for(sandbox.id, "Paused")
    logs = sdk(sdk.manager.get_diagnostic_logs(sandbox.id, "container"))
    assert logs.content == "" and logs.warnings
