"""A stand-in for agent-sandbox's own controller, which Debian does not have: what its documents promise of a Sandbox's pod and status."""

import json
import ssl
import threading
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from testbed import Cluster

#: Upstream's definitions, as far as they matter here.
DEFINITIONS = Path(__file__).resolve().parents[2] / "AgentSandboxDefinitions"

Object = dict[str, Any]


class AgentSandboxController:
    """Makes the pod of each Sandbox of some namespaces, deletes it when the Sandbox is suspended, and tells whether it is ready. A context
    manager."""

    def __init__(self, cluster: Cluster, namespaces: list[str]) -> None:
        self._api = cluster.environment["STASIS_TESTBED_API"]
        self._token = Path(cluster.environment["STASIS_TESTBED_TOKEN"]).read_text().strip()
        self._tls = ssl.create_default_context(cafile=cluster.environment["STASIS_TESTBED_AUTHORITY"])
        self._namespaces = namespaces
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> "AgentSandboxController":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()
        if self._thread.ident:
            self._thread.join()

    def _work(self) -> None:
        while not self._ended.wait(0.3):
            for namespace in self._namespaces:
                pods = self._ask("GET", f"/api/v1/namespaces/{namespace}/pods")
                sandboxes = self._ask("GET", f"/apis/agents.x-k8s.io/v1beta1/namespaces/{namespace}/sandboxes")
                for sandbox in (sandboxes or {}).get("items", []):
                    if pods and not sandbox["metadata"].get("deletionTimestamp"):
                        self._see_to(namespace, sandbox, pods["items"])

    def _see_to(self, namespace: str, sandbox: Object, pods: list[Object]) -> None:
        name, uid = sandbox["metadata"]["name"], sandbox["metadata"]["uid"]
        pod = next((pod for pod in pods if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences", []))), None)
        path = f"/api/v1/namespaces/{namespace}/pods"
        suspended = sandbox["spec"].get("operatingMode") == "Suspended"
        if suspended and pod and not pod["metadata"].get("deletionTimestamp"):
            self._ask("DELETE", f"{path}/{pod['metadata']['name']}")
        elif not suspended and not pod:
            owner = {
                "apiVersion": sandbox["apiVersion"], "kind": "Sandbox", "name": name, "uid": uid, "controller": True, "blockOwnerDeletion": True,
            }
            metadata = {"name": name, "ownerReferences": [owner]}
            self._ask("POST", path, {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": sandbox["spec"]["podTemplate"]["spec"]})
        self._tell(namespace, sandbox, pod, suspended)

    def _tell(self, namespace: str, sandbox: Object, pod: Object | None, suspended: bool) -> None:
        states = {condition["type"]: condition["status"] for condition in (pod or {}).get("status", {}).get("conditions", [])}
        ready = not suspended and states.get("Ready") == "True"
        told = [
            ("Ready", str(ready), "DependenciesReady" if ready else "SandboxSuspended" if suspended else "DependenciesNotReady"),
            ("Suspended", str(suspended and not pod), "PodTerminated" if suspended and not pod else "NotSuspended"),
        ]
        conditions = [
            {
                "type": kind, "status": status, "reason": reason, "message": reason, "lastTransitionTime": "2026-01-01T00:00:00Z",
                "observedGeneration": sandbox["metadata"]["generation"],
            }
            for kind, status, reason in told
        ]
        if sandbox.get("status", {}).get("conditions") != conditions:
            path = f"/apis/agents.x-k8s.io/v1beta1/namespaces/{namespace}/sandboxes/{sandbox['metadata']['name']}/status"
            self._ask("PATCH", path, {"status": {"conditions": conditions}})

    def _ask(self, method: str, path: str, body: Object | None = None) -> Object | None:
        """What the API server answers; None where somebody else was faster: it is looked again soon."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": kind}
        request = urllib.request.Request(self._api + path, json.dumps(body).encode() if body else None, headers, method=method)
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=20) as answer:
                found: Object = json.load(answer)
                return found
        except urllib.error.HTTPError as error:
            # Also 403: nothing is made any more in a namespace that ends.
            if error.code in (403, 404, 409):
                return None
            raise
