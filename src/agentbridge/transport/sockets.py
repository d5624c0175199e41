"""TCP and TLS by asyncio's own transports, as httpcore asks for them.

What httpcore brings along, anyio's streams, stop and restart reading around each read, which is a system call each time,
and open a scope of cancellation for each operation: a fifth of a call and more. In trio anyio's are used.
"""

from __future__ import annotations

import asyncio
import select
from functools import partial
from typing import Any

from .network import PIECE

_NEXT_ADDRESS = 0.25  # seconds until the next address of a host is tried beside the one before (RFC 8305)


async def connected(core: Any, host: str, port: int, timeout: float | None) -> SocketStream:  # noqa: ASYNC109 (httpcore's)
    """A connection of the running loop. Raises what `core`, httpcore or httpcore2, raises."""
    loop = asyncio.get_running_loop()
    side_by_side: dict[str, Any] = (
        {"happy_eyeballs_delay": _NEXT_ADDRESS} if isinstance(loop, asyncio.BaseEventLoop) else {}
    )
    try:
        async with asyncio.timeout(timeout):
            _, stream = await loop.create_connection(partial(SocketStream, core), host, port, **side_by_side)
    except TimeoutError as error:
        raise core.ConnectTimeout(str(error)) from error
    except OSError as error:
        raise core.ConnectError(str(error)) from error
    return stream


class _Signal:
    """Wakes the task that waits for it."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None

    def give(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def wait(self, seconds: float | None) -> None:
        """Raises TimeoutError after so many seconds."""
        loop = asyncio.get_running_loop()
        waiter = self._waiter = loop.create_future()
        late = None if seconds is None else loop.call_later(seconds, _end_in_vain, waiter)
        try:
            await waiter
        finally:
            if late is not None:
                late.cancel()


def _end_in_vain(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


class SocketStream(asyncio.Protocol):
    """One connection: what has arrived and was not read, whether there is room to write, and how it ended."""

    def __init__(self, core: Any) -> None:
        self._core = core
        self._transport: Any = None
        self._unread = b""
        self._is_reading = True
        self._has_room = True
        self._is_over = False
        self._error: BaseException | None = None
        self._arrived, self._drained = _Signal(), _Signal()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.set_write_buffer_limits(0)  # a write ends when the system has it, so that its limit counts

    def data_received(self, data: bytes) -> None:
        self._unread = self._unread + data if self._unread else data
        if len(self._unread) >= PIECE and self._is_reading:
            self._is_reading = False
            self._transport.pause_reading()
        self._arrived.give()

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)

    def pause_writing(self) -> None:
        self._has_room = False

    def resume_writing(self) -> None:
        self._has_room = True
        self._drained.give()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        """What is there, at once, else what comes next; nothing at the end."""
        while not self._unread and not self._is_over:
            try:
                await self._arrived.wait(timeout)
            except TimeoutError as error:
                raise self._core.ReadTimeout(str(error)) from error
        if not self._unread and self._error is not None:
            raise self._core.ReadError(str(self._error)) from self._error
        return self._taken(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        """Return when the system has taken all of it."""
        if not self._is_over:
            self._transport.write(buffer)
        while not self._has_room and not self._is_over:
            try:
                await self._drained.wait(timeout)
            except TimeoutError as error:
                raise self._core.WriteTimeout(str(error)) from error
        if self._is_over:
            raise self._core.WriteError(str(self._error or "the other side has closed the connection"))
        if len(buffer) >= PIECE:
            await asyncio.sleep(0)  # a fast receiver is no reason to keep the loop from others

    async def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> SocketStream:
        """Go on by TLS."""
        start = asyncio.get_running_loop().start_tls
        try:
            async with asyncio.timeout(timeout):
                self._transport = await start(self._transport, self, ssl_context, server_hostname=server_hostname)
        except TimeoutError as error:
            raise self._core.ConnectTimeout(str(error)) from error
        except OSError as error:  # of which those of TLS are
            raise self._core.ConnectError(str(error)) from error
        self._transport.set_write_buffer_limits(0)
        return self

    async def aclose(self) -> None:
        """Close at once; who reads meanwhile is told."""
        if not self._is_over:
            self._end(ConnectionAbortedError("the connection was closed here"))
        self._transport.abort()
        await asyncio.sleep(0)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore and its users ask for."""
        if info == "is_readable":
            return bool(self._unread) or self._is_over or _is_readable(self._transport.get_extra_info("socket"))
        return self._transport.get_extra_info(_NAMES.get(info, info))

    def _taken(self, max_bytes: int) -> bytes:
        taken, self._unread = self._unread[:max_bytes], self._unread[max_bytes:]
        if not self._is_reading and not self._unread:
            self._is_reading = True
            self._transport.resume_reading()
        return taken

    def _end(self, error: BaseException | None) -> None:
        if not self._is_over:
            self._is_over, self._error = True, error
        self._arrived.give()
        self._drained.give()


_NAMES = {"client_addr": "sockname", "server_addr": "peername"}
"""httpcore's names of what asyncio knows."""


def _is_readable(socket: Any) -> bool:
    """Whether something came that the loop has not seen: it may not have run since, and an idle connection be closed."""
    if not hasattr(select, "poll"):  # Windows, whose select knows no limit of numbers
        return bool(select.select([socket], [], [], 0)[0])
    polled = select.poll()
    polled.register(socket.fileno(), select.POLLIN)
    return bool(polled.poll(0))
