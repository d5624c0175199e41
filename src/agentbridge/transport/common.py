"""What transports share, above all those over httpx and httpx2: clients, requests, and the library's failures in our words."""

from __future__ import annotations

import abc
import http.cookiejar
import importlib
import ssl
import time
from collections import deque
from functools import lru_cache
from typing import Any

import attrs

from .._version import __version__
from ..commands import Send
from ..errors import ConfigurationError
from ..retry import DEFAULT_TIMEOUTS, sooner
from ..wire import HttpResponse, NoAnswer
from .inflating import ENCODINGS, UnreadableError
from .pool import IDLE_EXPIRY

_BEGINNING = 1024 * 1024  # bytes that are kept of an answer that broke off, or is too large
_TOGETHER = 128  # chunks of a body that are handed out as one piece, so that a burst takes little memory
_INNER = ("_stream", "_httpcore_stream", "_connection", "_h11_state")  # from a response's stream to its parser
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})  # their length is said also where it is 0
HEADERS = {"user-agent": f"agentbridge/{__version__}", "accept": "application/json, */*;q=0.1"}


class HttpxBase(abc.ABC):
    """What both worlds share: making requests, and saying in our words what came of them."""

    def __init__(self, name: str, client: Any, proxy: str | None, verify: bool | str) -> None:
        self._library = installed(name)
        self._owned = client is None
        self._client = self._made(proxy, verify) if client is None else client
        self._own_headers = tuple(self._client.headers.raw) if self._owned else ()
        self._abandoned: deque[Any] = deque()

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

    def abandon(self, opened: Any) -> None:
        """Break off what nobody reads any more. The next request gives it back to its pool.

        Not now: whoever is collected here may be in the middle of the pool, whose lock is not to be had twice.
        """
        opened.abort()
        self._abandoned.append(opened)

    @abc.abstractmethod
    def _make_client(self, proxy: str | None, verify: bool | str) -> Any:
        """A client of this world."""

    def proxy_of(self, url: str) -> tuple[str, int] | None:
        """Host and port of the proxy that a request to this URL goes through, by the library's own rules.

        No public name says so. A test of both libraries fails should the private ones be renamed.
        """
        pool = self._client._transport_for_url(self._library.URL(url))._pool  # noqa: SLF001
        proxy = getattr(pool, "_proxy_url", None)
        return None if proxy is None else (proxy.host.decode(), proxy.port or (443 if proxy.scheme == b"https" else 80))

    def _options(self) -> dict[str, Any]:
        return {
            "headers": HEADERS,
            "cookies": http.cookiejar.CookieJar(http.cookiejar.DefaultCookiePolicy(allowed_domains=[])),
        }

    def _network(self, verify: bool | str, connections: int) -> dict[str, Any]:
        """How the library's own transports reach a server."""
        limits = self._library.Limits(
            max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=IDLE_EXPIRY
        )
        return {"verify": ssl_context(self._library.__name__, verify), "limits": limits}

    def request(self, send: Send, content: Any) -> Any:
        """The library's own request, complete: what is left to the library to add costs it more than all the rest."""
        try:
            url = _url(self._library, send.url)
            headers = self._headers(send, url)
            if isinstance(content, bytes):
                content = {"stream": self._library.ByteStream(content)}
            else:
                content = {"content": content}
            request = self._library.Request(
                send.request.method, url, headers=headers, extensions={"timeout": self._limits(send)}, **content
            )
            if "stream" in content:
                request.read()  # a hook of the caller's own client may look at `request.content`
            return request
        except (ValueError, TypeError, self._library.InvalidURL) as error:
            problem = (
                f"no request can be made of {send.request.url!r}: {type(error).__name__}. Check base_url and headers"
            )
        raise ConfigurationError(problem)

    def _headers(self, send: Send, url: Any) -> Any:
        """All headers: those that are the same for many requests, and the length of this one's body."""
        request, body = send.request, send.body
        said = (*request.headers.items(), *request.auth.items())
        of_client = self._own_headers or tuple(self._client.headers.raw)  # those of the caller's own may change
        fixed = _fixed_headers(self._library, of_client, url.netloc, said, body.content_type)
        headers = self._library.Headers(fixed, fixed.encoding)
        if body.content is None or (
            (body.content or request.method.upper() in _WITH_BODY) and "content-length" not in headers
        ):
            headers["content-length"] = str(body.length)
        return headers

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
        if send.timeouts is None and not self._owned:
            limits = self._client.timeout.as_dict()
        if send.deadline is None:
            return limits
        remaining = left(send.deadline)
        return {name: sooner(limit, remaining) for name, limit in limits.items()}

    def answering(self, request: Any, send: Send) -> None:
        """The answer has begun: from now on silence is measured by `idle`. httpcore looks the limit up again here."""
        limits = request.extensions["timeout"]
        if send.timeouts is not None or self._owned:
            limits["read"] = (send.timeouts or DEFAULT_TIMEOUTS).idle
        limits["read"] = sooner(limits["read"], left(send.deadline))

    def response(self, response: Any, content: bytes) -> HttpResponse:
        return HttpResponse(response.status_code, _texts(response.headers.raw), content)

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
    return HttpResponse(head.status, head.headers, b"".join(pieces))


