"""Every call of the official SDK has an answer: none is forgotten, and those that nobody can serve say so."""

import inspect
import time
from datetime import timedelta

import pytest
from opensandbox import Sandbox, SandboxManager
from opensandbox.exceptions import SandboxApiException, SandboxException
from opensandbox.models.sandboxes import NetworkPolicy, SnapshotFilter
from opensandbox.models.templates import CreateTemplateRequest, TemplateFilter

from sdk import Sdk
from testbed import Testbed
from wire import Wire

# Where each call is tested; docs/compatibility.md has the same list.
LIFECYCLE = {
    "create", "connect", "resume", "pause", "kill", "destroy", "close", "renew", "get_info", "get_endpoint",
    "get_signed_endpoint", "patch_metadata", "create_snapshot", "get_diagnostic_logs", "get_diagnostic_events",
    "is_healthy", "check_ready", "create_from_template", "diagnostics", "connection_config", "origin",
}
MANAGER = {
    "create", "close", "connection_config", "list_sandbox_infos", "get_sandbox_info", "patch_sandbox_metadata",
    "kill_sandbox", "renew_sandbox", "pause_sandbox", "resume_sandbox", "create_snapshot", "get_snapshot",
    "list_snapshots", "delete_snapshot", "get_diagnostic_logs", "get_diagnostic_events", "create_template",
    "get_template", "list_templates", "delete_template",
}
# Served by programs inside a sandbox, execd and the egress sidecar, that upstream's images bring along.
INSIDE = {
    "commands", "files", "files_with_identity", "isolation", "metrics", "get_metrics", "credential_vault",
    "get_egress_policy", "patch_egress_rules", "delete_egress_rules",
}


def public(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind) if not name.startswith("_")}


def test_no_call_is_forgotten() -> None:
    assert public(Sandbox) - {"id"} == (LIFECYCLE | INSIDE)
    assert public(SandboxManager) == MANAGER


def test_healthy_ready_and_destroyed(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    assert sdk(sandbox.is_healthy())
    sdk(sandbox.check_ready(timedelta(seconds=10), timedelta(milliseconds=50)))
    assert sandbox.connection_config.get_domain() == testbed.server.address
    sdk(sandbox.destroy())
    with pytest.raises(SandboxApiException) as caught:
        sdk(sdk.manager.get_sandbox_info(sandbox.id))
    assert caught.value.status_code == 404


def test_signed_endpoints(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    with pytest.raises(SandboxApiException) as caught:
        sdk(sandbox.get_signed_endpoint(8080, int(time.time()) + 60))
    assert (caught.value.status_code, caught.value.error.code) == (400, "SANDBOX::API_NOT_SUPPORTED")


def test_templates(sdk: Sdk, wire: Wire, testbed: Testbed) -> None:
    manager = sdk.manager
    request = CreateTemplateRequest(image=testbed.image, publish="s3://bucket/publish")
    for call in (
        lambda: manager.create_template(request),
        lambda: manager.get_template("t"),
        lambda: manager.list_templates(TemplateFilter()),
        lambda: manager.delete_template("t"),
    ):
        with pytest.raises(SandboxApiException) as caught:
            sdk(call())
        assert caught.value.status_code == 501
    assert wire.get("/v1/templates").error == (501, "SANDBOX::API_NOT_SUPPORTED")
    with pytest.raises(SandboxException):
        sdk(sdk.Sandbox.create_from_template("t", timeout=timedelta(minutes=5), connection_config=sdk.config))


def test_what_asks_for_isolation_that_is_not_there(sdk: Sdk, testbed: Testbed) -> None:
    for arguments in (
        {"network_policy": NetworkPolicy(default_action="deny", egress=[])},
        {"secure_access": True},
        {"extensions": {"poolRef": "pool"}},
    ):
        with pytest.raises(SandboxApiException) as caught:
            sdk.create(testbed.image, **arguments)
        assert (caught.value.status_code, caught.value.error.code) == (400, "SANDBOX::API_NOT_SUPPORTED")


def test_pools_and_network_policies(wire: Wire, sdk: Sdk, testbed: Testbed) -> None:
    assert wire.get("/v1/pools").error == (501, "KUBERNETES::POOL_NOT_SUPPORTED")
    assert wire.send("POST", "/pools", {}).error == (501, "KUBERNETES::POOL_NOT_SUPPORTED")
    sandbox = sdk.create(testbed.image)
    path = f"/v1/sandboxes/{sandbox.id}/networkpolicy"
    assert wire.get(path).error == (400, "SANDBOX::API_NOT_SUPPORTED")


def test_snapshots_by_filter_and_page(sdk: Sdk, testbed: Testbed) -> None:
    sandbox = sdk.create(testbed.image)
    ids = []
    for number in range(3):
        ids.append(sdk(sandbox.create_snapshot(f"cp{number % 2}")).id)
        deadline = time.monotonic() + 60
        while sdk(sdk.manager.get_snapshot(ids[-1])).status.state != "Ready":
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def listed(**arguments: object) -> list[str]:
        page = sdk(sdk.manager.list_snapshots(SnapshotFilter(**arguments)))
        return [info.id for info in page.snapshot_infos]

    assert listed(sandbox_id=sandbox.id) == list(reversed(ids)), "newest first"
    assert listed(sandbox_id=sandbox.id, name="cp0") == [ids[2], ids[0]]
    assert listed(sandbox_id=sandbox.id, states=["Failed"]) == []
    assert listed(sandbox_id=sandbox.id, states=["Ready"], page=2, page_size=2) == [ids[0]]
    assert listed(sandbox_id="none") == []
    for snapshot_id in ids:
        sdk(sdk.manager.delete_snapshot(snapshot_id))
    assert listed(sandbox_id=sandbox.id) == []
    for call in (sdk.manager.get_snapshot, sdk.manager.delete_snapshot):
        with pytest.raises(SandboxApiException) as caught:
            sdk(call(ids[0]))
        assert (caught.value.status_code, caught.value.error.code) == (404, "SNAPSHOT::NOT_FOUND")
    with pytest.raises(SandboxApiException) as caught:
        sdk(sdk.manager.create_snapshot("no-such-sandbox"))
    assert (caught.value.status_code, caught.value.error.code) == (404, "KUBERNETES::SANDBOX_NOT_FOUND")
