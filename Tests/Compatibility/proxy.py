"""An HTTP proxy before a server, that holds a request of the test's choice back, before or after the server has answered it."""

import socket
import threading
from dataclasses import dataclass, field

from testbed.daemon import free_port


@dataclass
class Hold:
    """A request that is held back once: that whose first line contains a text."""

    part: str
    answered: bool  # whether the server gets it, so that only the answer is held back
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    is_cut: bool = False

    def wait(self, seconds: float = 60) -> None:
        assert self.held.wait(seconds), f"nothing that contains {self.part!r} was asked for"

    def release(self) -> None:
        """Lets it go on."""
        self.released.set()

    def cut(self) -> None:
        """Closes the client's connection: nobody hears of the answer. What is held before the server stays so until `release`."""
        self.is_cut = True
        self.released.set()


class HoldingProxy:
    """Listens at `address`; `upstream` is the `host:port` of the server, and may be set later. `asked` has the first lines."""

    def __init__(self, upstream: str = "") -> None:
        self.upstream = upstream
        self.address = f"127.0.0.1:{free_port()}"
        self.is_down = False
        self.asked: list[str] = []
        self._holds: list[Hold] = []
        self._lock = threading.Lock()
        host, port = self.address.split(":")
        self._listener = socket.create_server((host, int(port)))
        threading.Thread(target=self._accept, daemon=True).start()

    def hold(self, part: str, answered: bool = False) -> Hold:
        hold = Hold(part, answered)
        with self._lock:
            self._holds.append(hold)
        return hold

    def close(self) -> None:
        self._listener.close()
        with self._lock:
            for hold in self._holds:
                hold.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # One request a connection is all that the servers' clients send.
        with client:
            try:
                request = _message(client)
                line = request.split(b"\r\n", 1)[0].decode()
                with self._lock:
                    if self.is_down or not request:
                        return
                    self.asked.append(line)
                    hold = next((hold for hold in self._holds if hold.part in line and not hold.held.is_set()), None)
                    if hold and not hold.answered:
                        hold.held.set()
                if hold and not hold.answered:
                    hold.released.wait(120)
                    if hold.is_cut:
                        return
                host, port = self.upstream.split(":")
                with socket.create_connection((host, int(port)), timeout=10) as server:
                    server.settimeout(200)
                    head, _, body = request.partition(b"\r\n\r\n")
                    server.sendall(head + b"\r\nConnection: close\r\n\r\n" + body)
                    answer = b"".join(iter(lambda: server.recv(65536), b""))
                if hold and hold.answered:
                    with self._lock:
                        hold.held.set()
                    hold.released.wait(120)
                    if hold.is_cut:
                        return
                client.sendall(answer)
            except OSError:
                return


def _message(client: socket.socket) -> bytes:
    """A request with its body, whose length it tells."""
    message = b""
    while b"\r\n\r\n" not in message:
        piece = client.recv(65536)
        if not piece:
            return b""
        message += piece
    head, _, body = message.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while lengths and len(body) < int(lengths[0]):
        body += client.recv(65536)
    return head + b"\r\n\r\n" + body
