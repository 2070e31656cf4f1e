"""Raw HTTP to the server, for what the SDK hides."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, list[str]]  # by lower-case name
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """The status and the code of an error, whose body has a code and a message and nothing else."""
        assert self.json.keys() == {"code", "message"}, self.json
        assert self.json["message"], "an error without a message"
        return self.status, self.json["code"]


class Wire:
    """One server, and the API key to send (none: no header)."""

    def __init__(self, address: str, key: str | None) -> None:
        self.address = address
        self.key = key

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("GET", path, **headers)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Sends a request; a body that is not bytes goes as JSON. Header names are written with underscores."""
        content = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"http://{self.address}{path}", method=method, data=content)
        if self.key is not None:
            request.add_header("OPEN-SANDBOX-API-KEY", self.key)
        if content is not None:
            request.add_header("Content-Type", "application/json")
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, _headers(response.headers), response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, _headers(error.headers), error.read())


def _headers(message: Any) -> dict[str, list[str]]:
    names = {name.lower() for name in message.keys()}
    return {name: message.get_all(name) for name in names}
