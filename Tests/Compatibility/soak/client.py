"""What is asked of the servers and of sandboxes while any of them may be away."""

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from typing import Any

from soak.kube import Object
from soak.model import Box
from soak.world import World
from testbed import ClusterServer
from wire import Answer, Wire

#: Where execd is, in every sandbox.
_EXECD = 44772

#: What a server says that cannot do it now.
_NOT_NOW = (500, 502, 503, 504)


class Violation(AssertionError):
    """Something was found that must never be."""


class Client:
    """Asks either server, or Kubernetes."""

    def __init__(self, world: World) -> None:
        self._world = world

    def send(self, server: ClusterServer, method: str, path: str, body: Any = None, **headers: str) -> Answer | None:
        """What a server answers; None if it does not, or cannot now. It may have done it all the same."""
        try:
            answer = Wire(server.address, server.key).send(method, path, body, **headers)
        except (OSError, http.client.HTTPException):
            return None
        return None if answer.status in _NOT_NOW else answer

    def insist(self, server: ClusterServer, method: str, path: str, body: Any = None, seconds: float = 90, **headers: str) -> Answer:
        """Asks until there is an answer. What is asked for may be asked for twice."""
        deadline = time.monotonic() + seconds
        while (answer := self.send(server, method, path, body, **headers)) is None:
            if time.monotonic() > deadline:
                raise Violation(f"{method} {path} has had no answer for {seconds:.0f} s")
            time.sleep(0.3)
        return answer

    def object(self, plural: str, name: str) -> Object | None:
        """An object as the API server has it."""
        return self._world.kube.get(plural, name)

    def run(self, box: Box, script: str, server: ClusterServer | None = None, seconds: float = 20) -> str | None:
        """What a script prints in a sandbox that is asked directly, or through a server; None if there is no answer, or only a part."""
        if server is None:
            if not self.locate(box):
                return None
            url = f"http://{box.address}/cgi-bin/sh"
        else:
            url = f"http://{server.address}/v1/sandboxes/{box.id}/proxy/{_EXECD}/cgi-bin/sh"
        # Addresses are given away again: whoever has it now is not to do it.
        script = f'case "$OPENSANDBOX_ID" in {box.id}|"") ;; *) exit 97 ;; esac\n{script}'
        try:
            with urllib.request.urlopen(urllib.request.Request(url, script.encode()), timeout=seconds) as answer:
                printed = answer.read().decode()
        except (OSError, http.client.HTTPException, urllib.error.URLError, socket.timeout):
            return None
        output, _, last = printed.rstrip("\n").rpartition("\n")
        return output if last == "exit 0" else None

    def locate(self, box: Box) -> bool:
        """Whether it is known where a sandbox can be asked directly."""
        if box.address is None:
            answer = self.send(self._world.steady, "GET", f"/v1/sandboxes/{box.id}/endpoints/{_EXECD}")
            box.address = answer.json["endpoint"] if answer and answer.status == 200 else None
        return box.address is not None


def phase(sandbox: Object) -> str | None:
    return sandbox.get("status", {}).get("phase")


def condition(item: Object, kind: str) -> Object | None:
    """A condition that is true."""
    for found in item.get("status", {}).get("conditions", []):
        if found["type"] == kind and found["status"] == "True":
            return found
    return None


def intent(sandbox: Object) -> Object:
    """What the controller has read of the wishes of a sandbox's owner."""
    text = sandbox["metadata"].get("annotations", {}).get("stasis.dev/intent")
    return json.loads(text) if text else {"statements": 0}


def has_answered(sandbox: Object, before: int, where: str) -> bool:
    """Whether a wish that was stated after `before` others has been dealt with, and has left the sandbox in a phase of its machine.

    The status may tell of the wish before for a moment, so the record decides, which is written first.
    """
    read = intent(sandbox)
    record = json.loads(sandbox["metadata"].get("annotations", {}).get("stasis.dev/record", "{}"))
    if read.get("pause") is not (where == "running") or read["statements"] <= before or record.get("acknowledged", 0) < read["statements"]:
        return False
    return all(where in member["recorded"]["phase"] for member in record["members"])


def reason(found: Object | None) -> str:
    return f"{found.get('reason')}: {found.get('message')}" if found else "no reason"


def short(item: Object | None) -> str:
    """What matters of an object, for whoever reads that something is wrong with it."""
    if item is None:
        return "nothing"
    metadata = {name: item["metadata"].get(name) for name in ("name", "generation", "deletionTimestamp", "finalizers", "annotations")}
    return json.dumps({"metadata": metadata, "spec.pause": item.get("spec", {}).get("pause"), "status": item.get("status")})[:4000]