def _texts(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers as the libraries read them, but at once: UTF-8 or else Latin-1, those of one name joined."""
    try:
        lines = [(name.decode().lower(), value.decode()) for name, value in raw]
    except UnicodeDecodeError:
        lines = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw]
    headers: dict[str, str] = {}
    for name, value in lines:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def has_leftovers(response: Any) -> bool:
    """Whether more came than the answer, as with a wrong length. On a kept connection it would answer the next request.

    httpcore keeps such a connection, and tells nobody.
    """
    parser = parser_of(response)
    return parser is not None and bool(parser.trailing_data[0])


def parser_of(response: Any) -> Any:
    """h11's connection below an answer; None where the answer comes from elsewhere.

    No public name leads there. A test of both libraries fails should the private ones change.
    """
    found = response.stream
    while found is not None and not hasattr(found, "trailing_data"):
        found = next((getattr(found, name) for name in _INNER if hasattr(found, name)), None)
    return found


def with_arrived(piece: bytes, parser: Any) -> tuple[bytes, bool]:
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


@lru_cache(maxsize=256)
def _url(library: Any, url: str) -> Any:
    """The library's own URL. All bridges of a process share it: to read one takes as long as a third of a call."""
    return library.URL(url)


@lru_cache(maxsize=256)
def _fixed_headers(
    library: Any,
    of_client: tuple[tuple[bytes, bytes], ...],
    host: bytes,
    said: tuple[tuple[str, str], ...],
    content_type: str | None,
) -> Any:
    """The client's headers, by their names in lower case, and above them the request's. All bridges share them too."""
    headers = {name.lower(): value for name, value in library.Headers(list(of_client)).items()}
    headers["accept-encoding"] = ENCODINGS
    headers |= {name.lower(): value for name, value in said}
    if content_type is not None:
        headers.setdefault("content-type", content_type)
    lines = [*headers.items()] if "host" in headers else [(b"Host", host), *headers.items()]
    return library.Headers(lines)


@lru_cache(maxsize=32)
def ssl_context(library: str, verify: bool | str) -> ssl.SSLContext:
    """One SSL context a process: making one costs 17 ms and 0.8 MB."""
    return new_ssl_context(library, verify)


def new_ssl_context(library: str, verify: bool | str) -> ssl.SSLContext:
    """An SSL context as this library makes them. Raises ConfigurationError for a bad CA bundle."""
    create = installed(library).create_ssl_context
    if not isinstance(verify, str):
        context: ssl.SSLContext = create(verify=verify)
        return context
    try:
        return ssl.create_default_context(cafile=verify)
    except OSError as error:
        raise ConfigurationError(
            f"verify: the CA bundle {verify!r} cannot be read: {error.strerror or error}"
        ) from None


def installed(name: str) -> Any:
    """The library of this name. Raises ConfigurationError."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise ConfigurationError(
            f"transport {name!r} is not installed: pip install 'agentbridge-core[{name}]'"
        ) from None


def left(deadline: float | None) -> float | None:
    """The seconds until a deadline."""
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def _detail(error: BaseException) -> str:
    return str(error) or type(error).__name__
