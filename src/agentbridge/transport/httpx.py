"""httpx and its successor httpx2, which have the same API: prebuilt requests sent through their clients."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping
from functools import partial
from typing import Any

import attrs

from ..commands import Send
from ..wire import HttpResponse, NoAnswer, media_type
from . import loops
from .common import (
    CLOSED,
    HttpxBase,
    broken,
    has_leftovers,
    httpcore_of,
    is_past,
    left,
    parser_of,
    read_whole,
    texts,
    with_arrived,
    with_pool,
)
from .deadline import until
from .inflating import Incoming
from .network import AsyncBackend, Backend, bind
from .pool import ROOM, AsyncPool, Pool


class HttpxTransport(HttpxBase):
    """Blocking. Safe across threads."""

    def __init__(self, name: str, *, client: Any = None, proxy: str | None = None, verify: bool | str = True) -> None:
        super().__init__(name, client, proxy, verify)

    def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send and read to the end, but not beyond the deadline."""
        opened = self.open(send)
        if isinstance(opened, NoAnswer):
            return opened
        pieces: list[bytes] = []
        try:
            lost = opened.read_into(pieces, send.deadline)
        finally:
            opened.close()
        if lost is not None:
            return broken(opened.head, pieces, lost)
        return HttpResponse(opened.status, opened.headers, b"".join(pieces))

    def open(self, send: Send) -> Opened | NoAnswer:
        """Send, and read the head of the answer."""
        self._close_abandoned()
        request = self.request(send)
        try:
            with until(send.deadline):
                response = self._sent(request)
        except self.failures as error:
            return self.no_answer(error, send.deadline)
        except RuntimeError:
            if self._client is not None and self._client.is_closed:
                return CLOSED
            raise
        self.answering(request, send)
        return Opened(self, response, send.max_answer)

    def _close_abandoned(self) -> None:
        while (one := self.next_abandoned()) is not None:
            with contextlib.suppress(*self.failures):  # they are no business of the call that happens to come next
                one.close()

    def _sent(self, request: Any) -> Any:
        if self._client is not None:
            return self._client.send(request, stream=True, follow_redirects=False)
        return self._transport_for(request.url).handle_request(request)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the connections that are our own."""
        for transport in self._transports.values():
            transport.close()

    def _make_transport(self, options: Mapping[str, Any]) -> Any:
        transport = self._library.HTTPTransport(**options)
        bind(transport, Backend, httpcore_of(self._library))
        return with_pool(transport, partial(Pool, httpcore_of(self._library), room=ROOM))


class Opened:
    """An answer whose head has arrived, and whose body is read piece by piece."""

    def __init__(self, transport: HttpxBase, response: Any, max_answer: int) -> None:
        self.status, self.headers = response.status_code, texts(response.headers.raw)
        self._transport = transport
        self._response = response
        self._stream = iter(response.stream)  # kept until `close`: given up, it would give the connection back unseen
        incoming = Incoming(self.headers, max_answer)
        in_pieces = media_type(self.headers) == "text/event-stream"
        self._pieces = _read(response, self._stream, incoming, parser_of(response) if in_pieces else None)

    @property
    def head(self) -> HttpResponse:
        """The answer without its body."""
        return HttpResponse(self.status, self.headers)

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
        if has_leftovers(self._response):
            _break_off(self._response)
        self._transport.let_go(self._response).close()

    def abort(self) -> None:
        """Break the connection off, from any thread: a read that waits ends at once."""
        _break_off(self._response)


class AsyncHttpxTransport(HttpxBase):
    """For one event loop."""

    def __init__(self, name: str, *, client: Any = None, proxy: str | None = None, verify: bool | str = True) -> None:
        super().__init__(name, client, proxy, verify)

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send and read to the end, but not beyond the deadline."""
        opened = await self.open(send)
        return opened if isinstance(opened, NoAnswer) else await read_whole(opened, send.deadline)

    async def open(self, send: Send) -> AsyncOpened | NoAnswer:
        """Send, and read the head of the answer."""
        await self._close_abandoned()
        request = self.request(send)
        sent = self._watched(request) if send.deadline is not None else []
        try:
            async with loops.timeout(left(send.deadline)):
                response = await self._sent(request)
        except self.failures as error:
            lost = self.no_answer(error, send.deadline)
            return attrs.evolve(lost, sent=bool(sent)) if lost.reason == "deadline" else lost
        except RuntimeError:
            if self._client is not None and self._client.is_closed:
                return CLOSED
            raise
        self.answering(request, send)
        return AsyncOpened(self, response, send.max_answer)

    async def _close_abandoned(self) -> None:
        while (one := self.next_abandoned()) is not None:
            with contextlib.suppress(*self.failures):
                await one.close()

    async def _sent(self, request: Any) -> Any:
        if self._client is not None:
            return await self._client.send(request, stream=True, follow_redirects=False)
        return await self._transport_for(request.url).handle_async_request(request)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await loops.sleep(seconds)

    async def close(self) -> None:
        """Close the connections that are our own."""
        for transport in self._transports.values():
            await transport.aclose()

    def _make_transport(self, options: Mapping[str, Any]) -> Any:
        transport = self._library.AsyncHTTPTransport(**options)
        bind(transport, AsyncBackend, httpcore_of(self._library))
        return with_pool(transport, partial(AsyncPool, httpcore_of(self._library), room=ROOM))

    def _watched(self, request: Any) -> list[str]:
        """A list that is filled once the request begins to be sent, for a deadline may pass before that."""
        sent: list[str] = []

        async def trace(event: str, _: Any) -> None:
            if event.endswith("send_request_headers.started"):
                sent.append(event)

        request.extensions["trace"] = trace
        return sent


class AsyncOpened:
    """The same for an event loop."""

    def __init__(self, transport: HttpxBase, response: Any, max_answer: int) -> None:
        self.status, self.headers = response.status_code, texts(response.headers.raw)
        self._transport = transport
        self._response = response
        self._stream = aiter(response.stream)  # kept until `close`, as above
        incoming = Incoming(self.head.headers, max_answer)
        in_pieces = self.head.content_type == "text/event-stream"
        self._pieces = _read_async(response, self._stream, incoming, parser_of(response) if in_pieces else None)
        self._is_reading = False

    @property
    def head(self) -> HttpResponse:
        """The answer without its body."""
        return HttpResponse(self.status, self.headers)

    async def read(self, deadline: float | None) -> bytes | NoAnswer:
        """The next bytes; none at the end."""
        self._is_reading = True
        try:
            async with loops.timeout(left(deadline)):
                piece: bytes = b""
                while not piece:
                    piece = await anext(self._pieces)
        except StopAsyncIteration:
            return b""
        except self._transport.failures as error:
            return self._transport.no_answer(error, deadline)
        finally:
            self._is_reading = False
        return NoAnswer("deadline") if is_past(deadline) else piece

    async def close(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end, or more than it came.

        A read that waits in another task ends at once, since its connection is broken off.
        """
        if self._is_reading or has_leftovers(self._response):
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
            raw, is_over = with_arrived(raw, parser)
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
            raw, is_over = with_arrived(raw, parser)
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
            connection.shutdown(socket.SHUT_RDWR)
