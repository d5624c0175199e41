"""httpx and its successor httpx2, which have the same API: prebuilt requests sent through their clients."""

from __future__ import annotations

import asyncio
import contextlib
import http.cookiejar
import importlib
import socket
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import Any

import attrs

from .._version import __version__
from ..body import Body
from ..errors import ConfigurationError
from ..exchange import Send
from ..retry import Timeouts
from ..wire import HttpResponse, NoAnswer
from .deadline import bound_by_deadline, until

_IDLE_EXPIRY = 4.0  # seconds: Flowise (Node) closes idle connections after 5, and a request on a closing one is lost
_LARGEST = 256 * 1024 * 1024  # bytes of an answer
_BEGINNING = 64 * 1024  # bytes that are kept of a larger one
_FLOOD = NoAnswer("lost", f"the answer has more than {_LARGEST} bytes")
_UNDECODABLE = "the answer cannot be decompressed"
_HEADERS = {"user-agent": f"agentbridge/{__version__}", "accept": "application/json, */*;q=0.1"}


class _Httpx:
    """What both worlds share: making requests, and saying in our words what came of them."""

    def __init__(self, name: str, client: Any, proxy: str | None, verify: bool | str) -> None:
        self._library = _imported(name)
        self._owned = client is None
        self._client = self._made(proxy, verify) if client is None else client

    def _made(self, proxy: str | None, verify: bool | str) -> Any:
        """A client of our own. What is wrong with a proxy, a CA bundle or their environment variables shows here."""
        try:
            return self._make_client(proxy, verify)
        except (ValueError, ImportError, OSError, self._library.InvalidURL) as error:
            where = (
                "proxy" if proxy is not None else "$HTTP_PROXY, $HTTPS_PROXY, $ALL_PROXY, $NO_PROXY and $SSL_CERT_FILE"
            )
            problem = f"{self._library.__name__} cannot be set up: {type(error).__name__}. Check {where}"
        raise ConfigurationError(problem)

    def _make_client(self, proxy: str | None, verify: bool | str) -> Any:
        raise NotImplementedError

    def _options(self, proxy: str | None, verify: bool | str) -> dict[str, Any]:
        limits = self._library.Limits(max_connections=100, max_keepalive_connections=100, keepalive_expiry=_IDLE_EXPIRY)
        return {
            "headers": _HEADERS,
            "verify": ssl_context(self._library.__name__, verify),
            "proxy": proxy,
            "limits": limits,
            "cookies": http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
        }

    def _request(self, send: Send, content: Any) -> Any:
        headers = {name.lower(): value for name, value in self._client.headers.items()}
        headers |= {name.lower(): value for name, value in {**send.request.headers, **send.request.auth}.items()}
        if send.body.content_type is not None:
            headers.setdefault("content-type", send.body.content_type)
        if send.body.content is None:
            headers["content-length"] = str(send.body.length)
        extensions = {"timeout": self._limits(send)}
        try:
            return self._library.Request(
                send.request.method, send.url, headers=headers, content=content, extensions=extensions
            )
        except (ValueError, TypeError, self._library.InvalidURL) as error:
            problem = (
                f"no request can be made of {send.request.url!r}: {type(error).__name__}. Check base_url and headers"
            )
        raise ConfigurationError(problem)

    def _limits(self, send: Send) -> dict[str, float | None]:
        """The library's own four limits for the time until the answer begins."""
        if send.timeouts is None and not self._owned:
            limits: dict[str, float | None] = self._client.timeout.as_dict()
            return limits
        timeouts = send.timeouts or Timeouts()
        return {
            "connect": timeouts.connect,
            "read": timeouts.answer,
            "write": timeouts.idle,
            "pool": _sooner(
                timeouts.answer, _left(send.deadline)
            ),  # waiting for a free connection is no socket's business
        }

    def _answering(self, request: Any, send: Send) -> None:
        """The answer has begun: from now on silence is measured by `idle`. httpcore looks the limit up again here."""
        if send.timeouts is not None or self._owned:
            request.extensions["timeout"]["read"] = (send.timeouts or Timeouts()).idle

    def _response(self, response: Any, content: bytes) -> HttpResponse:
        return HttpResponse(response.status_code, dict(response.headers), content)

    def _broken(self, head: HttpResponse, content: bytes, lost: NoAnswer) -> HttpResponse | NoAnswer:
        """An answer that broke off. One that is a failure anyway, or cannot be decoded, is judged as it is."""
        partial = attrs.evolve(head, content=content)
        if not partial.ok or lost.detail == _UNDECODABLE:
            return partial
        return attrs.evolve(lost, response=partial)

    def _no_answer(self, error: BaseException, deadline: float | None) -> NoAnswer:
        library = self._library
        unsent = (library.ConnectError, library.ConnectTimeout, library.PoolTimeout, library.ProxyError)
        if deadline is not None and time.monotonic() >= deadline:
            return NoAnswer("deadline", sent=not isinstance(error, unsent))
        if isinstance(error, library.DecodingError):
            return NoAnswer("lost", _UNDECODABLE)
        if isinstance(error, (library.LocalProtocolError, library.InvalidURL)):
            return NoAnswer("connect", type(error).__name__)  # their texts quote header values
        if isinstance(error, (*unsent, library.UnsupportedProtocol)):
            return NoAnswer("connect", _detail(error))
        return NoAnswer("timeout" if isinstance(error, library.ReadTimeout) else "lost", _detail(error))

    @property
    def _failures(self) -> tuple[type[BaseException], ...]:
        library = self._library
        return (library.HTTPError, library.InvalidURL, library.StreamError, OSError, TimeoutError)


