"""Two drivers, one for each world, that turn the crank of an exchange over a transport."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

from ..commands import Happened, Steps
from ..environment import environment
from ..errors import ConfigurationError
from .loops import in_asyncio
from .performer import AsyncPerformer, AsyncTransport, Performer, Transport
from .turns import Turns

__all__ = ["AsyncTransport", "Transport", "adrive", "clock_of", "drive", "open_async_transport", "open_transport"]

T = TypeVar("T")
C = TypeVar("C")  # what a transport is found by

VARIABLE = "AGENTBRIDGE_TRANSPORT"
MAIL = "smtp"
AIOHTTP = "aiohttp"
BLOCKING = ANY_LOOP = ("httpx", "httpx2")
NAMES = (*BLOCKING, AIOHTTP)


def drive(begin: Callable[[float], Steps[T]], find: Callable[[C], Transport], connection: C, turns: Turns) -> T:
    """Run an exchange to its end, blocking, over the transport that `find` has for a connection."""
    transport = find(connection)
    now = clock_of(transport)
    performer = Performer(transport, turns, now, find)
    steps = begin(now())
    try:
        command = next(steps)
        while True:
            answer = performer.perform(command)
            command = steps.send(Happened(now(), time.time(), answer))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        steps.close()
        performer.close()


async def adrive(
    begin: Callable[[float], Steps[T]], find: Callable[[C], AsyncTransport], connection: C, turns: Turns
) -> T:
    """Run an exchange to its end in the running event loop."""
    transport = find(connection)
    now = clock_of(transport)
    performer = AsyncPerformer(transport, turns, now, find)
    steps = begin(now())
    try:
        command = next(steps)
        while True:
            answer = await performer.perform(command)
            command = steps.send(Happened(now(), time.time(), answer))
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    finally:
        steps.close()
        await performer.close()


def clock_of(transport: object) -> Callable[[], float]:
    """The monotonic clock that a transport goes by."""
    clock: Callable[[], float] = getattr(transport, "now", time.monotonic)
    return clock


def transport_name(asked: object, http_client: object, names: tuple[str, ...] = BLOCKING) -> str:
    """Which library is used: the one that is named, else `$AGENTBRIDGE_TRANSPORT`, else httpx; a client brings its own.

    `names` are those that will do: without them, those of a Bridge.

    Raises:
        ConfigurationError: for a library that there is no transport for.
    """
    library = type(http_client).__module__.partition(".")[0] if http_client is not None else None
    name = library or asked or environment().get(VARIABLE) or "httpx"
    if name not in names and name in NAMES:
        raise ConfigurationError(f"transport {name!r} is for AsyncBridge alone; here choose one of {', '.join(names)}")
    if name not in names:
        raise ConfigurationError(f"there is no transport {name!r}; choose one of {', '.join(names)}")
    return str(name)


def open_transport(name: str, *, client: Any, proxy: str | None, verify: bool | str) -> Transport:
    """A blocking transport of this library, or the one for e-mail."""
    if name == MAIL:
        from .smtp import SmtpTransport

        return SmtpTransport(proxy=proxy, verify=verify)
    from .httpx import HttpxTransport

    return HttpxTransport(name, client=client, proxy=proxy, verify=verify)


def open_async_transport(name: str, *, client: Any, proxy: str | None, verify: bool | str) -> AsyncTransport:
    """An asynchronous transport of this library, or the one for e-mail, for the running event loop.

    Raises:
        ConfigurationError: the loop is trio's, and the library knows only asyncio.
    """
    if name not in ANY_LOOP and not in_asyncio():
        raise ConfigurationError(f"{name} runs in asyncio only; httpx and httpx2 also run in trio")
    if name == MAIL:
        from .smtp import AsyncSmtpTransport

        return AsyncSmtpTransport(proxy=proxy, verify=verify)
    if name == AIOHTTP:
        from .aiohttp import AiohttpTransport

        return AiohttpTransport(proxy=proxy, verify=verify)
    from .httpx import AsyncHttpxTransport

    return AsyncHttpxTransport(name, client=client, proxy=proxy, verify=verify)
