"""What transports share, above all those over httpx and httpx2: clients, requests, and the library's failures in our words."""

from __future__ import annotations

import abc
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

import attrs

from .._version import __version__
from ..body import Body
from ..commands import Send
from ..errors import ConfigurationError
from ..retry import DEFAULT_TIMEOUTS, sooner
from ..wire import HttpResponse, NoAnswer, evolved
from .inflating import ENCODINGS, UnreadableError
from .libraries import installed
from .pool import IDLE_EXPIRY
from .proxies import Proxies
from .tls import no_tls, ssl_context

_BEGINNING = 1024 * 1024  # bytes that are kept of an answer that broke off, or is too large
_EARLY = 0.002  # seconds: the timers of uvloop count whole milliseconds
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # their length is said also where it is 0
CLOSED = NoAnswer("connect", "the bridge was closed", sent=False)
HEADERS = {"user-agent": f"agentbridge/{__version__}", "accept": "application/json, */*;q=0.1"}
_OWN_HEADERS = tuple((name.encode(), value.encode()) for name, value in HEADERS.items())


class HttpxBase(abc.ABC):
    """What both worlds share: making requests, and saying in our words what came of them.

    They are sent through the caller's own client, where there is one, else through transports of our own: one for each
    proxy, those with TLS apart, made when they are needed first.
    """

    def __init__(self, name: str, client: Any, proxy: str | None, verify: bool | str) -> None:
        self._library = installed(name)
        self._client = client
        self._verify = verify
        self._transports: dict[tuple[str | None, bool], Any] = {}
        self._abandoned: deque[Any] = deque()
        self._proxies = Proxies.of(proxy) if client is None else Proxies()
        for named in {*self._proxies.urls.values()}:
            self._transport(named, has_tls=False)  # what is wrong with it shows now
        if isinstance(verify, str):
            ssl_context(name, verify)

    def abandon(self, opened: Any) -> None:
        """Break off what nobody reads any more. The next request gives it back to its pool.

        Not now: whoever is collected here may be in the middle of the pool, which is not to be changed below it.
        """
        opened.abort()
        self._abandoned.append(opened)

    def next_abandoned(self) -> Any:
        """One that was abandoned, if any; other threads may take them too."""
        try:
            return self._abandoned.popleft()
        except IndexError:
            return None

    @abc.abstractmethod
    def _make_transport(self, options: Mapping[str, Any]) -> Any:
        """A transport of the library, in this world."""

    def _transport_for(self, url: Any) -> Any:
        """The transport of our own for a URL of the library's."""
        proxy = self._proxies.for_url(url.scheme, url.host, url.port) if self._proxies.urls else None
        return self._transport(proxy, has_tls=url.scheme == "https")

    def _transport(self, proxy: str | None, *, has_tls: bool) -> Any:
        found = self._transports.get((proxy, has_tls))
        return found or self._transports.setdefault((proxy, has_tls), self._made(proxy, has_tls))

    def _made(self, proxy: str | None, has_tls: bool) -> Any:
        """A transport. What is wrong with a proxy, a CA bundle or their environment variables shows here."""
        name = self._library.__name__
        try:
            limits = self._library.Limits(keepalive_expiry=IDLE_EXPIRY)
            verify = ssl_context(name, self._verify) if has_tls else no_tls()
            return self._make_transport({"verify": verify, "limits": limits, "proxy": proxy})
        except (ValueError, ImportError, OSError, self._library.InvalidURL) as error:
            where = "$SSL_CERT_FILE and $SSL_CERT_DIR" if proxy is None else self._proxies.where
            problem = f"{name} cannot be set up: {type(error).__name__}. Check {where}"
        raise ConfigurationError(problem)

    def request(self, send: Send) -> Any:
        """The library's own request, complete: what is left to the library to add costs it more than all the rest."""
        try:
            url, host = _url(self._library, send.url)
            headers, has_length = self._headers(send, host)
            content, body = send.body.content, send.body
            request = self._library.Request(
                send.request.method,
                url,
                headers=headers,
                stream=_pieces_class(self._library)(body) if content is None else self._library.ByteStream(content),
                extensions={"timeout": self._limits(send)},
            )
            if not has_length and (body.length or request.method in _WITH_BODY):
                request.headers["content-length"] = str(body.length)
            if self._client is not None and content is not None:
                request.read()  # a hook of the caller's own client may look at `request.content`
            return request
        except (ValueError, TypeError, self._library.InvalidURL) as error:
            problem = (
                f"no request can be made of {send.request.url!r}: {type(error).__name__}. Check base_url and headers"
            )
        raise ConfigurationError(problem)

    def _headers(self, send: Send, host: bytes) -> tuple[Any, bool]:
        """All headers that are the same for many requests, and whether the body's length is among them."""
        said = (*send.request.headers.items(), *send.request.auth.items())
        of_client = _OWN_HEADERS if self._client is None else tuple(self._client.headers.raw)  # which may change
        return _fixed_headers(self._library, of_client, host, said, send.body.content_type)

    def _limits(self, send: Send) -> dict[str, float | None]:
        """The library's own four limits for the time until the answer begins, none longer than the time left.

        That bounds silence also on a caller's own client, whose connections do not know the deadline.
        """
        timeouts = send.timeouts or DEFAULT_TIMEOUTS
        limits: dict[str, float | None] = {
            "connect": timeouts.connect,
            "read": timeouts.answer,
            "write": timeouts.idle,
            "pool": timeouts.answer,
        }
        if send.timeouts is None and self._client is not None:
            limits = self._client.timeout.as_dict()
        if send.deadline is None:
            return limits
        remaining = left(send.deadline)
        return {name: sooner(limit, remaining) for name, limit in limits.items()}

    def answering(self, request: Any, send: Send) -> None:
        """The answer has begun: from now on silence is measured by `idle`. httpcore looks the limit up again here."""
        limits = request.extensions["timeout"]
        if send.timeouts is not None or self._client is None:
            limits["read"] = (send.timeouts or DEFAULT_TIMEOUTS).idle
        limits["read"] = sooner(limits["read"], left(send.deadline))

    def let_go(self, response: Any) -> Any:
        """What to close of a response: itself, for who else may have it, or only its stream, which costs half as much."""
        return response if self._client is not None else response.stream

    def no_answer(self, error: BaseException, deadline: float | None) -> NoAnswer:
        library = self._library
        unsent = (library.ConnectError, library.ConnectTimeout, library.PoolTimeout, library.ProxyError)
        if deadline is not None and time.monotonic() >= deadline:
            return NoAnswer("deadline", sent=not isinstance(error, unsent))
        if isinstance(error, UnreadableError):
            return NoAnswer("unreadable", str(error))
        if isinstance(error, (library.LocalProtocolError, library.InvalidURL)):
            return NoAnswer("connect", type(error).__name__)  # their texts quote header values
        if isinstance(error, (*unsent, library.UnsupportedProtocol)):
            return NoAnswer("connect", _detail(error))
        return NoAnswer("timeout" if isinstance(error, library.ReadTimeout) else "lost", _detail(error))

    @property
    def failures(self) -> tuple[type[BaseException], ...]:
        """What a library raises; UnicodeError for the `Location` of a redirect, which it reads though it shall not follow."""
        library = self._library
        of_library = (library.HTTPError, library.InvalidURL, library.StreamError)
        return (*of_library, UnreadableError, UnicodeError, OSError, TimeoutError)


