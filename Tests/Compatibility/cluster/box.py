"""Sandboxes of the tests on a cluster: made, and used."""

import time
from typing import Any

from sdk import Sdk
from testbed import Cluster
from wire import Answer, Wire

# Small enough for many of them to be on one node.
RESOURCE = {"memory": "64Mi"}


class Boxes:
    """Makes sandboxes of the cluster's own image; `made` has their identities."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.made: list[str] = []

    def create(self, sdk: Sdk, image: str | None = None, **arguments: Any) -> Any:
        """Creates one by the SDK, which waits until execd answers. With `snapshot_id` there is no image."""
        arguments = {"resource": RESOURCE, "connection_config": sdk.config} | arguments
        images = () if "snapshot_id" in arguments else (image or self._cluster.image,)
        sandbox = sdk(sdk.Sandbox.create(*images, **arguments))
        self.made.append(sandbox.id)
        return sandbox

    def post(self, wire: Wire, body: dict[str, Any] | None = None, **headers: str) -> Answer:
        """Creates one by HTTP; `body` is what differs from a small sandbox. A member that is None is left out."""
        answer = wire.send("POST", "/v1/sandboxes", self.body(body), **headers)
        if answer.status == 202:
            self.made.append(answer.json["id"])
        return answer

    def body(self, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """The body of a request that creates one."""
        whole = {
            "image": {"uri": self._cluster.image}, "entrypoint": ["tail", "-f", "/dev/null"], "resourceLimits": RESOURCE,
            "timeout": 600,
        } | (body or {})
        return {name: value for name, value in whole.items() if value is not None}


def run(sdk: Sdk, sandbox: Any, command: str) -> str:
    """What a shell command prints in a sandbox. It must succeed."""
    execution = sdk(sandbox.commands.run(command))
    printed = "".join(message.text for message in execution.logs.stdout)
    assert execution.exit_code == 0, f"{command!r} ended with {execution.error}: {printed} {execution.logs.stderr}"
    return printed


def status(wire: Wire, sandbox_id: str) -> dict[str, Any]:
    """The status of a sandbox."""
    return wire.get(f"/v1/sandboxes/{sandbox_id}").json["status"]


def wait_for_state(wire: Wire, sandbox_id: str, state: str, reason: str | None = None, seconds: float = 60) -> dict[str, Any]:
    """Asks until a sandbox is in a state, with a reason if one is named; answers its status."""
    deadline = time.monotonic() + seconds
    while True:
        found = status(wire, sandbox_id)
        if found["state"] == state and reason in (None, found.get("reason")):
            return found
        assert time.monotonic() < deadline, f"still {found} and not {state} ({reason}) after {seconds:.0f} s"
        time.sleep(0.1)


def wait_for_snapshot(wire: Wire, snapshot_id: str, *states: str, seconds: float = 60) -> dict[str, Any]:
    """Asks until a snapshot is in one of some states, and answers it."""
    deadline = time.monotonic() + seconds
    while True:
        snapshot = wire.get(f"/v1/snapshots/{snapshot_id}").json
        if snapshot["status"]["state"] in states:
            return snapshot
        assert time.monotonic() < deadline, f"still {snapshot['status']} and not {states} after {seconds:.0f} s"
        time.sleep(0.1)
