"""The life of a sandbox on Kubernetes through the official SDK in both forms, with commands and files inside it."""

import os
from datetime import datetime, timedelta, timezone

import pytest
from opensandbox.exceptions import SandboxApiException
from opensandbox.models.sandboxes import SandboxFilter

from cluster.box import Boxes, run
from sdk import Sdk
from testbed import Cluster


def status_and_code(caught: pytest.ExceptionInfo[SandboxApiException]) -> tuple[int, str]:
    return caught.value.status_code, caught.value.error.code


def test_created_paused_resumed_and_killed(sdk: Sdk, boxes: Boxes, cluster: Cluster) -> None:
    before = datetime.now(timezone.utc)
    sandbox = boxes.create(
        sdk, timeout=timedelta(minutes=5), env={"GREETING": "hello", "SPACED": "a  b"},
        metadata={"team": "blue", "example.org/purpose": "test"},
    )
    info = sdk(sandbox.get_info())
    assert (info.id, info.status.state, info.image.image) == (sandbox.id, "Running", cluster.image)
    assert info.entrypoint == ["tail", "-f", "/dev/null"]
    assert info.metadata == {"team": "blue", "example.org/purpose": "test"}
    assert before - timedelta(seconds=2) < info.created_at < datetime.now(timezone.utc) + timedelta(seconds=2)
    assert timedelta(minutes=4) < info.expires_at - before < timedelta(minutes=6)
    assert sdk(sandbox.is_healthy())

    # Commands and files.
    assert run(sdk, sandbox, 'echo "$GREETING|$SPACED|$OPENSANDBOX_ID"').strip() == f"hello|a  b|{sandbox.id}"
    failed = sdk(sandbox.commands.run("echo out; echo oh >&2; exit 3"))
    assert (failed.exit_code, failed.logs.stdout[0].text, failed.logs.stderr[0].text) == (3, "out\n", "oh\n")
    random = os.urandom(3_000_000)
    sdk(sandbox.files.write_file("/data/deep/random", random, mode=640))
    sdk(sandbox.files.write_file("/data/text", "Grüße\n"))
    assert run(sdk, sandbox, "stat -c %a /data/deep/random; rm /bin/vi; ls /bin/vi 2>/dev/null || true").strip() == "640"
    metrics = sdk(sandbox.get_metrics())
    assert metrics.cpu_count > 0 and metrics.memory_total_in_mib > metrics.memory_used_in_mib > 0

    # Its labels and its end.
    changed = sdk(sandbox.patch_metadata({"team": "red", "example.org/purpose": None, "more": "1"}))
    assert changed.metadata == {"team": "red", "more": "1"}
    sdk(sandbox.renew(timedelta(minutes=30)))
    assert sdk(sandbox.get_info()).expires_at - before > timedelta(minutes=29)
    address = sdk(sandbox.get_endpoint(8080)).endpoint
    assert address.endswith(":8080")

    sdk(sandbox.pause())
    state = sdk(sandbox.get_info()).status.state
    assert state in ("Pausing", "Paused"), "whoever has paused it does not read that it runs"
    assert sdk.wait_for(sandbox.id, "Paused").metadata == {"team": "red", "more": "1"}
    with pytest.raises(SandboxApiException) as caught:
        sdk(sandbox.get_endpoint(8080))
    assert status_and_code(caught) == (404, "KUBERNETES::POD_IP_NOT_AVAILABLE")
    for call in (sandbox.pause, sandbox.create_snapshot):
        with pytest.raises(SandboxApiException) as caught:
            sdk(call())
        assert caught.value.status_code == 409
    assert cluster.kubectl("get", "pods", "--selector", f"opensandbox.io/id={sandbox.id}", "--output=name").strip() == ""
    sdk(sandbox.patch_metadata({"paused": "yes"}))
    sdk(sandbox.renew(timedelta(minutes=40)))

    resumed = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
    info = sdk(resumed.get_info())
    assert (info.id, info.status.state, info.image.image) == (sandbox.id, "Running", cluster.image)
    assert info.metadata == {"team": "red", "more": "1", "paused": "yes"}
    assert info.expires_at - before > timedelta(minutes=39)
    assert sdk(resumed.files.read_bytes("/data/deep/random")) == random
    assert sdk(resumed.files.read_bytes("/data/deep/random", range_header="bytes=10-19")) == random[10:20]
    assert sdk(resumed.files.read_file("/data/text")) == "Grüße\n"
    assert run(sdk, resumed, 'echo "$GREETING"; stat -c %a /data/deep/random; ls /bin/vi 2>/dev/null || true').split() == ["hello", "640"]
    with pytest.raises(SandboxApiException) as caught:
        sdk(sdk.manager.resume_sandbox(sandbox.id))
    assert status_and_code(caught) == (409, "KUBERNETES::INVALID_STATE")

    connected = sdk(sdk.Sandbox.connect(sandbox.id, connection_config=sdk.config))
    assert run(sdk, connected, "cat /data/text").strip() == "Grüße"
    sdk(connected.kill())
    with pytest.raises(SandboxApiException) as caught:
        sdk(sdk.Sandbox.connect(sandbox.id, connection_config=sdk.config))
    assert caught.value.status_code == 404