class HttpxTransport(_Httpx):
    """Blocking. Safe across threads."""

    def __init__(self, name: str, *, client: Any = None, proxy: str | None = None, verify: bool | str = True) -> None:
        super().__init__(name, client, proxy, verify)

    def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send and read to the end, but not beyond the deadline."""
        opened = self.open(send)
        if isinstance(opened, NoAnswer):
            return opened
        arrived = _Arrived()
        try:
            while piece := opened.read(send.deadline):
                if isinstance(piece, NoAnswer) or not arrived.add(piece):
                    return self._broken(opened.head, arrived.content, piece if isinstance(piece, NoAnswer) else _FLOOD)
        finally:
            opened.close()
        return attrs.evolve(opened.head, content=arrived.content)

    def open(self, send: Send) -> Opened | NoAnswer:
        """Send, and read the head of the answer."""
        request = self._request(send, _content(send.body))
        try:
            with until(send.deadline):
                response = self._client.send(request, stream=True, follow_redirects=False)
        except self._failures as error:
            return self._no_answer(error, send.deadline)
        except RuntimeError:
            if self._client.is_closed:
                return NoAnswer("connect", "the bridge was closed")
            raise
        self._answering(request, send)
        return Opened(self, response)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the client, if it is our own."""
        if self._owned:
            self._client.close()

    def _make_client(self, proxy: str | None, verify: bool | str) -> Any:
        client = self._library.Client(**self._options(proxy, verify))
        bound_by_deadline(client, self._library.__name__)
        return client


