"""What lies between httpcore and its sockets: network backends of ours around its own.

httpcore writes the head of a request and its body one after the other, two packets and two turns of both systems for a
request that fits into one. Here they are one write. In the blocking world each operation also ends at the deadline.
"""

from __future__ import annotations

from typing import Any

from .deadline import in_time
from .loops import in_asyncio

PIECE = 64 * 1024  # bytes


def bind(transport: Any, backend: type, core: Any) -> None:
    """Make the connections of a transport of httpx go over a backend of ours; `core` is httpcore or httpcore2.

    httpcore takes a network backend, but httpx has no argument to pass one on, hence the two private names. Tests
    with a dripping server, and of what is written, fail should they ever be renamed.
    """
    pool = transport._pool  # noqa: SLF001
    pool._network_backend = backend(pool._network_backend, core)  # noqa: SLF001


class Unsent:
    """What is to be written, kept until there is more than a piece of it, or nothing follows."""

    def __init__(self) -> None:
        self._kept = b""

    def add(self, buffer: bytes) -> bytes:
        """What to write now. httpcore writes nothing at the end of a request, to say that it ends."""
        if buffer and len(self._kept) + len(buffer) < PIECE:
            self._kept += buffer
            return b""
        return self.take() + buffer

    def take(self) -> bytes:
        """All that is kept, and no longer."""
        kept, self._kept = self._kept, b""
        return kept


class Backend:
    """Opens connections of a wrapped httpcore backend."""

    def __init__(self, backend: Any, core: Any) -> None:
        self._backend = backend
        self._core = core

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> Stream:
        left = in_time(timeout, self._core.ConnectTimeout)
        return Stream(self._backend.connect_tcp(host, port, timeout=left, **options), self._core)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class Stream:
    """A connection whose every operation obeys the deadline."""

    def __init__(self, stream: Any, core: Any) -> None:
        self._stream = stream
        self._core = core
        self._unsent = Unsent()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._write(self._unsent.take(), timeout)
        content: bytes = self._stream.read(max_bytes, timeout=in_time(timeout, self._core.ReadTimeout))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._write(self._unsent.add(buffer), timeout)

    def _write(self, buffer: bytes, timeout: float | None) -> None:
        for start in range(0, len(buffer), PIECE):  # below, the limit counts for each piece that the system takes
            piece = buffer[start : start + PIECE]
            self._stream.write(piece, timeout=in_time(timeout, self._core.WriteTimeout))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Stream:
        left = in_time(timeout, self._core.ConnectTimeout)
        return Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._core)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class AsyncBackend:
    """The same for an event loop, where the deadline is `asyncio.timeout`'s."""

    def __init__(self, backend: Any, core: Any) -> None:
        self._backend = backend
        self._core = core

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> AsyncStream:  # noqa: ASYNC109 (httpcore's)
        return AsyncStream(await self._backend.connect_tcp(host, port, timeout=timeout, **options))

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class PlainAsyncBackend(AsyncBackend):
    """The same where no TLS will be asked for. In asyncio the connections are our own."""

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> AsyncStream:  # noqa: ASYNC109
        if not in_asyncio() or any(options.values()):
            return await super().connect_tcp(host, port, timeout, **options)
        from .sockets import connected

        return AsyncStream(await connected(self._core, host, port, timeout))


class AsyncStream:
    """A connection that writes a request at once."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._unsent = Unsent()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        if unsent := self._unsent.take():
            await self._stream.write(unsent, timeout)
        content: bytes = await self._stream.read(max_bytes, timeout)
        return content

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if whole := self._unsent.add(buffer):
            await self._stream.write(whole, timeout)

    async def start_tls(
        self,
        ssl_context: Any,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> AsyncStream:
        return AsyncStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    async def aclose(self) -> None:
        await self._stream.aclose()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
