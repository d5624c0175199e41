"""Streams as callers see them: context managers that iterate events and have a Result at the end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self

from ..errors import ConfigurationError
from ..events import Event
from ..exchange import Emit, Happened, Open, Read, Send, Steps
from ..model import Result
from ..wire import HttpResponse, NoAnswer, Sleep
from . import clock_of

_UNFINISHED = "the stream is not at its end; iterate it first"
_NOT_OPEN = "a stream is opened by a with block: with bridge.stream(...) as events"


class _Stream:
    """What both worlds share: the exchange, the events that wait, and the Result."""

    def __init__(self, begin: Callable[[float], Steps[Result]], transport: Callable[[], Any]) -> None:
        self._begin = begin
        self._find_transport = transport
        self._transport: Any = None
        self._now: Callable[[], float] = time.monotonic
        self._steps: Steps[Result] | None = None
        self._happened: Happened | None = None
        self._waiting: deque[Event] = deque()
        self._opened: Any = None
        self._result: Result | None = None
        self._over = False

    @property
    def result(self) -> Result:
        """The Result, once the stream is at its end. Raises ConfigurationError before."""
        if self._result is None:
            raise ConfigurationError(_UNFINISHED)
        return self._result

    def _next_command(self) -> Any:
        """What the exchange wants next; None at its end, when the Result is there."""
        if self._steps is None:
            self._transport = self._find_transport()
            self._now = clock_of(self._transport)
            self._steps = self._begin(self._now())
        try:
            return next(self._steps) if self._happened is None else self._steps.send(self._happened)
        except StopIteration as stop:
            self._result, self._over = stop.value, True
            return None

    def _has_happened(self, answer: HttpResponse | NoAnswer | bytes | None = None) -> None:
        self._happened = Happened(self._now(), time.time(), answer)

    def _head(self, opened: Any) -> HttpResponse | NoAnswer:
        """Remember what stands open."""
        if isinstance(opened, NoAnswer):
            return opened
        self._opened = opened
        head: HttpResponse = opened.head
        return head

    def _taken(self, events: Emit) -> None:
        self._waiting.extend(events.events)
        self._has_happened()


class Stream(_Stream):
    """The events of one run: `with bridge.stream(...) as events: for event in events: ...`, then `events.result`.

    Entering opens the stream and raises what `invoke` raises. Leaving early closes the connection. `close` may be
    called from another thread.
    """

    def __enter__(self) -> Self:
        try:
            self._advance()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        """The next event. Raises InvocationError where the run or the stream fails, with the text so far in `partial`."""
        if self._steps is None:
            raise ConfigurationError(_NOT_OPEN)
        while not self._waiting:
            if self._over:
                raise StopIteration
            self._advance()
        return self._waiting.popleft()

    def close(self) -> None:
        """End the stream. A connection whose answer was not read to the end is closed with it."""
        self._over = True
        if self._opened is not None:
            if self._result is None:
                self._opened.abort()
            self._opened.close()

    def _advance(self) -> None:
        """Do what the exchange wants until there are events, or an end."""
        try:
            command = self._next_command()
            while command is not None and not isinstance(command, Emit):
                self._has_happened(self._perform(command))
                command = self._next_command()
        except BaseException:
            self._over = True
            raise
        if isinstance(command, Emit):
            self._taken(command)

    def _perform(self, command: Send | Open | Read | Sleep) -> HttpResponse | NoAnswer | bytes | None:
        if isinstance(command, Read):
            piece: bytes | NoAnswer = self._opened.read(command.until)
            return NoAnswer("lost", "closed by the caller") if self._over else piece
        if self._opened is not None:  # a stream that failed before its content is tried again
            self._opened.close()
            self._opened = None
        if isinstance(command, Open):
            return self._head(self._transport.open(command.send))
        if isinstance(command, Sleep):
            self._transport.sleep(command.seconds)
            return None
        answer: HttpResponse | NoAnswer = self._transport.send(command)
        return answer


class AsyncStream(_Stream):
    """The same for an event loop: `async with bridge.stream(...) as events: async for event in events: ...`."""

    async def __aenter__(self) -> Self:
        try:
            await self._advance()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event; see `Stream`."""
        if self._steps is None:
            raise ConfigurationError(_NOT_OPEN)
        while not self._waiting:
            if self._over:
                raise StopAsyncIteration
            await self._advance()
        return self._waiting.popleft()

    async def close(self) -> None:
        """End the stream, also from another task."""
        self._over = True
        if self._opened is not None:
            await self._opened.close()

    async def _advance(self) -> None:
        try:
            command = self._next_command()
            while command is not None and not isinstance(command, Emit):
                self._has_happened(await self._perform(command))
                command = self._next_command()
        except BaseException:
            self._over = True
            raise
        if isinstance(command, Emit):
            self._taken(command)

    async def _perform(self, command: Send | Open | Read | Sleep) -> HttpResponse | NoAnswer | bytes | None:
        if isinstance(command, Read):
            piece: bytes | NoAnswer = await self._opened.read(command.until)
            return NoAnswer("lost", "closed by the caller") if self._over else piece
        if self._opened is not None:
            await self._opened.close()
            self._opened = None
        if isinstance(command, Open):
            return self._head(await self._transport.open(command.send))
        if isinstance(command, Sleep):
            await self._transport.sleep(command.seconds)
            return None
        answer: HttpResponse | NoAnswer = await self._transport.send(command)
        return answer
