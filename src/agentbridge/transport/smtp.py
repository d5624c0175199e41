"""E-mail: sends requests whose URL names an SMTP server. Extra `email`.

`smtp://` insists on STARTTLS, `smtps://` speaks TLS from the start, `smtp+plain://` does neither. The headers `from` and
`to` are the envelope, `smtp-user` with the `smtp-password` of `auth` the login, the content is the message.

What the server replies becomes an HTTP status, so that all else judges it like any answer. The reply's text is the body, its
code stands in the header `smtp-code`:

| reply | status | because |
| --- | --- | --- |
| 2xx to the message | 202 | it is queued, and nothing is known of what comes of it |
| 4xx | 503 | not now (RFC 5321, 4.2.1); it was not accepted, so it may be sent again |
| 530, 534, 535, 538 | 401 | the login (RFC 4954) |
| 5xx with 5.1.1, 5.1.2, 5.1.6, 5.1.10 | 404 | no such address (RFC 3463) |
| 5xx with 5.7.* | 403 | a matter of policy (RFC 3463) |
| 552, or 5.3.4 | 413 | too large |
| any other 5xx | 422 | refused |
| what is no reply, or none that fits | 502 | and who knows what became of the message |
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import re
import ssl
import time
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

from ..commands import Send
from ..errors import ConfigurationError
from ..retry import Timeouts
from ..wire import HttpResponse, NoAnswer
from .common import left
from .tls import new_ssl_context

_PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
_LOGIN = frozenset({530, 534, 535, 538})
_ENHANCED = ((r"5\.1\.(1|2|6|10)\b", 404), (r"5\.3\.4\b", 413), (r"5\.7\.\d", 403))
_US = "[127.0.0.1]"  # what EHLO says (RFC 5321, 4.1.3): looking up our own name can take seconds, and tells it
_GOODBYE = 1.0  # seconds that a server has to answer QUIT


class SmtpTransport:
    """Blocking: each message has an event loop of its own, also below one that runs already."""

    def __init__(self, *, proxy: str | None, verify: bool | str) -> None:
        self._post = _Post(proxy, verify)

    def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send the message, but not beyond the deadline."""
        return _finished(self._post.send(send))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def close(self) -> None:
        """Nothing stays open between two messages."""


class AsyncSmtpTransport:
    """For the running event loop."""

    def __init__(self, *, proxy: str | None, verify: bool | str) -> None:
        self._post = _Post(proxy, verify)

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        """Send the message, but not beyond the deadline."""
        return await self._post.send(send)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        """Nothing stays open between two messages."""


class _Post:
    """What both worlds share."""

    def __init__(self, proxy: str | None, verify: bool | str) -> None:
        if proxy is not None:
            raise ConfigurationError("an e-mail cannot go through the connection's proxy; use a connection without one")
        self._library = _imported()
        # one of its own: HTTP libraries make theirs offer the protocols of HTTP
        self._context = new_ssl_context("httpx", verify)

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        """One message to one address, over a connection of its own."""
        delivery = _Delivery(send, self._library, self._context)
        try:
            async with asyncio.timeout(left(send.deadline)):
                return await delivery.run()
        except self._library.SMTPResponseException as refusal:
            return _answer(_status(refusal.code, refusal.message), refusal.code, refusal.message)
        except (self._library.SMTPException, OSError, TimeoutError, UnicodeError) as error:
            return delivery.accepted or delivery.no_answer(error)
        finally:
            delivery.close()


