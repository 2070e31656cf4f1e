"""The API server as the tests see it: not through anything that is tried, and with a memory of what there was."""

import http.client
import json
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Object = dict[str, Any]

GROUP = "apis/sandbox.opensandbox.io/v1alpha1"

#: Everything of a namespace that sandboxes, snapshots and pools consist of, or leave.
KINDS = {
    "batchsandboxes": GROUP,
    "sandboxsnapshots": GROUP,
    "pools": GROUP,
    "jobs": "apis/batch/v1",
    "pods": "api/v1",
    "secrets": "api/v1",
    "configmaps": "api/v1",
    "services": "api/v1",
    "persistentvolumeclaims": "api/v1",
    "leases": "apis/coordination.k8s.io/v1",
}


class Kube:
    """One namespace of an API server, asked as the administrator."""

    def __init__(self, environment: dict[str, str], namespace: str) -> None:
        self._base = environment["STASIS_TESTBED_API"]
        self._namespace = namespace
        self._token = Path(environment["STASIS_TESTBED_TOKEN"]).read_text().strip()
        self._context = ssl.create_default_context(cafile=environment["STASIS_TESTBED_AUTHORITY"])

    def list(self, plural: str) -> list[Object]:
        return self._ask("GET", plural)["items"]

    def get(self, plural: str, name: str) -> Object | None:
        try:
            return self._ask("GET", f"{plural}/{name}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def delete(self, plural: str, name: str, at_once: bool = False) -> bool:
        """Whether there was something to delete. at_once -- do not wait for the node."""
        try:
            self._ask("DELETE", f"{plural}/{name}?gracePeriodSeconds=0" if at_once else f"{plural}/{name}")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return False
            raise
        return True

    def watch(self, plural: str) -> Iterator[tuple[Object, bool]]:
        """What there is, and then what comes, changes and goes, until the connection ends; with each whether it is there."""
        answer = self._ask("GET", plural)
        for item in answer["items"]:
            yield item, True
        version = answer["metadata"]["resourceVersion"]
        with self._open("GET", f"{plural}?watch=true&resourceVersion={version}", 600) as events:
            for line in events:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                yield event["object"], event["type"] != "DELETED"

    def _ask(self, method: str, path: str) -> Any:
        with self._open(method, path, 30) as answer:
            return json.load(answer)

    def _open(self, method: str, path: str, seconds: float) -> http.client.HTTPResponse:
        group = KINDS[path.split("/")[0].split("?")[0]]
        url = f"{self._base}/{group}/namespaces/{self._namespace}/{path}"
        request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {self._token}"})
        return urllib.request.urlopen(request, timeout=seconds, context=self._context)


class Census:
    """Who has ever been in the namespace, by UID; and the pods that are in it now, by name."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._lock = threading.Lock()
        self._seen: dict[str, dict[str, str]] = {"pods": {}, "sandboxsnapshots": {}}
        self._jobs: dict[str, Object] = {}
        self._containers: dict[str, str] = {}
        self._over = threading.Event()
        for plural in self._seen:
            threading.Thread(target=self._follow, args=(plural,), daemon=True).start()

    def close(self) -> None:
        self._over.set()

    def uids(self, plural: str) -> dict[str, str]:
        """The names of all that there ever were, by UID."""
        with self._lock:
            return dict(self._seen[plural])

    def containers(self) -> dict[str, str]:
        """The pods of all containers that there ever were, by the containers' IDs."""
        with self._lock:
            return dict(self._containers)

    def job_pods(self) -> list[Object]:
        """The pods of Jobs that have not ended yet."""
        with self._lock:
            return list(self._jobs.values())

    def _follow(self, plural: str) -> None:
        while not self._over.is_set():
            try:
                for item, is_there in self._kube.watch(plural):
                    if self._over.is_set():
                        return
                    self._note(plural, item, is_there)
            except (OSError, ValueError, http.client.HTTPException):
                time.sleep(0.2)

    def _note(self, plural: str, item: Object, is_there: bool) -> None:
        metadata = item["metadata"]
        with self._lock:
            self._seen[plural][metadata["uid"]] = metadata["name"]
            for status in item.get("status", {}).get("containerStatuses", []) if plural == "pods" else ():
                if container := status.get("containerID", "").rpartition("/")[2]:
                    self._containers[container] = metadata["name"]
            if plural == "pods" and "job-name" in metadata.get("labels", {}):
                runs = is_there and item["status"].get("phase") in ("Pending", "Running") and "deletionTimestamp" not in metadata
                if runs:
                    self._jobs[metadata["name"]] = item
                else:
                    self._jobs.pop(metadata["name"], None)
