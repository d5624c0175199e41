"""Pools whose work does not grow with their connections, in place of httpcore's, for httpx and httpx2.

Theirs looks at every connection for every request, so that a call costs 25 times as much with 256 in flight as with 32.
Here each request under way has a connection to itself, and what is idle is remembered by its origin. The connections are
httpcore's own, made by the pool that is replaced; above are the transports of httpx, which recorders and tracers hook into.
"""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator
from functools import lru_cache, partial
from typing import Any

IDLE_EXPIRY = 4.0  # seconds: Flowise (Node) closes idle connections after 5, and a request on a closing one is lost
ROOM = 512  # connections at most: below what a process may open by default, 1024, and above what callers run at once
_BUSY = "all connections are in use"
_CLOSED = "the bridge was closed"


class Lending:
    """Which connections are lent and which are idle. The one that was used last is used first.

    There are never more than `room`.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._lent: set[Any] = set()
        self._idle: dict[Any, tuple[Hashable, float]] = {}  # origin, and since when; the newest last
        self._unsound: list[Any] = []
        self.is_closed = False

    def has_room(self) -> bool:
        """Whether one more may be lent."""
        return len(self._lent) < self._room

    def lend(self, origin: Hashable, make: Callable[[], Any]) -> Any:
        """The connection to this origin that was used last, unless its server has closed it, else a new one."""
        for one in [one for one in reversed(self._idle) if self._idle[one][0] == origin]:
            if not one.has_expired():
                break
            self._unsound.append(one)
            del self._idle[one]
        else:
            one = make()
        self._idle.pop(one, None)
        self._lent.add(one)
        return one

    def take_back(self, lent: Any, origin: Hashable, now: float) -> bool:
        """Whether this connection is kept for the next request to its origin. Without an origin it is not."""
        was_lent = lent in self._lent
        self._lent.discard(lent)
        is_kept = was_lent and origin is not None
        if is_kept:
            self._idle[lent] = (origin, now)
        return is_kept

    def surplus(self, now: float) -> Iterator[Any]:
        """Those that were found closed, and the idle ones that are too old or that there is no room for: to be closed."""
        while self._unsound:
            yield self._unsound.pop()
        while self._idle:
            oldest, (_, since) = next(iter(self._idle.items()))
            if now - since < IDLE_EXPIRY and len(self._lent) + len(self._idle) <= self._room:
                return
            del self._idle[oldest]
            yield oldest

    def clear(self) -> list[Any]:
        """All of them, lent or idle: to be closed. Those that are lent will not be kept."""
        self.is_closed = True
        held = [*self._lent, *self._idle, *self._unsound]
        self._unsound.clear()
        self._lent.clear()
        self._idle.clear()
        return held


class Pool:
    """Blocking, and safe across threads. `make` makes a connection to an origin, `core` is httpcore or httpcore2."""

    def __init__(self, core: Any, make: Callable[[Any], Any], room: int) -> None:
        self._core = core
        self._make = make
        self._lending = Lending(room)
        self._lock = threading.RLock()
        self._returned = threading.Condition(self._lock)

    def handle_request(self, request: Any) -> Any:
        """Send over an idle connection, or a new one, which is given back when the response is closed."""
        origin = origin_of(request, self._core)
        request.headers = _checked(tuple(request.headers))
        lent, surplus = self._lend(origin, request)
        try:
            for connection in surplus:
                connection.close()
            response = lent.handle_request(request)
        except BaseException as error:
            self._take_back(lent, None)
            if isinstance(error, self._core.ConnectionNotAvailable):
                raise self._core.ConnectError(_CLOSED) from None
            raise
        response.stream = Lent(response.stream, partial(self._take_back, lent, origin))
        return response

    def close(self) -> None:
        """Close every connection, also those in use."""
        with self._lock:
            held = self._lending.clear()
            self._returned.notify_all()
        for connection in held:
            connection.close()

    def _lend(self, origin: Hashable, request: Any) -> tuple[Any, list[Any]]:
        with self._lock:
            if not self._returned.wait_for(self._lending.has_room, request.extensions["timeout"]["pool"]):
                raise self._core.PoolTimeout(_BUSY)
            if self._lending.is_closed:
                raise self._core.ConnectError(_CLOSED)
            lent = self._lending.lend(origin, partial(self._make, request.url.origin))
            return lent, [*self._lending.surplus(time.monotonic())]

    def _take_back(self, lent: Any, origin: Hashable) -> None:
        """What is not idle now may hold on to its answer, and is not used again."""
        with self._lock:
            is_kept = self._lending.take_back(lent, origin if lent.is_idle() else None, time.monotonic())
            self._returned.notify()
        if not is_kept:
            lent.close()


class AsyncPool:
    """The same for an event loop. Who finds no room waits, first come, first served."""

    def __init__(self, core: Any, make: Callable[[Any], Any], room: int) -> None:
        import anyio  # which both libraries bring along, and which knows every event loop that they know

        self._core, self._anyio = core, anyio
        self._make = make
        self._lending = Lending(room)
        self._places = anyio.Semaphore(room)

    async def handle_async_request(self, request: Any) -> Any:
        """Send over an idle connection, or a new one, which is given back when the response is closed."""
        origin = origin_of(request, self._core)
        request.headers = _checked(tuple(request.headers))
        await self._place(request)
        lent = self._lending.lend(origin, partial(self._make, request.url.origin))
        try:
            for surplus in self._lending.surplus(time.monotonic()):
                await surplus.aclose()
            response = await lent.handle_async_request(request)
        except BaseException as error:
            await self._take_back(lent, None)
            if isinstance(error, self._core.ConnectionNotAvailable):
                raise self._core.ConnectError(_CLOSED) from None
            raise
        response.stream = AsyncLent(response.stream, partial(self._take_back, lent, origin))
        return response

    async def aclose(self) -> None:
        """Close every connection, also those in use."""
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
                raise self._core.PoolTimeout(_BUSY) from None
        if self._lending.is_closed:
            self._places.release()
            raise self._core.ConnectError(_CLOSED)

    async def _take_back(self, lent: Any, origin: Hashable) -> None:
        """What is not idle now may hold on to its answer, and is not used again."""
        is_kept = self._lending.take_back(lent, origin if lent.is_idle() else None, time.monotonic())
        self._places.release()
        if not is_kept:
            await lent.aclose()


class Lent:
    """The body of a response. Closing it gives the connection back."""

    def __init__(self, stream: Any, give_back: Callable[[], None]) -> None:
        self._stream = stream
        self._give_back = give_back
        self._is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        pieces: Iterator[bytes] = iter(self._stream)
        return pieces

    def close(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            self._stream.close()
        finally:
            self._give_back()


class AsyncLent:
    """The same for an event loop."""

    def __init__(self, stream: Any, give_back: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._give_back = give_back
        self._is_closed = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: AsyncIterator[bytes] = aiter(self._stream)
        return pieces

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self._stream.aclose()
        finally:
            await self._give_back()


@lru_cache(maxsize=256)
def _checked(lines: tuple[tuple[bytes, bytes], ...]) -> Any:
    """Headers as h11 has them once it has checked them: given them so, it does not check them again."""
    from h11 import LocalProtocolError, Request

    try:
        return Request(method=b"POST", target=b"/", headers=[*lines]).headers
    except LocalProtocolError:  # httpcore finds out, and raises its own
        return [*lines]


def origin_of(request: Any, core: Any) -> Hashable:
    """Where a request of httpcore goes, as something to compare. Raises its UnsupportedProtocol for what is not HTTP."""
    url = request.url
    if url.scheme not in {b"http", b"https"}:
        raise core.UnsupportedProtocol(f"the URL begins with {url.scheme.decode()!r}, and not with http or https")
    return url.scheme, url.host, url.port
