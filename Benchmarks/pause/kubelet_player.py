"""Plays the kubelet for pods that nobody schedules: says of each that it runs, as soon as it is there."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from kube.api_server import ApiServer, Connection, Request
from kube.cluster import Cluster
from kube.watch import watch

#: The scheduler that there is none of: a pod that waits for it is this player's.
NOBODY = "nobody"
#: How many pods it speaks of at a time.
_SPEAKERS = 8


class KubeletPlayer:
    """Works until its end, as a context manager. Notes when each pod was heard of, and when it was said to run."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._server = ApiServer(cluster)
        self._path = f"/api/v1/namespaces/{namespace}/pods"
        self._speakers = ThreadPoolExecutor(_SPEAKERS)
        self._own = threading.local()
        self._lock = threading.Lock()
        self.heard: dict[str, float] = {}
        self.told: dict[str, float] = {}
        #: The address that each pod was given.
        self.addresses: dict[str, str] = {}
        self.failures: list[Exception] = []

    def __enter__(self) -> "KubeletPlayer":
        threading.Thread(target=self._follow, daemon=True).start()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._speakers.shutdown(wait=True, cancel_futures=True)

    def _follow(self) -> None:
        # It ends with the process.
        for event in watch(self._cluster, self._path):
            pod = event["object"]
            name = pod["metadata"]["name"]
            with self._lock:
                if event["type"] != "ADDED" or pod["spec"]["schedulerName"] != NOBODY or name in self.heard:
                    continue
                self.heard[name] = time.monotonic()
                number = len(self.heard)
            self._speakers.submit(self._tell, name, number)

    def _tell(self, name: str, number: int) -> None:
        address = f"10.77.{number >> 8 & 255}.{number & 255}"
        conditions = [{"type": kind, "status": "True"} for kind in ("Initialized", "ContainersReady", "Ready", "PodScheduled")]
        state = {
            "name": "main", "image": "busybox", "imageID": f"busybox@sha256:{0xA5:064x}", "ready": True, "started": True,
            "containerID": f"containerd://{number:064x}", "restartCount": 0, "lastState": {},
            "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
        }
        status = {
            "phase": "Running", "conditions": conditions, "podIP": address, "podIPs": [{"ip": address}],
            "containerStatuses": [state],
        }
        try:
            self._connection().read(Request("PATCH", f"{self._path}/{name}/status", {"status": status}))
        except Exception as error:
            self.failures.append(error)
            return
        with self._lock:
            self.addresses[name] = address
            self.told[name] = time.monotonic()

    def _connection(self) -> Connection:
        """That of the thread; its end closes it."""
        if not hasattr(self._own, "connection"):
            self._own.connection = self._server.connect()
        return self._own.connection
