"""The API server, for all that prepares and is not measured: over several connections, with nothing between us and HTTP."""

import http.client
import json
import ssl
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from urllib.parse import urlsplit

from kube.cluster import Cluster

_CONNECTIONS = 12
#: How often a request is sent that may succeed later.
_ATTEMPTS = 20
_MERGE = "application/merge-patch+json"


class ApiError(Exception):
    """The API server refused something; what it said is in the message."""


@dataclass(frozen=True)
class Request:
    """One request; its body is a JSON document, and a merge patch if the method is PATCH."""

    method: str
    path: str
    body: dict | None = None


class ApiServer:
    """Sends requests, one or many."""

    def __init__(self, cluster: Cluster) -> None:
        address = urlsplit(cluster.address)
        self._host, self._port = address.hostname, address.port
        self._tls = ssl.create_default_context(cafile=cluster.authority)
        self._token = cluster.token

    def send(self, method: str, path: str, body: dict | None = None) -> dict:
        """Sends one request and answers what the server says."""
        return json.loads(self.read(Request(method, path, body)))

    def read(self, request: Request) -> bytes:
        """Sends one request and answers what the server says, as it came."""
        connection = self._connect()
        try:
            return self._send(connection, request)
        finally:
            connection.close()

    def send_all(self, requests: Iterable[Request]) -> None:
        """Sends many requests, in no order, and takes each when there is a connection for it. Raises the first error, when all
        connections have ended."""
        waiting = iter(requests)
        turn = Lock()

        def take() -> Request | None:
            with turn:
                return next(waiting, None)

        def work() -> None:
            connection = self._connect()
            try:
                while request := take():
                    self._send(connection, request)
            finally:
                connection.close()

        with ThreadPoolExecutor(_CONNECTIONS) as threads:
            for worker in [threads.submit(work) for _ in range(_CONNECTIONS)]:
                worker.result()

    def _connect(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection(self._host, self._port, context=self._tls, timeout=120)

    def _send(self, connection: http.client.HTTPSConnection, request: Request) -> bytes:
        headers = {"Authorization": f"Bearer {self._token}"}
        if request.body is not None:
            headers["Content-Type"] = _MERGE if request.method == "PATCH" else "application/json"
        body = None if request.body is None else json.dumps(request.body)
        for _ in range(_ATTEMPTS):
            connection.request(request.method, request.path, body, headers)
            response = connection.getresponse()
            text = response.read()
            # A deletion of many may take the server too long; the next one finds fewer.
            is_too_long = request.method == "DELETE" and response.status >= 500
            if response.status != 429 and not is_too_long:
                break
            time.sleep(float(response.headers.get("Retry-After", 1)))
        if response.status >= 300:
            raise ApiError(f"{request.method} {request.path}: {response.status} {text[:1000].decode(errors='replace')}")
        return text
