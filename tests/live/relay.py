"""A proxy in front of the server that loses on purpose what networks lose by accident."""

from __future__ import annotations

import socket
import threading
from typing import Literal, TypeAlias

Loss: TypeAlias = Literal["nothing", "the request", "the answer", "the rest of the stream"]


class Relay:
    """Hands every request to the server. Of a call it loses what `lose` says; a request that asks (GET) arrives whole."""

    def __init__(self, base_url: str) -> None:
        host, _, port = base_url.rpartition("//")[2].partition(":")
        self._server = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.lose: Loss = "nothing"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._hand_over, args=(client,), daemon=True).start()

    def _hand_over(self, client: socket.socket) -> None:
        with client:
            try:
                request = _read_request(client)
                lose = self.lose if request.startswith(b"POST") else "nothing"
                if request and lose != "the request":
                    with socket.create_connection(self._server) as server:
                        server.sendall(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
                        _answer(server, client, lose)
            except OSError:
                return


def _read_request(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    missing = int(lengths[0]) - len(body) if lengths else 0
    while missing > 0:
        piece = client.recv(65536)
        data, missing = data + piece, missing - len(piece)
    return data


def _answer(server: socket.socket, client: socket.socket, lose: Loss) -> None:
    seen = b""
    while piece := server.recv(65536):
        seen += piece
        if lose == "the answer":
            continue
        client.sendall(piece)
        if lose == "the rest of the stream" and b'"event":"token","data":"Echo' in seen:
            return