class Opened:
    """An answer whose head has arrived, and whose body is read piece by piece."""

    def __init__(self, transport: _Httpx, response: Any) -> None:
        self.head = transport._response(response, b"")  # noqa: SLF001 (one module)
        self._transport = transport
        self._response = response
        self._pieces = response.iter_bytes()

    def read(self, deadline: float | None) -> bytes | NoAnswer:
        """The next bytes; none at the end."""
        try:
            with until(deadline):
                piece: bytes = next((piece for piece in self._pieces if piece), b"")
        except self._transport._failures as error:  # noqa: SLF001
            return self._transport._no_answer(error, deadline)  # noqa: SLF001
        return NoAnswer("deadline") if _is_past(deadline) else piece

    def close(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end."""
        self._response.close()

    def abort(self) -> None:
        """Break the connection off, from any thread: a read that waits ends at once."""
        stream = self._response.extensions.get("network_stream")
        connection = stream.get_extra_info("socket") if stream is not None else None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class AsyncHttpxTransport(_Httpx):
    """For one event loop."""

    def __init__(self, name: str, *, client: Any = None, proxy: str | None = None, verify: bool | str = True) -> None:
        super().__init__(name, client, proxy, verify)

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send and read to the end, but not beyond the deadline."""
        opened = await self.open(send)
        if isinstance(opened, NoAnswer):
            return opened
        arrived = _Arrived()
        try:
            while piece := await opened.read(send.deadline):
                if isinstance(piece, NoAnswer) or not arrived.add(piece):
                    return self._broken(opened.head, arrived.content, piece if isinstance(piece, NoAnswer) else _FLOOD)
        finally:
            await opened.close()
        return attrs.evolve(opened.head, content=arrived.content)

    async def open(self, send: Send) -> AsyncOpened | NoAnswer:
        """Send, and read the head of the answer."""
        request = self._request(send, _async_content(send.body))
        sent = self._watched(request) if send.deadline is not None else []
        try:
            async with asyncio.timeout(_left(send.deadline)):
                response = await self._client.send(request, stream=True, follow_redirects=False)
        except self._failures as error:
            lost = self._no_answer(error, send.deadline)
            return attrs.evolve(lost, sent=bool(sent)) if lost.reason == "deadline" else lost
        except RuntimeError:
            if self._client.is_closed:
                return NoAnswer("connect", "the bridge was closed")
            raise
        self._answering(request, send)
        return AsyncOpened(self, response)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the client, if it is our own."""
        if self._owned:
            await self._client.aclose()

    def _make_client(self, proxy: str | None, verify: bool | str) -> Any:
        return self._library.AsyncClient(**self._options(proxy, verify))

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

    def __init__(self, transport: _Httpx, response: Any) -> None:
        self.head = transport._response(response, b"")  # noqa: SLF001 (one module)
        self._transport = transport
        self._response = response
        self._pieces = response.aiter_bytes()

    async def read(self, deadline: float | None) -> bytes | NoAnswer:
        """The next bytes; none at the end."""
        try:
            async with asyncio.timeout(_left(deadline)):
                piece: bytes = b""
                while not piece:
                    piece = await anext(self._pieces)
        except StopAsyncIteration:
            return b""
        except self._transport._failures as error:  # noqa: SLF001
            return self._transport._no_answer(error, deadline)  # noqa: SLF001
        return piece

    async def close(self) -> None:
        """Give the connection back, or close it where the answer was not read to its end."""
        await self._pieces.aclose()
        await self._response.aclose()


class _Arrived:
    """The pieces of an answer, up to a bound that no agent's answer reaches and a decompression bomb does."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def content(self) -> bytes:
        return b"".join(self._pieces)

    def add(self, piece: bytes) -> bool:
        """Keep a piece. False, and only the beginning is kept, where the answer is too large."""
        self._size += len(piece)
        if self._size > _LARGEST:
            self._pieces = [self.content[:_BEGINNING]]
            return False
        self._pieces.append(piece)
        return True


@lru_cache(maxsize=32)
def ssl_context(library: str, verify: bool | str) -> ssl.SSLContext:
    """One SSL context a process: making one costs 17 ms and 0.8 MB. Raises ConfigurationError for a bad CA bundle."""
    create = _imported(library).create_ssl_context
    if not isinstance(verify, str):
        context: ssl.SSLContext = create(verify=verify)
        return context
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise ConfigurationError(
            f"verify: the CA bundle {verify!r} cannot be read: {error.strerror or error}"
        ) from None


def _imported(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigurationError(
            f"transport {name!r} is not installed: pip install 'agentbridge-core[{name}]'"
        ) from None


def _sooner(first: float | None, second: float | None) -> float | None:
    return min((limit for limit in (first, second) if limit is not None), default=None)


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _left(deadline: float | None) -> float | None:
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _detail(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _content(body: Body) -> bytes | Iterator[bytes]:
    content = body.content
    return body.pieces() if content is None else content


def _async_content(body: Body) -> bytes | AsyncIterator[bytes]:
    content = body.content
    return _pieces(body) if content is None else content


async def _pieces(body: Body) -> AsyncIterator[bytes]:
    for piece in body.pieces():
        yield piece
