"""A connection to a server that can be cut, stopped and refused, for whoever connects to `address` instead."""

import socket
import struct
import threading
import time

from testbed.daemon import free_port

#: A close with this option ends a connection at once, as a firewall that has forgotten it does.
_AT_ONCE = struct.pack("ii", 1, 0)


class Link:
    """Passes every byte on, in both directions, as long as nobody interferes."""

    def __init__(self, upstream: str) -> None:
        host, _, port = upstream.rpartition(":")
        self._upstream = (host, int(port))
        self.address = f"127.0.0.1:{free_port()}"
        self._refuses = False
        self._flows = threading.Event()
        self._flows.set()
        self._lock = threading.Lock()
        self._connections: set[socket.socket] = set()
        self._doomed: set[socket.socket] = set()  # those that are not to end in order
        host, _, port = self.address.rpartition(":")
        self._listener = socket.create_server((host, int(port)), backlog=128)
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Ends all connections. New ones are served."""
        with self._lock:
            connections = list(self._connections)
            self._doomed.update(connections)
        for connection in connections:
            _end(connection)

    def refuse(self, seconds: float) -> None:
        """Ends all connections, and every new one, for a while."""
        self._refuses = True
        self.cut()
        time.sleep(seconds)
        self._refuses = False

    def stall(self, seconds: float) -> None:
        """Passes nothing on for a while, and tells nobody."""
        self.hold()
        time.sleep(seconds)
        self.release()

    def hold(self) -> None:
        self._flows.clear()

    def release(self) -> None:
        self._flows.set()

    def close(self) -> None:
        self._refuses = True
        self._flows.set()
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self._refuses:
                _end(client)
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._upstream, timeout=10)
        except OSError:
            _end(client)
            return
        server.settimeout(None)
        pair = (client, server)
        with self._lock:
            self._connections.update(pair)
        back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
        back.start()
        self._pass(client, server)
        back.join()
        with self._lock:
            self._connections.difference_update(pair)
            self._doomed.difference_update(pair)
        for connection in pair:
            connection.close()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while piece := source.recv(65536):
                self._flows.wait()
                target.sendall(piece)
            if source not in self._doomed:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            for connection in (source, target):
                _end(connection)


def _end(connection: socket.socket) -> None:
    """Ends a connection with a reset. Another thread may be reading from it, and a close alone would wait for that."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
        connection.shutdown(socket.SHUT_RD)
    except OSError:
        pass
    connection.close()
