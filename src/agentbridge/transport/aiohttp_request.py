"""What aiohttp is told of a request: headers, limits, and a body that goes out at once or in pieces."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Any

from ..body import Body
from ..commands import Send
from ..retry import DEFAULT_TIMEOUTS, Timeouts, sooner
from .common import HEADERS
from .inflating import ENCODINGS

_PIECE = 32 * 1024  # bytes; less fits into the buffers below, and needs nobody to look whether it moves on


@lru_cache(maxsize=64)
def limits_of(library: Any, timeouts: Timeouts) -> Any:
    """The limits that aiohttp keeps by itself, until the answer begins."""
    return library.ClientTimeout(total=None, connect=timeouts.connect, sock_read=timeouts.answer)


def headers_of(send: Send) -> dict[str, str]:
    """All headers but `Host`, which aiohttp adds."""
    said = (*send.request.headers.items(), *send.request.auth.items())
    fixed = _fixed_headers(said, send.body.content_type)
    return {**fixed, "content-length": str(send.body.length)} if send.body.length else {**fixed}


@lru_cache(maxsize=256)
def _fixed_headers(said: tuple[tuple[str, str], ...], content_type: str | None) -> dict[str, str]:
    """Those that are the same for many requests."""
    headers = HEADERS | {"accept-encoding": ENCODINGS} | {name.lower(): value for name, value in said}
    if content_type is not None:
        headers.setdefault("content-type", content_type)
    return headers


def small(body: Body) -> bytes | None:
    """A body that goes out at once; None for one that goes out in pieces."""
    content = body.content
    return content if content is not None and len(content) <= _PIECE else None


async def pieces_of(send: Send, limit: asyncio.Timeout) -> AsyncIterator[bytes]:
    """The body in pieces. aiohttp waits for ever for a server that takes no more."""
    timeouts = send.timeouts or DEFAULT_TIMEOUTS
    now, deadline = asyncio.get_running_loop().time, limit.when()

    def allow(seconds: float | None) -> None:
        limit.reschedule(sooner(deadline, None if seconds is None else now() + seconds))

    for large in send.body.pieces():
        for start in range(0, len(large), 8 * _PIECE):
            yield large[start : start + 8 * _PIECE]
            await asyncio.sleep(0)  # aiohttp does not wait where the socket takes it all: a file must not keep the loop
            allow(timeouts.idle)
    allow(_sum(timeouts.idle, timeouts.answer))


def printable(url: str) -> str:
    """Itself. Raises ValueError for what aiohttp would send, though no URL has it."""
    if not url.isprintable():
        raise ValueError("not printable")
    return url


def is_encoded(url: str) -> bool:
    """Whether it can be sent as it stands, without aiohttp quoting anything in it."""
    return url.isascii() and " " not in url


def _sum(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first + second
