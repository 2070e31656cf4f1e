"""A cluster with its server, and a machine with its own, between which sandboxes move. Each reaches the other through a proxy."""

import base64
import json
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from proxy import HoldingProxy
from sdk import Sdk
from testbed import Cluster, ClusterServer, Shell
from testbed.containerd import Containerd
from testbed.server import Server
from testbed.traces import everything_left
from wire import Answer, Wire

# It runs on both sides: where execd is, it answers on the responder's port.
ENTRYPOINT = ["sh", "-c", "test -e /opt/opensandbox/execd && exec tail -f /dev/null; exec stasis-responder"]
RESOURCE = {"memory": "64Mi"}
OPEN = {"Pausing", "Sending", "Ready", "Arriving", "Withdrawing", "Leaving", "Returning"}


class Side:
    """One of the two: its server, and the proxy by which the other side reaches it."""

    def __init__(self, name: str, server: Server | ClusterServer, proxy: HoldingProxy, other: str, made: list[str]) -> None:
        self.name = name
        self.server = server
        self.proxy = proxy
        self.other = other  # what it calls the other side
        self._made = made
        self.wire = Wire(server.address, server.key)
        self.sdk = Sdk(False, server.address, server.key)

    def state(self, sandbox_id: str) -> str | None:
        """The state of a sandbox; None if there is none, or nobody to ask."""
        try:
            answer = self.wire.get(f"/v1/sandboxes/{sandbox_id}")
        except OSError:
            return None
        return answer.json["status"]["state"] if answer.status == 200 else None

    def run(self, sandbox_id: str, script: str) -> str:
        """What a script prints in a sandbox."""
        if self.name == "machine":
            shell = Shell(self.sdk.manager and self.endpoint(sandbox_id))
            shell.wait()
            return shell.run(script)
        sandbox = self.sdk(self.sdk.Sandbox.connect(sandbox_id, connection_config=self.sdk.config))
        execution = self.sdk(sandbox.commands.run(script))
        assert execution.exit_code == 0, execution
        return "".join(message.text + "\n" for message in execution.logs.stdout)

    def endpoint(self, sandbox_id: str) -> str:
        return self.wire.get(f"/v1/sandboxes/{sandbox_id}/endpoints/44772").json["endpoint"]

    def create(self, image: str, **more: Any) -> str:
        body = {"image": {"uri": image}, "entrypoint": ENTRYPOINT, "resourceLimits": RESOURCE, "timeout": 1200} | more
        answer = self.wire.send("POST", "/v1/sandboxes", body)
        assert answer.status == 202, answer.body
        self._made.append(answer.json["id"])
        return answer.json["id"]

    def start(self, sandbox_id: str, **more: Any) -> Answer:
        """Begins a move to the other side."""
        return self.wire.send("POST", f"/v1/sandboxes/{sandbox_id}/move", {"target": {"name": self.other}} | more)

    def move(self, sandbox_id: str) -> dict[str, Any] | None:
        """The move of a sandbox; None if there is none, or nobody to ask."""
        try:
            answer = self.wire.get(f"/v1/sandboxes/{sandbox_id}/move")
        except OSError:
            return None
        return answer.json if answer.status == 200 else None

    def finish(self, sandbox_id: str, seconds: float = 120) -> dict[str, Any]:
        """The move of a sandbox when it is over; of one that is deleted, as it was last."""
        deadline = time.monotonic() + seconds
        last: dict[str, Any] = {}
        while True:
            try:
                answer = self.wire.get(f"/v1/sandboxes/{sandbox_id}/move")
                if answer.status == 404 and last.get("movedTo"):
                    return last
                # A server that has just begun does not know yet what there is.
                assert answer.status == 200 or answer.status >= 500, (answer.body, last)
                if answer.status == 200:
                    last = answer.json
                    if last["phase"] not in OPEN:
                        return last
            except OSError:
                pass
            assert time.monotonic() < deadline, f"it still moves after {seconds:.0f} s: {last}"
            time.sleep(0.1)


