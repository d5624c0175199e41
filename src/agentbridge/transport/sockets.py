"""Connections without TLS over asyncio's own transports, as httpcore asks for them.

What httpcore brings along, anyio's streams, stop and restart reading around each read, which is a system call each time,
and open a scope of cancellation for each operation: a fifth of a call and more. In trio, for TLS and for proxies they are used.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
from typing import Any

from .network import PIECE

_NEXT_ADDRESS = 0.25  # seconds until the next address of a host is tried beside the one before (RFC 8305)


async def connected(core: Any, host: str, port: int, timeout: float | None) -> SocketStream:  # noqa: ASYNC109 (httpcore's)
    """A connection of the running loop. Raises what `core`, httpcore or httpcore2, raises."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(timeout):
            _, line = await loop.create_connection(Line, host, port, **_side_by_side(loop))
            return SocketStream(core, line)
    except TimeoutError as error:
        raise core.ConnectTimeout(str(error)) from error
    except Exception as error:  # a host or a port that can be none raises whatever it meets first
        raise core.ConnectError(str(error)) from error


def _side_by_side(loop: asyncio.AbstractEventLoop) -> dict[str, Any]:
    """How the addresses of a host are tried: one after the other where uvloop, or a factory of tasks, can do no better."""
    can = isinstance(loop, asyncio.BaseEventLoop) and loop.get_task_factory() is None
    return {"happy_eyeballs_delay": _NEXT_ADDRESS} if can else {}


class _Signal:
    """Wakes the tasks that wait for it, in its own loop: in another one nobody would be woken, and asyncio says so."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiters: set[asyncio.Future[bool]] = set()

    def give(self) -> None:
        for waiter in self._waiters:
            _wake(waiter, True)

    async def wait(self, seconds: float | None) -> bool:
        """Whether it was given; False after so many seconds."""
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._waiters.add(waiter)
        late = None if seconds is None else self._loop.call_later(seconds, _wake, waiter, False)
        try:
            return await waiter
        finally:
            self._waiters.discard(waiter)
            if late is not None:
                late.cancel()


def _wake(waiter: asyncio.Future[bool], in_time: bool) -> None:
    if not waiter.done():
        waiter.set_result(in_time)


class Line(asyncio.Protocol):
    """What the loop knows of a connection: what has arrived and was not read, whether there is room, how it ended."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.unread = b""
        self.has_room = True
        self.is_over = False
        self.error: BaseException | None = None
        self.arrived, self.drained = _Signal(), _Signal()
        self._is_reading = True

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.set_write_buffer_limits(0)  # a write ends when the system has it, so that its limit counts

    def data_received(self, data: bytes) -> None:
        self.unread = self.unread + data if self.unread else data
        if len(self.unread) >= PIECE and self._is_reading:
            self._is_reading = False
            self.transport.pause_reading()
        self.arrived.give()

    def eof_received(self) -> None:
        self.end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and not self.is_over:
            self.unread += _last_words(self.transport)
        self.end(exc)

    def pause_writing(self) -> None:
        self.has_room = False

    def resume_writing(self) -> None:
        self.has_room = True
        self.drained.give()

    def taken(self, max_bytes: int) -> bytes:
        """What has arrived, at most so much of it, to be read."""
        taken, self.unread = self.unread[:max_bytes], self.unread[max_bytes:]
        if not self._is_reading and not self.unread and not self.is_over:
            self._is_reading = True
            self.transport.resume_reading()
        return taken

    def end(self, error: BaseException | None) -> None:
        """Tell who waits that nothing comes any more, and why."""
        if not self.is_over:
            self.is_over, self.error = True, error
        self.arrived.give()
        self.drained.give()


class SocketStream:
    """A connection as httpcore uses it. The loop holds the line, but not this: who forgets it open has it closed."""

    def __init__(self, core: Any, line: Line) -> None:
        self._core = core
        self._line = line
        self._loop = asyncio.get_running_loop()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What is there, at once, else what comes next; nothing at the end."""
        line = self._line
        while not line.unread and not line.is_over:
            if not await line.arrived.wait(timeout):
                raise self._core.ReadTimeout
        if not line.unread and line.error is not None:
            raise self._core.ReadError(str(line.error)) from line.error
        return line.taken(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Return when the system has taken all of it."""
        line = self._line
        if not line.is_over:
            line.transport.write(buffer)
        while not line.has_room and not line.is_over:
            if not await line.drained.wait(timeout):
                raise self._core.WriteTimeout
        if line.is_over:
            raise self._core.WriteError(str(line.error or "the other side has closed the connection"))
        if len(buffer) >= PIECE:
            await asyncio.sleep(0)  # a fast receiver is no reason to keep the loop from others

    def abort(self) -> None:
        """Close at once; who reads meanwhile is told."""
        self._line.end(ConnectionAbortedError("the connection was closed here"))
        with contextlib.suppress(RuntimeError):  # the loop is over, and its sockets go when they are collected
            self._line.transport.abort()

    async def aclose(self) -> None:
        """The same, and let the system have its socket back."""
        self.abort()
        await asyncio.sleep(0)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore and its users ask for."""
        line = self._line
        if info == "is_readable":
            return bool(line.unread) or line.is_over or _is_readable(line.transport.get_extra_info("socket"))
        if info == "socket" and line.is_over:
            return None  # uvloop's still says its number, which may be another's by now
        return line.transport.get_extra_info(_NAMES.get(info, info))

    def __del__(self) -> None:
        """In whatever thread."""
        if not self._line.is_over:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._line.transport.abort)


_IS_POSIX = hasattr(select, "poll")
_NAMES = {"client_addr": "sockname", "server_addr": "peername"}
"""httpcore's names of what asyncio knows."""


def _last_words(transport: Any) -> bytes:
    """What has come from a server that hung up while we wrote: the loop leaves its answer with the system, unread."""
    words = b""
    if _IS_POSIX:  # elsewhere a socket has no number that can be read from
        with contextlib.suppress(OSError):
            while piece := os.read(transport.get_extra_info("socket").fileno(), PIECE):
                words += piece
    return words


def _is_readable(socket: Any) -> bool:
    """Whether something came that the loop has not seen: it may not have run since, and an idle connection be closed."""
    if not _IS_POSIX:  # Windows, whose select knows no limit of numbers
        return bool(select.select([socket], [], [], 0)[0])
    polled = select.poll()
    polled.register(socket.fileno(), select.POLLIN)
    return bool(polled.poll(0))
