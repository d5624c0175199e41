"""Streams as callers see them: context managers that iterate events and have a Result at the end."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from ..commands import Emit, Happened, Steps
from ..errors import ConfigurationError
from ..events import Event
from ..model import Pending, Result
from . import clock_of
from .performer import Answer, AsyncPerformer, Performer
from .turns import Turns

_UNFINISHED = "the stream is not at its end; iterate it first"
_NOT_OPEN = "a stream is opened by a block: {} bridge.stream(...) as events"


class _Stream:
    """What both worlds share: the exchange, the events that wait, and the Result."""

    _kind: type[Performer | AsyncPerformer]

    def __init__(
        self,
        begin: Callable[[float], Steps[Result]],
        find: Callable[[Any], Any],
        connection: object,
        turns: Turns,
        pending: Callable[[], Pending | None],
    ) -> None:
        self._begin = begin
        self._find = find
        self._connection = connection
        self._turns = turns
        self._pending = pending
        self._performer: Any = None
        self._now: Callable[[], float] = time.monotonic
        self._steps: Steps[Result] | None = None
        self._happened: Happened | None = None
        self._waiting: deque[Event] = deque()
        self._result: Result | None = None
        self._over = False
        self._busy = False

    def __repr__(self) -> str:
        state = "not open" if self._steps is None else "at its end" if self._over else "open"
        return f"<{type(self).__name__}: {state}>"

    @property
    def result(self) -> Result:
        """The Result, once the stream is at its end. Raises ConfigurationError before."""
        if self._result is None:
            raise ConfigurationError(_UNFINISHED)
        return self._result

    @property
    def pending(self) -> Pending | None:
        """The run, to be asked for again when this stream was left before its end; None where the vendor cannot."""
        return self._pending()

    def _next_command(self) -> Any:
        """What the exchange wants next; None at its end, when the Result is there."""
        if self._steps is None:
            transport = self._find(self._connection)
            self._now = clock_of(transport)
            self._performer = self._kind(transport, self._turns, self._now, self._find)
            self._performer.leave_when_dropped()
            self._steps = self._begin(self._now())
        try:
            return next(self._steps) if self._happened is None else self._steps.send(self._happened)
        except StopIteration as stop:
            self._result, self._over = stop.value, True
            return None

    def _end(self) -> None:
        """End the exchange. Another thread or task that is in the middle of it will see the stream closed, and fail."""
        self._over = True
        if self._steps is not None and not self._busy:
            with suppress(ValueError):  # it has just gone on in another thread
                self._steps.close()

    def _has_happened(self, answer: Answer = None) -> None:
        self._happened = Happened(self._now(), time.time(), answer)

    def _taken(self, events: Emit) -> None:
        self._waiting.extend(events.events)
        self._has_happened()


class Stream(_Stream):
    """The events of one run: `with bridge.stream(...) as events: for event in events: ...`, then `events.result`.

    Entering opens the stream and raises what `invoke` raises. Leaving early closes the connection. `close` may be
    called from another thread.
    """

    _kind = Performer

    def __enter__(self) -> Self:
        self._advance()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        """The next event. Raises InvocationError where the run or the stream fails, with the text so far in `partial`."""
        if self._steps is None:
            raise ConfigurationError(_NOT_OPEN.format("with"))
        while not self._waiting:
            if self._over:
                raise StopIteration
            self._advance()
        return self._waiting.popleft()

    def close(self) -> None:
        """End the stream. A connection whose answer was not read to the end is closed with it."""
        self._end()
        if self._performer is not None:
            self._performer.close(early=self._result is None)

    def _advance(self) -> None:
        """Do what the exchange wants until there are events, or an end."""
        command: Any = None
        self._busy = True
        try:
            command = self._next_command()
            while command is not None and not isinstance(command, Emit):
                self._has_happened(self._performer.perform(command))
                command = self._next_command()
        finally:
            self._busy = False
            if isinstance(command, Emit):
                self._taken(command)
            else:
                self.close()


class AsyncStream(_Stream):
    """The same for an event loop: `async with bridge.stream(...) as events: async for event in events: ...`."""

    _kind = AsyncPerformer

    async def __aenter__(self) -> Self:
        await self._advance()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next event; see `Stream`."""
        if self._steps is None:
            raise ConfigurationError(_NOT_OPEN.format("async with"))
        while not self._waiting:
            if self._over:
                raise StopAsyncIteration
            await self._advance()
        return self._waiting.popleft()

    async def close(self) -> None:
        """End the stream, also from another task."""
        self._end()
        if self._performer is not None:
            await self._performer.close()

    async def _advance(self) -> None:
        command: Any = None
        self._busy = True
        try:
            command = self._next_command()
            while command is not None and not isinstance(command, Emit):
                self._has_happened(await self._performer.perform(command))
                command = self._next_command()
        finally:
            self._busy = False
            if isinstance(command, Emit):
                self._taken(command)
            else:
                await self.close()
