"""Does what an exchange wants done, one command at a time, in either world: the only I/O there is."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

from ..commands import Emit, Open, Read, Release, Send, Turn, Use
from ..wire import HttpResponse, NoAnswer, Sleep
from .turns import Held, Turns

Doable: TypeAlias = Send | Open | Read | Sleep | Turn | Release | Use
Find: TypeAlias = Callable[[Any], Any]  # the transport of a connection
Answer: TypeAlias = HttpResponse | NoAnswer | bytes | None
_LATE = NoAnswer("deadline", sent=False)
_CLOSED = NoAnswer("lost", "closed by the caller")
_NOT_BEGUN = NoAnswer("lost", "closed by the caller", sent=False)
_TO_BE_DONE = object()


class Transport(Protocol):
    """Sends requests and waits, blocking. A failure to get an answer is a value, not an exception.

    One with a time of its own, as for tests, has also `now() -> float`, in seconds that only grow. One that streams
    has also `open(send) -> opened | NoAnswer`, where `opened` has `head`, `read`, `close` and `abort`; and may have
    `abandon(opened)`, called when a stream that was never closed is collected, at any point of any thread.
    """

    def send(self, send: Send) -> HttpResponse | NoAnswer: ...
    def sleep(self, seconds: float) -> None: ...
    def close(self) -> None: ...


class AsyncTransport(Protocol):
    """The same for a running event loop."""

    async def send(self, send: Send) -> HttpResponse | NoAnswer: ...
    async def sleep(self, seconds: float) -> None: ...
    async def close(self) -> None: ...


class _Hands:
    """What both worlds hold: the transport, the answer that stands open, and the places in queues."""

    def __init__(self, transport: Any, turns: Turns, now: Callable[[], float], find: Find) -> None:
        self._transport = transport
        self._find = find
        self._now = now
        self._held = Held(turns)
        self._drop: Any = None
        self._standing: list[
            Any
        ] = []  # the answer that stands open, if any; a list, since what drops it cannot hold us
        self._closed = False

    def _opening(self, opened: Any) -> HttpResponse | NoAnswer:
        if isinstance(opened, NoAnswer):
            return opened
        self._standing.append(opened)
        head: HttpResponse = opened.head
        return head

    def _at_once(self, command: Any) -> Any:
        """What comes of a command that takes no time; `_TO_BE_DONE` for one that does."""
        if isinstance(command, Release):
            self._held.leave(command.key)
        elif isinstance(command, Use):
            self._use(command.connection)
        elif not isinstance(command, Emit):  # nobody listens to a run that is only begun
            return _NOT_BEGUN if self._closed and not isinstance(command, Read) else _TO_BE_DONE
        return None

    def leave_when_dropped(self) -> None:
        """Let a stream that is dropped unfinished give its turns and its connection back when it is collected."""
        self._drop = weakref.finalize(self, _dropped, self._held, self._standing, self._transport)
        self._drop.atexit = False

    def _use(self, connection: Any) -> None:
        self._transport = self._find(connection)
        if self._drop is not None:
            self._drop.detach()
            self.leave_when_dropped()

    def _left(self, turn: Turn) -> float | None:
        """The seconds that are left for a turn to come."""
        return None if turn.until is None else max(0.0, turn.until - self._now())


def _dropped(held: Held, standing: list[Any], transport: Any) -> None:
    held.leave()
    if standing and hasattr(transport, "abandon"):
        transport.abandon(standing.pop())


class Performer(_Hands):
    """The hands of one exchange, blocking. `close` may be called from another thread."""

    def perform(self, command: Doable | Emit) -> Answer:
        """Do it, and say what came of it."""
        at_once = self._at_once(command)
        if at_once is not _TO_BE_DONE:
            return at_once  # type: ignore[no-any-return]
        if isinstance(command, Read):
            standing = self._standing[:1]  # none where another thread has closed this
            piece: bytes | NoAnswer = standing[0].read(command.until) if standing else _CLOSED
            return _CLOSED if self._closed else piece
        if self._standing:  # a stream that failed before its content is tried again
            self._standing.pop().close()
        if isinstance(command, Send):
            answer: HttpResponse | NoAnswer = self._transport.send(command)
            return answer
        if isinstance(command, Open):
            return self._opening(self._transport.open(command.send))
        if isinstance(command, Turn):
            place = self._held.place(command.key, command.room)
            return None if place.wait(command.key, self._left(command)) else _LATE
        if isinstance(command, Sleep):
            self._transport.sleep(command.seconds)
        return None

    def close(self, *, early: bool = False) -> None:
        """Let go of everything; `early` where an answer may be on its way, whose connection is then closed with it."""
        self._closed = True
        try:
            while self._standing:
                opened = self._standing.pop()
                if early:
                    opened.abort()
                opened.close()
        finally:
            self._held.leave()


class AsyncPerformer(_Hands):
    """The same for an event loop. `close` may be called from another task."""

    async def perform(self, command: Doable | Emit) -> Answer:
        """Do it, and say what came of it."""
        at_once = self._at_once(command)
        if at_once is not _TO_BE_DONE:
            return at_once  # type: ignore[no-any-return]
        if isinstance(command, Read):
            standing = self._standing[:1]  # none where another task has closed this
            piece: bytes | NoAnswer = await standing[0].read(command.until) if standing else _CLOSED
            return _CLOSED if self._closed else piece
        if self._standing:  # a stream that failed before its content is tried again
            await self._standing.pop().close()
        if isinstance(command, Send):
            answer: HttpResponse | NoAnswer = await self._transport.send(command)
            return answer
        if isinstance(command, Open):
            return self._opening(await self._transport.open(command.send))
        if isinstance(command, Turn):
            place = self._held.place(command.key, command.room)
            return None if await place.await_turn(command.key, self._left(command)) else _LATE
        if isinstance(command, Sleep):
            await self._transport.sleep(command.seconds)
        return None

    async def close(self) -> None:
        """Let go of everything."""
        self._closed = True
        try:
            while self._standing:
                await self._standing.pop().close()
        finally:
            self._held.leave()