class World:
    """The two sides, `cluster` and `machine`, and what their sandboxes are made from."""

    def __init__(self, folder: Path, kube: Cluster, program: Path, containerd: Containerd, shared: bool) -> None:
        """shared -- whether both keep snapshots in one registry; else the machine keeps them in a folder of its own."""
        login = json.loads(Path(kube.environment["STASIS_TESTBED_LOGIN"]).read_text())["auths"]
        user, _, password = base64.b64decode(login[kube.snapshot_registry]["auth"]).decode().partition(":")
        to_cluster, to_machine = HoldingProxy(), HoldingProxy()
        prefix = f"{kube.snapshot_registry}/{kube.namespace}"
        chosen = "allow_chosen_ids = true"
        key = secrets.token_hex(16)
        keyfile = folder / "key"
        keyfile.write_text(key + "\n")
        push = "" if shared else f'push_to = "{prefix}/arrivals"'
        target = f"""
[move]
patience_seconds = 20

[move.targets.cluster]
url = "http://{to_cluster.address}"
api_key_file = "{keyfile}"
pull_username = "{user}"
pull_password = "{password}"
{push}
"""
        local = f'registry_config = "{kube.environment["STASIS_TESTBED_LOGIN"]}"\ninsecure_registries = ["{kube.snapshot_registry}", "{kube.registry}"]'
        store = f"{prefix}/machine" if shared else f"oci:{folder}/snapshots"
        self.containerd = containerd
        self.local = Server(program, folder / "server", containerd, store, target, chosen, local)
        to_machine.upstream = self.local.address
        # Servers of one namespace carry out each other's moves, to targets whose names they know.
        machine = "machine" if shared else "other-machine"
        back = f"""
[move]
patience_seconds = 20

[move.targets.{machine}]
url = "http://{to_machine.address}/"
api_key = "{self.local.key}"
"""
        self.kube = kube
        self.remote = kube.server(f'snapshot_pull_secret = "{kube.pull_secret}"', back, key, chosen)
        to_cluster.upstream = self.remote.address
        self.made: list[str] = []
        self.cluster = Side("cluster", self.remote, to_cluster, machine, self.made)
        self.machine = Side("machine", self.local, to_machine, "cluster", self.made)

    def other(self, side: Side) -> Side:
        return self.machine if side is self.cluster else self.cluster

    def close(self) -> None:
        for side in (self.cluster, self.machine):
            for sandbox_id in self.made:
                side.wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}")
        deadline = time.monotonic() + 60
        while left := self.left():
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.3)
        for side in (self.cluster, self.machine):
            side.proxy.close()
            side.sdk.close()
        # What keeps a creation from coming late is no sandbox, and would go by itself one day.
        refusals = [f"batchsandbox/{name}" for name, is_refusal in self.objects() if is_refusal]
        if refusals:
            self.kube.kubectl("delete", *refusals, "--timeout=60s")

    def end(self) -> None:
        """Ends both servers: every server of a namespace takes part in its moves, and this one's machine goes."""
        self.remote.stop()
        self.local.stop()

    def objects(self) -> list[tuple[str, bool]]:
        """The cluster's objects, and whether they only keep a request from making a sandbox."""
        items = json.loads(self.kube.kubectl("get", "batchsandboxes", "--output=json"))["items"]
        found = [item["metadata"] for item in items]
        return [(metadata["name"], "stasis.dev/refused-request" in metadata.get("annotations", {})) for metadata in found]

    def end_of_log(self, lines: int = 40) -> str:
        """What both servers have said last."""
        return f"{self.local.end_of_log()}\n-- the cluster's server:\n{self.remote.end_of_log(lines)}"

    def left(self) -> list[str]:
        """What sandboxes have left on either side."""
        # What keeps a creation from coming late is no sandbox.
        refusals = {f"batchsandbox.sandbox.opensandbox.io/{name}" for name, is_refusal in self.objects() if is_refusal}
        names = self.kube.kubectl("get", "batchsandboxes,sandboxsnapshots,pods,jobs,secrets", "--output=name").split()
        ours = [name for name in names if any(sandbox_id in name for sandbox_id in self.made) and name not in refusals]
        return ours + everything_left(self.containerd, self.local)


@contextmanager
def world(kube: Cluster, program: Path, shared: bool) -> Iterator[World]:
    folder = Path(tempfile.mkdtemp(prefix="stasis-moves-"))
    containerd = Containerd(folder / "containerd", namespace="stasis")
    made: World | None = None
    try:
        made = World(folder, kube, program, containerd, shared)
        yield made
        made.close()
    finally:
        if made:
            made.end()
        containerd.stop()
        shutil.rmtree(folder, ignore_errors=True)


class Watch:
    """Looks at both sides all the time: a sandbox must not run on both."""

    def __init__(self, world: World, sandbox_id: str) -> None:
        self._world, self._id = world, sandbox_id
        self.faults: list[tuple[str, str]] = []
        self._over = threading.Event()

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        assert not self.faults, f"it ran twice: {self.faults}"

    def _look(self) -> None:
        while not self._over.wait(0.05):
            # Both looks have to find it running for longer than a look takes, or one may be from before and one from after.
            states = [(self._world.cluster.state(self._id), self._world.machine.state(self._id)) for _ in range(2)]
            if states[0] == states[1] == ("Running", "Running"):
                self.faults.append(states[0])


def until(found: Callable[[], Any], seconds: float = 60) -> Any:
    """What is found, as soon as there is something."""
    deadline = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
    return result