def with_pool(transport: Any, pool: Callable[[Callable[[Any], Any]], Any]) -> Any:
    """A transport of httpx with a pool of ours, which gets what makes a connection to an origin.

    httpx has no argument for a pool. A test of both libraries fails should the private name change.
    """
    transport._pool = pool(transport._pool.create_connection)  # noqa: SLF001
    return transport


def broken(head: HttpResponse, pieces: list[bytes], lost: NoAnswer) -> HttpResponse | NoAnswer:
    """An answer that broke off: its beginning is evidence. One that is a failure anyway is judged as it is."""
    partial = attrs.evolve(head, content=b"".join(pieces))
    if not partial.ok and lost.reason != "unreadable":
        return partial
    kept = attrs.evolve(partial, content=partial.content[:_BEGINNING])
    return attrs.evolve(lost, response=kept) if partial.ok else kept


async def read_whole(opened: Any, deadline: float | None) -> HttpResponse | NoAnswer:
    """Read an answer to its end, in an event loop, but not beyond the deadline."""
    head: HttpResponse = opened.head
    pieces: list[bytes] = []
    try:
        while piece := await opened.read(deadline):
            if isinstance(piece, NoAnswer):
                return broken(head, pieces, piece)
            pieces.append(piece)
    finally:
        await opened.close()
    return evolved(head, content=b"".join(pieces))


def texts(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as the libraries read them, but at once: UTF-8 or else Latin-1, those of one name joined."""
    try:
        lines = [(name.decode().lower(), value.decode()) for name, value in raw]
    except UnicodeDecodeError:
        lines = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]
    headers: dict[str, str] = {}
    for name, value in lines:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


@lru_cache(maxsize=256)
def _url(library: Any, url: str) -> tuple[Any, bytes]:
    """The library's own URL, and its `Host`. All bridges of a process share them: reading one takes a third of a call."""
    read = library.URL(url)
    return read, read.netloc


@lru_cache(maxsize=256)
def _fixed_headers(
    library: Any,
    of_client: tuple[tuple[bytes, bytes], ...],
    host: bytes,
    said: tuple[tuple[str, str], ...],
    content_type: str | None,
) -> tuple[Any, bool]:
    """The client's headers, by their names in lower case, and above them the request's. All bridges share them too."""
    headers = {name.lower(): value for name, value in library.Headers(list(of_client)).items()}
    headers["accept-encoding"] = ENCODINGS
    headers |= {name.lower(): value for name, value in said}
    if content_type is not None:
        headers.setdefault("content-type", content_type)
    lines = [*headers.items()] if "host" in headers else [(b"Host", host), *headers.items()]
    return library.Headers(lines), "content-length" in headers


class _Pieces:
    """A body that is read while it is sent, in either world."""

    def __init__(self, body: Body) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        return self._body.pieces()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._body.pieces():
            yield piece


@cache
def _pieces_class(library: Any) -> Any:
    """What this library takes for the body of a request: it must be of its own classes."""
    return type("Pieces", (_Pieces, library.SyncByteStream, library.AsyncByteStream), {})


def is_past(deadline: float | None) -> bool:
    """Whether a deadline is over."""
    return deadline is not None and time.monotonic() >= deadline


def left(deadline: float | None) -> float | None:
    """The seconds until a deadline is surely past, for timers that may end a little early; 0 where it is."""
    if deadline is None:
        return None
    remaining = deadline - time.monotonic()
    return remaining + _EARLY if remaining > 0 else 0.0


def _detail(error: BaseException) -> str:
    return str(error) or type(error).__name__
