"""A transport without a network: answers as it is told, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

from ..commands import Send
from ..wire import HttpResponse, NoAnswer

Answering: TypeAlias = Callable[[Send], HttpResponse | NoAnswer]


class MemoryTransport:
    """For `Bridge(transport=...)`: gives the answers one after the other, the last one for ever.

    An answer may also be a function of the request. `sent` holds the requests, `slept` the waits in seconds. Time is
    what was slept: a run that is polled for ever meets its limit at once.
    """

    def __init__(self, answers: Iterable[HttpResponse | NoAnswer | Answering]) -> None:
        self._answers = list(answers)
        self.sent: list[Send] = []
        self.slept: list[float] = []

    def send(self, send: Send) -> HttpResponse | NoAnswer:
        """The next answer."""
        self.sent.append(send)
        answer = self._answers[min(len(self.sent), len(self._answers)) - 1]
        return answer(send) if callable(answer) else answer

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


class AsyncMemoryTransport:
    """A MemoryTransport, awaited."""

    def __init__(self, transport: MemoryTransport) -> None:
        self._transport = transport

    async def send(self, send: Send) -> HttpResponse | NoAnswer:
        """The next answer."""
        return self._transport.send(send)

    async def sleep(self, seconds: float) -> None:
        """Remember that somebody wanted to wait."""
        self._transport.sleep(seconds)

    def now(self) -> float:
        """The seconds slept so far."""
        return self._transport.now()

    async def close(self) -> None:
        """Nothing is open."""
