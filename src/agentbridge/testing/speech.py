"""A scripted stream, piece by piece, and the time that it takes without anybody waiting."""

from __future__ import annotations

import copy
import json
from collections import deque

import attrs

from ..codec import plain
from ..errors import InvocationError, TransportError
from ..events import Event, SourcesFound, TextDelta, ToolCalled
from ..faults import Fault, FaultKind
from ..model import Result
from ..wire import NoAnswer
from .scripted_errors import fault_of, lost
from .scripts import Streamed, timed

_FOREVER = float("inf")


class Clock:
    """Time that passes where somebody waits, and at no other time. One for all calls of a bridge."""

    def __init__(self) -> None:
        self.now = 0.0

    def wait(self, seconds: float, until: float | None, patience: float | None) -> NoAnswer | None:
        """Wait for what comes in so many seconds; why it did not come, where that is too late."""
        left = _FOREVER if until is None else max(0.0, until - self.now)
        patience = _FOREVER if patience is None else patience
        self.now += min(seconds, left, patience)
        if seconds <= min(left, patience):
            return None
        return NoAnswer("deadline" if left <= patience else "timeout")


class Speech:
    """A scripted stream: bytes for the core to read, and the events that they stand for."""

    def __init__(self, streamed: Streamed, clock: Clock, idle: float | None) -> None:
        self._left = deque(streamed.pieces)
        self._clock = clock
        self._idle = idle
        self._events: list[Event] = []
        self._unheard: list[Event] = []
        self._end: Result | InvocationError | None = None
        self._broken = False

    @property
    def done(self) -> bool:
        """Whether all was said, and it was no failure."""
        return not self._left and not self._broken

    def read(self, until: float | None) -> bytes | NoAnswer:
        """The next piece; empty at the end."""
        if not self._left:
            return b""
        seconds, piece = timed(self._left.popleft())
        late = self._clock.wait(seconds, until, self._idle)
        if late is not None:
            self._left.clear()
            self._broken = True
            return late
        if isinstance(piece, InvocationError):
            self._end, self._broken = piece, True
            return lost(piece) if isinstance(piece, TransportError) else b""
        if isinstance(piece, Result):
            self._end = piece
        else:
            self._events.append(piece)
            self._unheard.append(piece)
        return _written(piece)

    def heard(self) -> list[Event]:
        """The events that were read since this was asked last."""
        events, self._unheard = self._unheard, []
        return events

    def finish(self) -> Result | Fault:
        """What it comes to."""
        if self.done and not isinstance(self._end, InvocationError):
            return self._end or self._so_far()
        if not isinstance(self._end, InvocationError) or isinstance(self._end, TransportError):
            return Fault(FaultKind.INTERRUPTED, "the stream broke off", partial=self._so_far())
        return attrs.evolve(fault_of(self._end), partial=self._end.partial or self._so_far())

    def whole(self, until: float | None) -> Result | InvocationError | NoAnswer:
        """The same for who does not stream: all of it at once."""
        while self._left:
            read = self.read(until)
            if isinstance(read, NoAnswer) and self._end is None:
                return read
        if not isinstance(self._end, InvocationError):
            return self._end or self._so_far()
        error = copy.copy(self._end)
        error.fault = attrs.evolve(error.fault, partial=error.partial or self._so_far())
        return error

    def _so_far(self) -> Result:
        text = "".join(event.text for event in self._events if isinstance(event, TextDelta))
        return Result(
            text=text,
            output=text,
            tool_calls=[event.call for event in self._events if isinstance(event, ToolCalled)],
            sources=[one for event in self._events if isinstance(event, SourcesFound) for one in event.sources],
        )


def _written(piece: Event | Result) -> bytes:
    """What a piece looks like in the evidence."""
    said = {} if isinstance(piece, Result) else plain(piece)
    return f"event: {type(piece).__name__}\ndata: {json.dumps(said)}\n\n".encode()
