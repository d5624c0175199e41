"""httpx and its successor httpx2, which have the same API: prebuilt requests, sent through their transports or a client."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import attrs

from ..commands import Send
from ..wire import HttpResponse, NoAnswer, evolved
from . import loops
from .common import CLOSED, HttpxBase, broken, left, read_whole, with_pool
from .deadline import until
from .libraries import httpcore_of
from .network import AsyncBackend, Backend, PlainAsyncBackend, bind
from .opened import AsyncOpened, Opened
from .pool import ROOM, AsyncPool, Pool
from .tls import no_tls


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
        return evolved(opened.head, content=b"".join(pieces))

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
        is_plain = options["verify"] is no_tls() and options["proxy"] is None
        bind(transport, PlainAsyncBackend if is_plain else AsyncBackend, httpcore_of(self._library))
        return with_pool(transport, partial(AsyncPool, httpcore_of(self._library), room=ROOM))

    def _watched(self, request: Any) -> list[str]:
        """A list that is filled once the request begins to be sent, for a deadline may pass before that."""
        sent: list[str] = []

        async def trace(event: str, _: Any) -> None:
            if event.endswith("send_request_headers.started"):
                sent.append(event)

        request.extensions["trace"] = trace
        return sent