def test_lists_by_state_and_metadata_in_pages(manager: Sdk, boxes: Boxes) -> None:
    sdk = manager
    made = []
    for number, team in enumerate(("red", "blue", "red")):
        sandbox = boxes.create(sdk, metadata={"list": "pages", "team": team, "example.org/number": str(number)})
        made.insert(0, sandbox.id)
    sdk(sdk.manager.pause_sandbox(made[1]))
    sdk.wait_for(made[1], "Paused")

    def listed(states: list[str] | None = None, **metadata: str) -> list[str]:
        wanted = {"list": "pages"} | metadata
        page = sdk(sdk.manager.list_sandbox_infos(SandboxFilter(states=states, metadata=wanted, page_size=200)))
        return [info.id for info in page.sandbox_infos]

    assert listed() == made, "newest first"
    assert listed(["Paused"]) == [made[1]]
    assert listed(["running"]) == [made[0], made[2]], "states are compared without case"
    assert listed(["Running", "Paused"]) == made
    assert listed(["Failed"]) == []
    assert listed(team="red") == [made[0], made[2]]
    assert listed(**{"team": "red", "example.org/number": "0"}) == [made[2]]
    assert listed(["Running"], team="blue") == []

    def page(number: int) -> tuple[list[str], tuple[int, int, bool]]:
        criteria = SandboxFilter(metadata={"list": "pages"}, page=number, page_size=2)
        page = sdk(sdk.manager.list_sandbox_infos(criteria))
        pagination = page.pagination
        numbers = (pagination.total_items, pagination.total_pages, pagination.has_next_page)
        return [info.id for info in page.sandbox_infos], numbers

    assert page(1) == (made[:2], (3, 2, True))
    assert page(2) == (made[2:], (3, 2, False))
    assert page(3) == ([], (3, 2, False))


def test_many_pauses_add_up(manager: Sdk, boxes: Boxes) -> None:
    sdk = manager
    sandbox = boxes.create(sdk)
    for cycle in range(2):
        run(sdk, sandbox, f"echo {cycle} >>/cycles; rm -f /only; [ {cycle} -gt 0 ] || touch /only")
        sdk(sandbox.pause())
        sdk.wait_for(sandbox.id, "Paused")
        sandbox = sdk(sdk.Sandbox.resume(sandbox.id, connection_config=sdk.config))
        expected = [str(earlier) for earlier in range(cycle + 1)] + (["/only"] if cycle == 0 else [])
        assert run(sdk, sandbox, "cat /cycles; ls /only 2>/dev/null || true").split() == expected
