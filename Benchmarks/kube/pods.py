"""Many pods in a namespace of their own."""

import json
import os
import time

from kube.api_server import ApiError, ApiServer, Request
from kube.sandbox_pod import pod_name, running_status, sandbox_pod

#: How many requests delete them: the server deletes the objects of one after the other, and gives up after half a minute.
_PARTS = 40


class Pods:
    """Makes them, changes them, and takes them away."""

    def __init__(self, server: ApiServer, count: int) -> None:
        self._server = server
        self.count = count
        self.namespace = f"stasis-bench-{os.getpid()}"
        self.path = f"/api/v1/namespaces/{self.namespace}/pods"
        self.names = [pod_name(number) for number in range(count)]
        self._step = 0

    def create(self) -> None:
        """Makes the namespace and the pods, and says of each that it runs."""
        namespace = f"/api/v1/namespaces/{self.namespace}"
        self._server.send("POST", "/api/v1/namespaces", {"metadata": {"name": self.namespace}})
        try:
            # Pods need it, and the controller that makes it would have us wait.
            self._server.send("POST", f"{namespace}/serviceaccounts", {"metadata": {"name": "default"}})
        except ApiError as error:
            if "AlreadyExists" not in str(error):
                raise
        self._server.send_all(
            Request("POST", f"{self.path}?fieldManager=stasis-controller", sandbox_pod(number, number % _PARTS)) for number in range(self.count)
        )
        self._server.send_all(
            Request("PATCH", f"{self.path}/{name}/status?fieldManager=kubelet", running_status(number))
            for number, name in enumerate(self.names)
        )

    def version(self) -> str:
        """The state of the cluster."""
        return self._server.send("GET", f"{self.path}?limit=1")["metadata"]["resourceVersion"]

    def change(self, limit: int, seconds: float) -> tuple[int, str]:
        """Changes an annotation of one pod after the other, until a limit or for so long, and answers how many changes that
        were and the version of the last one."""
        deadline = time.monotonic() + seconds
        first = self._step
        self._server.send_all(
            self._activity(self.names[number % self.count])
            for number in range(limit - 1)
            if time.monotonic() < deadline
        )
        # All others are before it.
        last = json.loads(self._server.read(self._activity(self.names[0])))
        return self._step - first, last["metadata"]["resourceVersion"]

    def page(self, count: int) -> bytes:
        """Some of them as the server lists them."""
        return self._server.read(Request("GET", f"{self.path}?limit={count}"))

    def delete(self) -> None:
        """Takes the pods and the namespace away."""
        options = {"gracePeriodSeconds": 0, "propagationPolicy": "Background"}
        try:
            self._server.send_all(
                Request("DELETE", f"{self.path}?labelSelector=part%3D{part}", options) for part in range(_PARTS)
            )
        finally:
            # What is left goes with it, in the server's own time.
            self._server.send("DELETE", f"/api/v1/namespaces/{self.namespace}")

    def _activity(self, name: str) -> Request:
        self._step += 1
        annotations = {"sandbox.example.com/activity": f"{self._step:08}"}
        path = f"{self.path}/{name}?fieldManager=stasis-server"
        return Request("PATCH", path, {"metadata": {"annotations": annotations}})
