"""Transports that answer from memory, for httpx: what is left is the work of the caller's side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

import httpx

from benchmarks.server import HELLO

_HEADERS = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", b"%d" % len(HELLO))]


class Pieces(httpx.SyncByteStream):
    """A body that is handed out piece by piece, and counts them."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.given += 1
            yield piece


def _at_once(_: httpx.HTTPTransport, __: httpx.Request) -> httpx.Response:
    return httpx.Response(200, headers=_HEADERS, stream=Pieces([HELLO]))


@contextmanager
def answered_from_memory() -> Iterator[None]:
    """All that httpx sends is given the same short answer at once, below the client, whoever made that."""
    with mock.patch.object(httpx.HTTPTransport, "handle_request", _at_once):
        yield


class Streaming(httpx.BaseTransport):
    """The same stream, whatever is asked."""

    def __init__(self, body: Pieces) -> None:
        self._body = body

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """At once."""
        return httpx.Response(200, headers=[(b"content-type", b"text/event-stream")], stream=self._body)
