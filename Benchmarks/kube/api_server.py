"""The API server, for all that prepares and is not measured: over several connections, with nothing between us and HTTP."""

import http.client
import json
import ssl
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
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
        with closing(self.connect()) as connection:
            return connection.read(request)

    def connect(self) -> "Connection":
        """A connection for several requests, one after the other."""
        connection = http.client.HTTPSConnection(self._host, self._port, context=self._tls, timeout=120)
        return Connection(connection, self._token)

    def send_all(self, requests: Iterable[Request]) -> None:
        """Sends many requests, in no order, and takes each when there is a connection for it. Raises the first error, when all
        connections have ended."""
        connections = [self.connect() for _ in range(_CONNECTIONS)]
        try:
            send_over(connections, requests)
        finally:
            for connection in connections:
                connection.close()


class Connection:
    """One connection, kept open; for one thread at a time."""

    def __init__(self, connection: http.client.HTTPSConnection, token: str) -> None:
        self._connection = connection
        self._token = token

    def close(self) -> None:
        """Closes it."""
        self._connection.close()

    def open(self) -> None:
        """Opens it, which the first request would do."""
        self._connection.connect()

    def read(self, request: Request) -> bytes:
        """Sends one request and answers what the server says, as it came."""
        headers = {"Authorization": f"Bearer {self._token}"}
        if request.body is not None:
            headers["Content-Type"] = _MERGE if request.method == "PATCH" else "application/json"
        body = None if request.body is None else json.dumps(request.body)
        for _ in range(_ATTEMPTS):
            self._connection.request(request.method, request.path, body, headers)
            response = self._connection.getresponse()
            text = response.read()
            # A deletion of many may take the server too long; the next one finds fewer.
            is_too_long = request.method == "DELETE" and response.status >= 500
            if response.status != 429 and not is_too_long:
                break
            time.sleep(float(response.headers.get("Retry-After", 1)))
        if response.status >= 300:
            raise ApiError(f"{request.method} {request.path}: {response.status} {text[:1000].decode(errors='replace')}")
        return text


def send_over(connections: list[Connection], requests: Iterable[Request]) -> None:
    """Sends many requests over some connections, in no order. Raises the first error, when all have ended."""
    waiting = iter(requests)
    turn = Lock()

    def take() -> Request | None:
        with turn:
            return next(waiting, None)

    def work(connection: Connection) -> None:
        while request := take():
            connection.read(request)

    with ThreadPoolExecutor(len(connections)) as threads:
        for worker in [threads.submit(work, connection) for connection in connections]:
            worker.result()
