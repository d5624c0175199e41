"""A pool whose work does not grow with its connections, for httpx and httpx2.

Theirs look at every connection for every request, so that a call costs 25 times as much with 256 in flight as with 32.
Here each connection has a transport of the library to itself, and what is idle is remembered by its origin.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from functools import cache, partial
from typing import Any

IDLE_EXPIRY = 4.0  # seconds: Flowise (Node) closes idle connections after 5, and a request on a closing one is lost
ROOM = 512  # connections at most: below what a process may open by default, 1024, and above what callers run at once


class Lending:
    """Which transports are lent and which are idle. The one that was used last is used first.

    `make` makes a transport for one connection; there are never more than `room`.
    """

    def __init__(self, make: Callable[[], Any], room: int) -> None:
        self._make = make
        self._room = room
        self._lent: set[Any] = set()
        self._idle: dict[Any, tuple[Hashable, float]] = {}  # origin, and since when; the newest last

    def lend(self, origin: Hashable) -> Any:
        """The transport that was connected to this origin last, else a new one."""
        found = next((one for one in reversed(self._idle) if self._idle[one][0] == origin), None)
        if found is None:
            found = self._make()
        self._idle.pop(found, None)
        self._lent.add(found)
        return found

    def take_back(self, lent: Any, origin: Hashable, now: float) -> bool:
        """Whether this transport is kept for the next request to its origin. Without an origin it is not."""
        was_lent = lent in self._lent
        self._lent.discard(lent)
        is_kept = was_lent and origin is not None
        if is_kept:
            self._idle[lent] = (origin, now)
        return is_kept

    def surplus(self, now: float) -> Iterator[Any]:
        """The idle ones that are too old, or that there is no room for: to be closed."""
        while self._idle:
            oldest, (_, since) = next(iter(self._idle.items()))
            if now - since < IDLE_EXPIRY and len(self._lent) + len(self._idle) <= self._room:
                return
            del self._idle[oldest]
            yield oldest

    def clear(self) -> list[Any]:
        """All of them, lent or idle: to be closed. Those that are lent will not be kept."""
        held = [*self._lent, *self._idle]
        self._lent.clear()
        self._idle.clear()
        return held


class AsyncPool:
    """A transport of httpx or httpx2 over many of one connection each. Who finds no room waits, first come, first served."""

    def __init__(self, library: Any, make: Callable[[], Any], room: int) -> None:
        import anyio  # which both libraries bring along, and which knows every event loop that they know

        self._library, self._anyio = library, anyio
        self._lending = Lending(make, room)
        self._places = anyio.Semaphore(room)
        self._stream = _stream_class(library)
        self._is_closed = False

    async def handle_async_request(self, request: Any) -> Any:
        """Send over an idle connection, or a new one, which is given back when the response is closed."""
        await self._place(request)
        origin = (request.url.scheme, request.url.netloc)
        lent = self._lending.lend(origin)
        try:
            for idle in self._lending.surplus(time.monotonic()):
                await idle.aclose()
            response = await lent.handle_async_request(request)
        except BaseException:
            await self._take_back(lent, None)
            raise
        response.stream = self._stream(response.stream, partial(self._take_back, lent, origin))
        return response

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
        self._is_closed = True
        for held in self._lending.clear():
            await held.aclose()

    async def _place(self, request: Any) -> None:
        try:
            self._places.acquire_nowait()
        except self._anyio.WouldBlock:
            try:
                with self._anyio.fail_after(request.extensions["timeout"]["pool"]):
                    await self._places.acquire()
            except TimeoutError:
                raise self._library.PoolTimeout("all connections are in use", request=request) from None
        if self._is_closed:
            self._places.release()
            raise self._library.ConnectError("the bridge was closed", request=request)

    async def _take_back(self, lent: Any, origin: Hashable, is_sound: bool = True) -> None:
        """What did not end well may hold on to its connection, and is not used again."""
        is_kept = self._lending.take_back(lent, origin if is_sound else None, time.monotonic())
        self._places.release()
        if not is_kept:
            await lent.aclose()


class _Lent:
    """The body of a response. Closing it gives the connection back."""

    def __init__(self, stream: Any, give_back: Callable[..., Awaitable[None]]) -> None:
        self._stream = stream
        self._give_back = give_back
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: AsyncIterator[bytes] = self._stream.__aiter__()
        return pieces

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        is_sound = False
        try:
            await self._stream.aclose()
            is_sound = True
        finally:
            await self._give_back(is_sound=is_sound)


@cache
def _stream_class(library: Any) -> Any:
    """What this library takes for the body of a response: it must be of its own class."""
    return type("Lent", (_Lent, library.AsyncByteStream), {})
