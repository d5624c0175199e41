"""A transport without a network: answers as it is told, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

import attrs

from ..commands import Send
from ..wire import HttpResponse, NoAnswer

Answering: TypeAlias = Callable[[Send], HttpResponse | NoAnswer]


class Opened:
    """An answer that stands open: its head, and what `read` gives for its body, piece by piece, empty at its end."""

    def __init__(self, head: HttpResponse, read: Callable[[float | None], bytes | NoAnswer]) -> None:
        self.head = head
        self.read = read

    @classmethod
    def whole(cls, answer: HttpResponse) -> Opened:
        """An answer whose body comes in one piece."""
        pieces = iter([answer.content])
        return cls(attrs.evolve(answer, content=b""), lambda _: next(pieces, b""))

    def close(self) -> None:
        """Nothing is open."""

    abort = close


class AsyncOpened:
    """The same, awaited."""

    def __init__(self, opened: Opened) -> None:
        self.head = opened.head
        self._opened = opened

    async def read(self, until: float | None) -> bytes | NoAnswer:
        """The next piece."""
        return self._opened.read(until)

    async def close(self) -> None:
        """Nothing is open."""


class MemoryTransport:
    """For `Bridge(transport=...)`: gives the answers one after the other, the last one for ever.

    An answer may also be a function of the request. `sent` holds the requests, `slept` the waits in seconds. Time is
    what was slept: a run that is polled for ever meets its limit at once.
    """

    def __init__(self, answers: Iterable[HttpResponse | NoAnswer | Answering]) -> None:
        self._answers = list(answers)
        self.sent: list[Send] = []
        self.slept: list[float] = []

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self._answers)} answers; {len(self.sent)} sent>"

    def send(self, send: Send) -> HttpResponse | NoAnswer:
        """The next answer."""
        self.sent.append(send)
        answer = self._answers[min(len(self.sent), len(self._answers)) - 1]
        return answer(send) if callable(answer) else answer

    def open(self, send: Send) -> Opened | NoAnswer:
        """The next answer, to be read as a stream."""
        answer = self.send(send)
        return answer if isinstance(answer, NoAnswer) else Opened.whole(answer)

    def sleep(self, seconds: float) -> None:
        """Remember that somebody wanted to wait."""
        self.slept.append(seconds)

    def now(self) -> float:
        """The seconds slept so far."""
        return sum(self.slept)

    def close(self) -> None:
        """Nothing is open."""

    def asynchronous(self) -> AsyncMemoryTransport:
        """The same transport for `AsyncBridge(transport=...)`."""
        return AsyncMemoryTransport(self)


class Blocking(Protocol):
    """What an AsyncMemoryTransport makes awaitable: nothing of it takes time."""

    def send(self, send: Send) -> HttpResponse | NoAnswer: ...
    def open(self, send: Send) -> Opened | NoAnswer: ...
    def sleep(self, seconds: float) -> None: ...
    def now(self) -> float: ...


class AsyncMemoryTransport:
    """A MemoryTransport, or one like it, awaited."""

    def __init__(self, transport: Blocking) -> None:
        self._transport = transport

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        """The next answer."""
        return self._transport.send(send)

    async def open(self, send: Send) -> AsyncOpened | NoAnswer:
        """The next answer, to be read as a stream."""
        opened = self._transport.open(send)
        return opened if isinstance(opened, NoAnswer) else AsyncOpened(opened)

    async def sleep(self, seconds: float) -> None:
        """Remember that somebody wanted to wait."""
        self._transport.sleep(seconds)

    def now(self) -> float:
        """The seconds slept so far."""
        return self._transport.now()

    async def close(self) -> None:
        """Nothing is open."""
