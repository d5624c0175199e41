"""Answers over httpx and httpx2 whose head has arrived, and whose body is read piece by piece."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import Any

from ..wire import HttpResponse, NoAnswer
from . import loops
from .common import HttpxBase, is_past, left, texts
from .deadline import until
from .inflating import Incoming

_TOGETHER = 128  # chunks of a body that are handed out as one piece, so that a burst takes little memory
_INNER = ("_stream", "_httpcore_stream", "_connection", "_h11_state")  # from a response's stream to its parser


class Opened:
    """An answer whose head has arrived, and whose body is read piece by piece."""

    def __init__(self, transport: HttpxBase, response: Any, max_answer: int) -> None:
        self.head = HttpResponse(response.status_code, texts(response.headers.raw))
        self._transport = transport
        self._response = response
        self._stream = iter(response.stream)  # kept until `close`: given up, it would give the connection back unseen
        incoming = Incoming(self.head.headers, max_answer)
        in_pieces = self.head.content_type == "text/event-stream"
        self._pieces = _read(response, self._stream, incoming, _parser_of(response) if in_pieces else None)

    def read(self, deadline: float | None) -> bytes | NoAnswer:
        """The next bytes; none at the end."""
        try:
            with until(deadline):
                piece = next(filter(None, self._pieces), b"")
        except self._transport.failures as error:
            return self._transport.no_answer(error, deadline)
        return NoAnswer("deadline") if is_past(deadline) else piece

    def read_into(self, pieces: list[bytes], deadline: float | None) -> NoAnswer | None:
        """Read to the end. What comes is in `pieces` also where the answer breaks off, and then why is handed back."""
        try:
            with until(deadline):
                for piece in self._pieces:
                    pieces.append(piece)  # one by one, for it may break off
                    if is_past(deadline):
                        return NoAnswer("deadline")
        except self._transport.failures as error:
            return self._transport.no_answer(error, deadline)
        return NoAnswer("deadline") if is_past(deadline) else None

    def close(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end, or more than it came."""
        if _has_leftovers(self._response):
            _break_off(self._response)
        self._transport.let_go(self._response).close()

    def abort(self) -> None:
        """Break the connection off, from any thread: a read that waits ends at once."""
        _break_off(self._response)


class AsyncOpened:
    """The same for an event loop."""

    def __init__(self, transport: HttpxBase, response: Any, max_answer: int) -> None:
        self.head = HttpResponse(response.status_code, texts(response.headers.raw))
        self._transport = transport
        self._response = response
        self._stream = aiter(response.stream)  # kept until `close`, as above
        incoming = Incoming(self.head.headers, max_answer)
        in_pieces = self.head.content_type == "text/event-stream"
        self._pieces = _read_async(response, self._stream, incoming, _parser_of(response) if in_pieces else None)
        self._is_reading = False

    async def read(self, deadline: float | None) -> bytes | NoAnswer:
        """The next bytes; none at the end."""
        self._is_reading = True
        try:
            if deadline is None:
                piece = await self._next()
            else:
                async with loops.timeout(left(deadline)):
                    piece = await self._next()
        except StopAsyncIteration:
            return b""
        except self._transport.failures as error:
            return self._transport.no_answer(error, deadline)
        finally:
            self._is_reading = False
        return NoAnswer("deadline") if is_past(deadline) else piece

    async def _next(self) -> bytes:
        while not (piece := await anext(self._pieces)):
            pass
        return piece

    async def close(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end, or more than it came.

        A read that waits in another task ends at once, since its connection is broken off.
        """
        if self._is_reading or _has_leftovers(self._response):
            self.abort()
        while self._is_reading:
            await loops.sleep(0)
        try:
            await self._pieces.aclose()
        finally:
            try:
                await self._transport.let_go(self._response).aclose()
            finally:
                if hasattr(self._stream, "aclose"):
                    await self._stream.aclose()

    def abort(self) -> None:
        """Break the connection off, from any thread."""
        _break_off(self._response)


def _read(response: Any, stream: Iterator[bytes], incoming: Incoming, parser: Any) -> Iterator[bytes]:
    """The body in pieces; where there is a `parser` to ask, all that has arrived in one."""
    if response.is_stream_consumed:  # a hook of the caller's own client has read it
        yield response.content
        return
    is_over = False
    while not is_over and (raw := next(stream, None)) is not None:
        if parser is not None:
            raw, is_over = _with_arrived(raw, parser)
        yield from incoming.feed(raw)
    incoming.end()


async def _read_async(
    response: Any, stream: AsyncIterator[bytes], incoming: Incoming, parser: Any
) -> AsyncGenerator[bytes, None]:
    if response.is_stream_consumed:
        yield response.content
        return
    is_over = False
    while not is_over and (raw := await anext(stream, None)) is not None:
        if parser is not None:
            raw, is_over = _with_arrived(raw, parser)
        for number, piece in enumerate(incoming.feed(raw)):
            if number:
                await loops.sleep(0)  # a bomb of many pieces must not keep the loop for itself
            yield piece
    incoming.end()


def _break_off(response: Any) -> None:
    stream = response.extensions.get("network_stream")
    connection = stream.get_extra_info("socket") if stream is not None else None
    if connection is not None:
        with contextlib.suppress(OSError):
            _shut(connection)


def _shut(connection: Any) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except TypeError:  # what uvloop gives for a socket has its number, and cannot do that itself
        with socket.socket(fileno=os.dup(connection.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)


def _has_leftovers(response: Any) -> bool:
    """Whether more came than the answer, as with a wrong length. On a kept connection it would answer the next request.

    httpcore keeps such a connection, and tells nobody.
    """
    parser = _parser_of(response)
    return parser is not None and bool(parser.trailing_data[0])


def _parser_of(response: Any) -> Any:
    """h11's connection below an answer; None where the answer comes from elsewhere.

    No public name leads there. A test of both libraries fails should the private ones change.
    """
    found = response.stream
    while found is not None and not hasattr(found, "trailing_data"):
        found = _inside(found)
    return found


def _inside(stream: Any) -> Any:
    for name in _INNER:
        if (inner := getattr(stream, name, None)) is not None:
            return inner
    return None


def _with_arrived(piece: bytes, parser: Any) -> tuple[bytes, bool]:
    """A piece of a body with what has arrived after it already, without waiting; True where that is the end.

    A server writes one chunk for each token, and httpcore hands them out one by one though one read brought many.
    """
    pieces = [piece]
    try:
        while len(pieces) < _TOGETHER and type(event := parser.next_event()).__name__ == "Data":
            pieces.append(bytes(event.data))
    except Exception:  # httpcore comes upon it next, and says so in its own words
        return b"".join(pieces), False
    return b"".join(pieces), type(event).__name__ == "EndOfMessage"
