"""Loopback servers that misbehave on purpose, byte by byte."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Script = Callable[[socket.socket, threading.Event], None]
LONGEST = 10.0  # seconds that a server misbehaves at most: whoever waits for ever fails then, and does not hang


def ticks(over: threading.Event, seconds: float) -> Iterator[None]:
    """Every so often until the test is over, but not for ever."""
    end = time.monotonic() + LONGEST
    while not over.wait(seconds) and time.monotonic() < end:
        yield


class Server:
    """Runs a script for each connection and counts requests. `over` is set when the test is over."""

    def __init__(self, script: Script) -> None:
        self.requests: list[bytes] = []
        self.over = threading.Event()
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
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
                while request := read_request(connection):
                    self.requests.append(request)
                    self._script(connection, self.over)
            except OSError:
                return

    def close(self) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # or the thread would wait in accept() for ever
        self._listener.close()


def read_request(connection: socket.socket) -> bytes:
    """One request, whole; nothing where the client has left before its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (piece := connection.recv(65536)):
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < int(lengths[0] if lengths else 0):
        if not (piece := connection.recv(65536)):
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


@contextmanager
def serving(script: Script) -> Iterator[Server]:
    server = Server(script)
    try:
        yield server
    finally:
        server.close()


def answer(status: str, body: bytes = b"{}", *headers: str, content_type: str = "application/json") -> Script:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", f"Content-Type: {content_type}", *headers]
    return lambda connection, _: connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)


def silence(connection: socket.socket, over: threading.Event) -> None:
    over.wait(LONGEST)
    connection.shutdown(socket.SHUT_RDWR)


def drip_body(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n")
    _drip(connection, over)


def drip_headers(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    _drip(connection, over)


def _drip(connection: socket.socket, over: threading.Event) -> None:
    for _ in ticks(over, 0.02):
        connection.sendall(b"x")
    connection.shutdown(socket.SHUT_RDWR)


def half_a_body(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nContent-Type: application/json\r\n\r\n{"text": "ha')
    connection.shutdown(socket.SHUT_RDWR)


def half_an_error(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\n<html>")
    connection.shutdown(socket.SHUT_RDWR)


def hang_up(connection: socket.socket, _: threading.Event) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def body_then_silence(connection: socket.socket, over: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
    over.wait(LONGEST)
    connection.shutdown(socket.SHUT_RDWR)


def broken_gzip(connection: socket.socket, _: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")
