"""A loopback server that answers each connection's request as it is told."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable


class Loopback:
    """Calls `answer(connection, over)` for each connection, after its request; `over` is set at the end."""

    def __init__(self, answer: Callable[[socket.socket, threading.Event], None]) -> None:
        self._answer = answer
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                read_request(connection)
                self._answer(connection, self._over)
            except OSError:
                return

    def close(self) -> None:
        self._over.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # or the thread would wait in accept() for ever
        self._listener.close()


def read_request(connection: socket.socket) -> None:
    """Read one request whole: closing a socket with unread bytes would reset the connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += received(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += received(connection)


def received(connection: socket.socket) -> bytes:
    """The next piece. Raises ConnectionError where the client has left."""
    if piece := connection.recv(65536):
        return piece
    raise ConnectionError
