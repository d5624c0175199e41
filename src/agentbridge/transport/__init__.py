"""Two drivers, one for each world, that turn the crank of an exchange over a transport: the only I/O there is."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from ..errors import ConfigurationError
from ..exchange import Command, Happened, Send, Steps
from ..wire import HttpResponse, NoAnswer, Sleep

T = TypeVar("T")

VARIABLE = "AGENTBRIDGE_TRANSPORT"
NAMES = ("httpx", "httpx2")


class Transport(Protocol):
    """Sends requests and waits, blocking. A failure to get an answer is a value, not an exception.

    One with a time of its own, as for tests, has also `now() -> float`, in seconds that only grow.
    """

    def send(self, send: Send) -> HttpResponse | NoAnswer: ...
    def sleep(self, seconds: float) -> None: ...
    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """The same for a running event loop."""

    async def send(self, send: Send) -> HttpResponse | NoAnswer: ...
    async def sleep(self, seconds: float) -> None: ...
    async def close(self) -> None: ...


def drive(begin: Callable[[float], Steps[T]], transport: Transport) -> T:
    """Run an exchange to its end, blocking."""
    now = clock_of(transport)
    steps = begin(now())
    try:
        command = next(steps)
        while True:
            answer = _perform(command, transport)
            command = steps.send(Happened(now(), time.time(), answer))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        steps.close()


async def adrive(begin: Callable[[float], Steps[T]], transport: AsyncTransport) -> T:
    """Run an exchange to its end in the running event loop."""
    now = clock_of(transport)
    steps = begin(now())
    try:
        command = next(steps)
        while True:
            answer = await _aperform(command, transport)
            command = steps.send(Happened(now(), time.time(), answer))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        steps.close()


def clock_of(transport: object) -> Callable[[], float]:
    """The monotonic clock that a transport goes by."""
    clock: Callable[[], float] = getattr(transport, "now", time.monotonic)
    return clock


def _perform(command: Command, transport: Transport) -> HttpResponse | NoAnswer | None:
    if isinstance(command, Sleep):
        transport.sleep(command.seconds)
        return None
    return transport.send(cast("Send", command))  # only streams open, read and emit


async def _aperform(command: Command, transport: AsyncTransport) -> HttpResponse | NoAnswer | None:
    if isinstance(command, Sleep):
        await transport.sleep(command.seconds)
        return None
    return await transport.send(cast("Send", command))


def transport_name(asked: object, http_client: object) -> str:
    """Which library is used: the one that is named, else `$AGENTBRIDGE_TRANSPORT`, else httpx; a client brings its own.

    Raises:
        ConfigurationError: for a library that there is no transport for.
    """
    library = type(http_client).__module__.partition(".")[0] if http_client is not None else None
    name = library or asked or os.environ.get(VARIABLE) or "httpx"
    if name not in NAMES:
        raise ConfigurationError(f"there is no transport {name!r}; choose one of {', '.join(NAMES)}")
    return str(name)


def open_transport(name: str, *, client: Any, proxy: str | None, verify: bool | str) -> Transport:
    """A blocking transport of this library."""
    from .httpx import HttpxTransport

    return HttpxTransport(name, client=client, proxy=proxy, verify=verify)


def open_async_transport(name: str, *, client: Any, proxy: str | None, verify: bool | str) -> AsyncTransport:
    """An asynchronous transport of this library, for the running event loop."""
    from .httpx import AsyncHttpxTransport

    return AsyncHttpxTransport(name, client=client, proxy=proxy, verify=verify)
