"""An exact deadline for blocking calls.

httpx limits each read, not their sum, so a vendor that drips a byte a second would never time out, neither in the
body nor in the headers. Below httpx each socket read asks for its own limit; here it gets the smaller of that and the
time left. (In the asynchronous world `asyncio.timeout` does this.)
"""

from __future__ import annotations

import time
from contextvars import ContextVar
from typing import Any

_PIECE = 64 * 1024  # bytes

_deadline: ContextVar[float | None] = ContextVar("agentbridge_deadline", default=None)


class until:  # noqa: N801 (read as a word: `with until(deadline)`)
    """Every socket operation of this thread inside the block ends at the deadline (monotonic seconds)."""

    __slots__ = ("_at", "_token")

    def __init__(self, deadline: float | None) -> None:
        self._at = deadline

    def __enter__(self) -> None:
        self._token = _deadline.set(self._at)

    def __exit__(self, *exc: object) -> None:
        _deadline.reset(self._token)


def bind_by_deadline(transport: Any, core: Any) -> None:
    """Make the connections of a transport of httpx obey `until`; `core` is httpcore or httpcore2.

    httpcore takes a network backend, but httpx has no argument to pass one on, hence the two private names. A test
    with a dripping server fails should they ever be renamed.
    """
    pool = transport._pool  # noqa: SLF001
    pool._network_backend = _Backend(pool._network_backend, core)  # noqa: SLF001


def _left(timeout: float | None, expired: type[Exception]) -> float | None:
    deadline = _deadline.get()
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise expired("deadline")
    return left if timeout is None else min(timeout, left)


class _Backend:
    """Opens connections of a wrapped httpcore backend."""

    def __init__(self, backend: Any, core: Any) -> None:
        self._backend = backend
        self._core = core

    def connect_tcp(self, host: str, port: int, timeout: float | None = None, **options: Any) -> _Stream:
        left = _left(timeout, self._core.ConnectTimeout)
        return _Stream(self._backend.connect_tcp(host, port, timeout=left, **options), self._core)

    def connect_unix_socket(self, path: str, timeout: float | None = None, **options: Any) -> _Stream:
        left = _left(timeout, self._core.ConnectTimeout)
        return _Stream(self._backend.connect_unix_socket(path, timeout=left, **options), self._core)

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


class _Stream:
    """A connection whose every operation obeys the deadline."""

    def __init__(self, stream: Any, core: Any) -> None:
        self._stream = stream
        self._core = core

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        content: bytes = self._stream.read(max_bytes, timeout=_left(timeout, self._core.ReadTimeout))
        return content

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):  # below, the limit counts for each piece that the system takes
            piece = buffer[start : start + _PIECE]
            self._stream.write(piece, timeout=_left(timeout, self._core.WriteTimeout))

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> _Stream:
        left = _left(timeout, self._core.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left), self._core)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