class _Delivery:
    """One message on its way, and how far it got. `sent` as soon as the server may have it."""

    def __init__(self, send: Send, library: Any, context: ssl.SSLContext) -> None:
        self.accepted: HttpResponse | None = None
        self._sent = self._connected = False
        self._send, self._library = send, library
        self._limits = send.timeouts or Timeouts()
        url = urlsplit(send.url)
        self._scheme = url.scheme
        self._client = library.SMTP(
            hostname=url.hostname,
            port=url.port or _PORTS[url.scheme],
            local_hostname=_US,
            use_tls=url.scheme == "smtps",
            start_tls=False,  # done below, where what is missing can be told apart
            tls_context=context,
            timeout=self._limits.answer,
        )

    async def run(self) -> HttpResponse:
        """Connect, secure, log in, send. Raises what the library does."""
        await self._client.connect(timeout=self._limits.connect)
        self._connected = True
        await self._client.ehlo()
        if self._scheme == "smtp":
            await self._secure()
        await self._log_in()
        headers = self._send.request.headers
        await self._client.mail(headers["from"])
        await self._client.rcpt(headers["to"])
        self._sent = True
        reply = await self._client.data(_dated(b"".join(self._send.body.pieces())))
        self.accepted = _answer(202, reply.code, reply.message)
        await self._take_leave()
        return self.accepted

    async def _secure(self) -> None:
        if not self._client.supports_extension("starttls"):
            raise ConfigurationError(
                f"{self._send.url} offers no STARTTLS, and nothing is sent in the clear unasked."
                " Use an smtps:// server, or say starttls=False"
            )
        await self._client.starttls(timeout=self._limits.connect)
        await self._client.ehlo()

    async def _log_in(self) -> None:
        password = self._send.request.auth.get("smtp-password")
        if password is None:
            return
        if not self._client.supported_auth_methods:
            raise ConfigurationError(
                f"{self._send.url} offers no login that is known here; leave out user and password"
            )
        await self._client.login(self._send.request.headers["smtp-user"], password)

    async def _take_leave(self) -> None:
        """The message is accepted: whatever happens from here on changes nothing."""
        with contextlib.suppress(self._library.SMTPException, OSError):
            await self._client.execute_command(b"QUIT", timeout=_GOODBYE)

    def no_answer(self, error: BaseException) -> NoAnswer:
        """Why there is no reply. Before the message itself went out, nothing has run."""
        deadline = self._send.deadline
        if deadline is not None and time.monotonic() >= deadline:
            return NoAnswer("deadline", sent=self._sent)
        if self._connected and isinstance(error, TimeoutError):
            return NoAnswer("timeout", str(error), sent=self._sent)
        return NoAnswer("lost" if self._sent else "connect", str(error) or type(error).__name__, sent=self._sent)

    def close(self) -> None:
        """At once: a server that keeps its end open must not keep us."""
        transport = self._client.transport
        self._client.close()
        if transport is not None:
            transport.abort()


def _answer(status: int, code: int, text: str) -> HttpResponse:
    headers = {"smtp-code": str(code), "content-type": "text/plain; charset=utf-8"}
    return HttpResponse(status, headers, text.encode("utf-8", "surrogateescape"))


def _status(code: int, text: str) -> int:
    """The status of a reply that is not the one hoped for."""
    if 400 <= code <= 499:
        return 503
    if not 500 <= code <= 599:
        return 502  # nothing that a server can mean here
    if code in _LOGIN:
        return 401
    enhanced = next((status for pattern, status in _ENHANCED if re.match(pattern, text)), None)
    return enhanced or (413 if code == 552 else 422)


def _dated(message: bytes) -> bytes:
    """The message with the `Date` that it must have (RFC 5322, 3.6): who builds requests has no clock."""
    head = message.partition(b"\r\n\r\n")[0]
    dated = b"\r\ndate:" in b"\r\n" + head.lower()
    return message if dated else f"Date: {formatdate()}\r\n".encode() + message


def _finished(sending: Coroutine[Any, Any, HttpResponse | NoAnswer]) -> HttpResponse | NoAnswer:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(sending)
    with ThreadPoolExecutor(1) as thread:  # a notebook's loop, say, cannot run another one inside
        return thread.submit(asyncio.run, sending).result()


def _imported() -> Any:
    try:
        return importlib.import_module("aiosmtplib")
    except ImportError:
        raise ConfigurationError("e-mail needs the extra 'email': pip install 'agentbridge-core[email]'") from None
