"""httpx and its successor httpx2, which have the same API: prebuilt requests sent through their clients."""

from __future__ import annotations

import asyncio
import http.cookiejar
import importlib
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from functools import lru_cache
from typing import Any

from .._version import __version__
from ..body import Body
from ..errors import ConfigurationError
from ..exchange import Send
from ..retry import Timeouts
from ..wire import HttpResponse, NoAnswer
from .deadline import bound_by_deadline, until

_IDLE_EXPIRY = 4.0  # seconds: Flowise (Node) closes idle connections after 5, and a request on a closing one is lost
_HEADERS = {"User-Agent": f"agentbridge/{__version__}", "Accept": "application/json, */*;q=0.1"}


class _Httpx:
    """What both worlds share: making requests, and saying in our words what came of them."""

    def __init__(self, name: str, client: Any, proxy: str | None, verify: bool | str) -> None:
        self._library = _imported(name)
        self._owned = client is None
        self._client = self._open(proxy, verify) if client is None else client

    def _open(self, proxy: str | None, verify: bool | str) -> Any:
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
        headers = {**self._client.headers, **send.request.headers, **send.request.auth}
        if send.body.content_type is not None and not any(
            name.lower() == "content-type" for name in send.request.headers
        ):
            headers["Content-Type"] = send.body.content_type
        if send.body.content is None:
            headers["Content-Length"] = str(send.body.length)
        return self._library.Request(
            send.request.method, send.url, headers=headers, content=content, extensions={"timeout": self._limits(send)}
        )

    def _limits(self, send: Send) -> dict[str, float | None]:
        """The library's own four limits for the time until the answer begins."""
        if send.timeouts is None and not self._owned:
            limits: dict[str, float | None] = self._client.timeout.as_dict()
            return limits
        timeouts = send.timeouts or Timeouts()
        return {"connect": timeouts.connect, "read": timeouts.answer, "write": timeouts.idle, "pool": timeouts.answer}

    def _answering(self, request: Any, send: Send) -> None:
        """The answer has begun: from now on silence is measured by `idle`. httpcore looks the limit up again here."""
        if send.timeouts is not None or self._owned:
            request.extensions["timeout"]["read"] = (send.timeouts or Timeouts()).idle

    def _response(self, response: Any, content: bytes) -> HttpResponse:
        return HttpResponse(response.status_code, dict(response.headers), content)

    def _broken(self, response: Any, content: bytes, error: Exception, send: Send) -> HttpResponse | NoAnswer:
        """An answer that broke off. One that is a failure anyway, or cannot be decoded, is judged as it is."""
        partial = self._response(response, content)
        if not partial.ok or isinstance(error, self._library.DecodingError):
            return partial
        lost = self._no_answer(error, send)
        return NoAnswer("lost" if lost.reason == "connect" else lost.reason, lost.detail, partial)

    def _no_answer(self, error: Exception, send: Send) -> NoAnswer:
        library = self._library
        if send.deadline is not None and time.monotonic() >= send.deadline:
            return NoAnswer("deadline")
        if isinstance(error, (library.LocalProtocolError, library.InvalidURL)):
            return NoAnswer("connect", type(error).__name__)  # their texts quote header values
        if isinstance(error, (library.ConnectError, library.ConnectTimeout, library.PoolTimeout, library.ProxyError)):
            return NoAnswer("connect", _detail(error))
        if isinstance(error, library.UnsupportedProtocol):
            return NoAnswer("connect", _detail(error))
        return NoAnswer("timeout" if isinstance(error, library.ReadTimeout) else "lost", _detail(error))

    @property
    def _failures(self) -> tuple[type[Exception], ...]:
        return (self._library.HTTPError, self._library.InvalidURL, self._library.StreamError, OSError)


class HttpxTransport(_Httpx):
    """Blocking. Safe across threads."""

    def __init__(self, name: str, *, client: Any = None, proxy: str | None = None, verify: bool | str = True) -> None:
        super().__init__(name, client, proxy, verify)

    def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send and read to the end, but not beyond the deadline."""
        try:
            with until(send.deadline):
                request = self._request(send, _content(send.body))
                response = self._client.send(request, stream=True, follow_redirects=False)
                try:
                    return self._read(request, response, send)
                finally:
                    response.close()
        except self._failures as error:
            return self._no_answer(error, send)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Close the client, if it is our own."""
        if self._owned:
            self._client.close()

    def _open(self, proxy: str | None, verify: bool | str) -> Any:
        client = self._library.Client(**self._options(proxy, verify))
        bound_by_deadline(client, self._library.__name__)
        return client

    def _read(self, request: Any, response: Any, send: Send) -> HttpResponse | NoAnswer:
        self._answering(request, send)
        pieces: list[bytes] = []
        try:
            for piece in response.iter_bytes():
                pieces.append(piece)
                if send.deadline is not None and time.monotonic() >= send.deadline:
                    return NoAnswer("deadline", response=self._response(response, b"".join(pieces)))
        except self._failures as error:
            return self._broken(response, b"".join(pieces), error, send)
        return self._response(response, b"".join(pieces))


class AsyncHttpxTransport(_Httpx):
    """For one event loop."""

    def __init__(self, name: str, *, client: Any = None, proxy: str | None = None, verify: bool | str = True) -> None:
        super().__init__(name, client, proxy, verify)

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send and read to the end, but not beyond the deadline."""
        left = None if send.deadline is None else max(0.0, send.deadline - time.monotonic())
        arrived: list[HttpResponse] = []
        try:
            async with asyncio.timeout(left) as limit:
                return await self._send(send, arrived)
        except TimeoutError:
            if not limit.expired():
                return NoAnswer("timeout")
            return NoAnswer("deadline", response=arrived[0] if arrived else None)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Close the client, if it is our own."""
        if self._owned:
            await self._client.aclose()

    def _open(self, proxy: str | None, verify: bool | str) -> Any:
        return self._library.AsyncClient(**self._options(proxy, verify))

    async def _send(self, send: Send, arrived: list[HttpResponse]) -> HttpResponse | NoAnswer:
        try:
            request = self._request(send, _async_content(send.body))
            response = await self._client.send(request, stream=True, follow_redirects=False)
            try:
                return await self._read(request, response, send, arrived)
            finally:
                await response.aclose()
        except self._failures as error:
            return self._no_answer(error, send)

    async def _read(
        self, request: Any, response: Any, send: Send, arrived: list[HttpResponse]
    ) -> HttpResponse | NoAnswer:
        self._answering(request, send)
        pieces: list[bytes] = []
        try:
            async for piece in response.aiter_bytes():
                pieces.append(piece)  # noqa: PERF401 (what arrived is kept when the rest does not)
        except self._failures as error:
            return self._broken(response, b"".join(pieces), error, send)
        except asyncio.CancelledError:
            arrived.append(self._response(response, b"".join(pieces)))
            raise
        return self._response(response, b"".join(pieces))


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


def _detail(error: Exception) -> str:
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
