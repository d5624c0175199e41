"""aiohttp: the fastest transport, for AsyncBridge in asyncio alone.

Timeouts, redirects, cookies and decompression are ours; of aiohttp there are connections and the parser of HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from ..commands import Send
from ..errors import ConfigurationError
from ..retry import DEFAULT_TIMEOUTS, sooner
from ..wire import HttpResponse, NoAnswer
from . import loops
from .aiohttp_request import headers_of, is_encoded, limits_of, pieces_of, printable, small
from .common import CLOSED, is_past, left, read_whole, texts
from .inflating import Incoming, UnreadableError
from .libraries import installed
from .pool import IDLE_EXPIRY, ROOM
from .proxies import Proxies
from .tls import ssl_context

_LARGEST_LINE = 100_000  # bytes, as h11 has it
_MOST_HEADERS = 20_000
_OWN_HEADERS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_BUSY = "all connections are in use"

_begun: ContextVar[list[asyncio.Transport]] = ContextVar("agentbridge_begun")
"""Filled with a connection's transport when it stands, and the request is sent next."""


class AiohttpTransport:
    """For one event loop."""

    def __init__(self, *, proxy: str | None = None, verify: bool | str = True) -> None:
        self._library = installed("aiohttp")
        self._proxies = _checked(Proxies.of(proxy))
        self._url = importlib.import_module("yarl").URL
        self._loop = asyncio.get_running_loop()
        self._connector = _connector_class(self._library)(
            ssl=ssl_context("httpx", verify), limit=0, keepalive_timeout=IDLE_EXPIRY
        )
        self._places = asyncio.Semaphore(ROOM)
        self._session = self._library.ClientSession(
            connector=self._connector,
            cookie_jar=self._library.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_OWN_HEADERS,
            max_line_size=_LARGEST_LINE,
            max_field_size=_LARGEST_LINE,
            max_headers=_MOST_HEADERS,
        )

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send and read to the end, but not beyond the deadline."""
        opened = await self.open(send)
        return opened if isinstance(opened, NoAnswer) else await read_whole(opened, send.deadline)

    async def open(self, send: Send) -> Opened | NoAnswer:
        """Send, and read the head of the answer."""
        try:
            patience = sooner((send.timeouts or DEFAULT_TIMEOUTS).answer, left(send.deadline))
            async with loops.timeout(patience if self._places.locked() else None):
                await self._places.acquire()
        except TimeoutError:
            return NoAnswer("deadline" if is_past(send.deadline) else "connect", _BUSY, sent=False)
        try:
            opened = await self._opened(send)
        except BaseException:
            self._places.release()
            raise
        if isinstance(opened, NoAnswer):
            self._places.release()
        return opened

    async def _opened(self, send: Send) -> Opened | NoAnswer:
        begun: list[asyncio.Transport] = []
        _begun.set(begun)
        content = small(send.body)
        try:
            if content is not None and send.deadline is None:
                response = await self._asked(send, content or None)
            else:
                async with asyncio.timeout(left(send.deadline)) as limit:
                    response = await self._asked(send, pieces_of(send, limit) if content is None else content or None)
            return Opened(self._library, response, send, self._places.release)
        except (self._library.ClientError, OSError, RuntimeError, ValueError, TypeError) as error:
            _drop(begun)
            failed = self._failed(error, send, is_sent=bool(begun))
        except BaseException:
            _drop(begun)
            raise
        if isinstance(failed, ConfigurationError):
            raise failed
        return failed

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()

    def abandon(self, opened: Opened) -> None:
        """Break off what nobody reads any more: soon, in the event loop, for this may be another thread."""
        with contextlib.suppress(RuntimeError):  # that loop is over
            self._loop.call_soon_threadsafe(opened.abort)

    def __del__(self) -> None:
        """A session that was forgotten open would warn, and log."""
        if hasattr(self, "_session"):
            self._session.detach()
            self._connector._close()  # noqa: SLF001 (close() is to be awaited, and nobody is there)

    async def _asked(self, send: Send, content: bytes | AsyncIterator[bytes] | None) -> Any:
        url = self._url(printable(send.url), encoded=is_encoded(send.url))
        return await self._session.request(
            send.request.method,
            url,
            data=content,
            headers=headers_of(send),
            allow_redirects=False,
            timeout=limits_of(self._library, send.timeouts or DEFAULT_TIMEOUTS),
            proxy=self._proxies.for_url(url.scheme, url.host or "", url.port) if self._proxies.urls else None,
        )

    def _failed(self, error: Exception, send: Send, *, is_sent: bool) -> NoAnswer | ConfigurationError:
        library = self._library
        if self._session.closed and not is_sent:
            return CLOSED
        if send.deadline is not None and time.monotonic() >= send.deadline:
            return NoAnswer("deadline", sent=is_sent)
        if isinstance(error, library.ConnectionTimeoutError):
            return NoAnswer("connect", "connecting took too long")  # its text has the URL
        is_ours = isinstance(error, library.InvalidURL) or not isinstance(error, (library.ClientError, OSError))
        if is_ours and not is_sent:
            return ConfigurationError(
                f"no request can be made of {send.request.url!r}: {type(error).__name__}. Check base_url and headers"
            )
        if not is_sent:
            return NoAnswer("connect", _detail(error))
        return NoAnswer("timeout" if isinstance(error, library.SocketTimeoutError) else "lost", _detail(error))


class Opened:
    """An answer whose head has arrived, and whose body is read piece by piece."""

    def __init__(self, library: Any, response: Any, send: Send, give_back: Callable[[], None]) -> None:
        self.head = HttpResponse(response.status, texts(response.raw_headers))
        self._failures = (library.ClientError, library.http.HttpProcessingError, OSError)
        self._response = response
        self._give_back: Callable[[], None] | None = give_back
        self._idle = (send.timeouts or DEFAULT_TIMEOUTS).idle
        self._incoming = Incoming(self.head.headers, send.max_answer)
        self._pieces: Iterator[bytes] = iter(())
        if response.connection is not None:  # from now on silence is measured by read
            response.connection.protocol.read_timeout = None
            response.connection.protocol.start_timeout()

    async def read(self, deadline: float | None) -> bytes | NoAnswer:
        """The next bytes; none at the end."""
        try:
            if self._response.content.is_eof():  # it is all here already
                piece = await self._next()
            else:
                async with loops.timeout(sooner(self._idle, left(deadline))):
                    piece = await self._next()
        except UnreadableError as error:
            return NoAnswer("deadline") if is_past(deadline) else NoAnswer("unreadable", str(error))
        except TimeoutError:
            return NoAnswer("deadline" if is_past(deadline) else "timeout", "silence")
        except self._failures as error:
            return NoAnswer("deadline") if is_past(deadline) else NoAnswer("lost", _detail(error))
        return NoAnswer("deadline") if is_past(deadline) else piece

    async def close(self) -> None:
        """Close the connection, unless the answer was read to its end: then it was given back already."""
        self.abort()

    def abort(self) -> None:
        """Break the connection off: a read that waits ends at once."""
        connection = self._response.connection
        if connection is not None and connection.transport is not None:  # it was not given back
            _drop([connection.transport])
        self._response.close()
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            give_back()

    async def _next(self) -> bytes:
        piece = next(self._pieces, b"")
        if piece:
            await asyncio.sleep(0)  # a bomb of many pieces must not keep the loop for itself
        while not piece:
            raw: bytes = await self._response.content.readany()
            if not raw:
                self._incoming.end()
                break
            self._pieces = self._incoming.feed(raw)
            piece = next(self._pieces, b"")
        return piece


def _checked(proxies: Proxies) -> Proxies:
    """The proxies, all of a kind that aiohttp knows. Raises ConfigurationError."""
    if not all(url.startswith(("http://", "https://")) and urlsplit(url).hostname for url in proxies.urls.values()):
        raise ConfigurationError(f"aiohttp takes a proxy named as http://host:port. Check {proxies.where}")
    return proxies


@cache
def _connector_class(library: Any) -> Any:
    class Connector(library.TCPConnector):  # type: ignore[misc]
        """Gives each request one connection, over which nothing has come that nobody asked for."""

        async def connect(self, req: Any, traces: Any, timeout: Any) -> Any:  # noqa: ASYNC109 (aiohttp's)
            begun = _begun.get()
            if begun:  # aiohttp sends what is idempotent again, which is ours to decide
                raise library.ServerDisconnectedError
            connection = await super().connect(req, traces, timeout)
            while connection.protocol.should_close:
                connection.close()
                connection = await super().connect(req, traces, timeout)
            begun.append(connection.transport)
            return connection

    return Connector


def _drop(transports: list[asyncio.Transport]) -> None:
    """Let go at once: closed politely, a connection stands until its server has taken all that was written."""
    for transport in transports:
        transport.abort()


def _detail(error: BaseException) -> str:
    """What happened, without what the library quotes: URLs of proxies, and what came instead of an answer."""
    return str(getattr(error, "os_error", "")) or type(error).__name__
