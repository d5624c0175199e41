"""Plays a script to the core: what is scripted becomes what a transport brings and what a plugin reads."""

from __future__ import annotations

import copy
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import attrs

from ..codec import plain
from ..commands import Send
from ..errors import (
    AgentBridgeError,
    ConfigurationError,
    DeadlineExceededError,
    InvocationError,
    MalformedResponseError,
    ResponseTimeoutError,
    TransportError,
    error_class,
)
from ..events import Event, SourcesFound, TextDelta, ToolCalled
from ..faults import Fault, FaultKind, complete
from ..model import Invocation, Pending, Result
from ..plans import RunPlan
from ..provider import StreamDecoder
from ..retry import DEFAULT_TIMEOUTS, Timeouts
from ..verdict import NO_ANSWER, Failure, error_of, judge_run
from ..wire import HttpResponse, NoAnswer
from .memory import AsyncMemoryTransport, Opened
from .scripts import Calls, Said, Script, Streamed, timed

_FOREVER = float("inf")
_STREAM = {"content-type": "text/event-stream"}
_JSON = {"content-type": "application/json"}
_STATUS = {
    FaultKind.AUTHENTICATION: 401,
    FaultKind.PERMISSION: 403,
    FaultKind.NOT_FOUND: 404,
    FaultKind.INVALID_REQUEST: 400,
    FaultKind.RATE_LIMITED: 429,
    FaultKind.QUOTA_EXCEEDED: 402,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.UNKNOWN: 500,
}  # of errors that name none; 200 for all others, since vendors like to say so
_FACTS = {error: (retryable, may_have_run) for error, _, retryable, may_have_run in NO_ANSWER.values()}


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


@attrs.frozen
class Line:
    """Where an agent's answers stand in the script, and the call that asks for them."""

    script: Script
    name: str
    invocation: Invocation
    note: Callable[[], None] = lambda: None

    def next(self) -> tuple[float, Said]:
        """What is said now, and after how many seconds. The call is noted."""
        self.note()
        return self.script.next(self.name, self.invocation)


def noting(calls: Calls, invocation: Invocation) -> Callable[[], None]:
    """Notes the call once, however often it is tried and at whatever vendor."""
    left = [invocation]

    def note() -> None:
        while left:
            calls.append(left.pop())

    return note


class Part:
    """What one agent says in one call. `said` is what the answer that came last means; None where none came."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._stream: Speech | None = None
        self.said: Result | Pending | Failure | None = None

    def answer(self, send: Send, clock: Clock) -> HttpResponse | NoAnswer:
        """The next answer, whole."""
        said = self._next(send, clock)
        if not isinstance(said, Streamed):
            return said if isinstance(said, NoAnswer) else self._told(said)
        speech = Speech(said, clock, _timeouts(send).idle)
        whole = speech.whole(send.deadline)
        return whole if isinstance(whole, NoAnswer) else self._told(whole)

    def open(self, send: Send, clock: Clock) -> Opened | NoAnswer:
        """The next answer, piece by piece where it is scripted like that."""
        said = self._next(send, clock)
        if isinstance(said, Streamed):
            self._stream = Speech(said, clock, _timeouts(send).idle)
            return Opened(HttpResponse(200, _STREAM), self._stream.read)
        told = said if isinstance(said, NoAnswer) else self._told(said)
        return told if isinstance(told, NoAnswer) else Opened.whole(told)

    @property
    def stream(self) -> Speech | None:
        """The stream that stands open."""
        return self._stream

    def _next(self, send: Send, clock: Clock) -> Said | NoAnswer:
        self.said = self._stream = None
        seconds, said = self._line.next()
        late = clock.wait(seconds, send.deadline, _timeouts(send).answer)
        return said if late is None else late

    def _told(self, said: Result | Pending | AgentBridgeError) -> HttpResponse | NoAnswer:
        """The answer that says this. Raises what is no error of an answer."""
        if isinstance(said, InvocationError):
            self.said = _failure(said)
            return self.said.response or NoAnswer("lost", said.message)
        if isinstance(said, AgentBridgeError):
            raise copy.copy(said)
        self.said = said
        return _response(said)


@attrs.frozen(kw_only=True)
class Cue(Send):
    """A request, and who says the answer to it."""

    part: Part

    @classmethod
    def of(cls, send: Send, part: Part) -> Cue:
        """The same request."""
        said = {field.name: getattr(send, field.name) for field in attrs.fields(Send)}
        return cls(**said, part=part)


@attrs.frozen(kw_only=True)
class PlayedRun(RunPlan):
    """The plan of a run whose answers are scripted."""

    part: Part

    @classmethod
    def of(cls, plan: RunPlan, line: Line) -> PlayedRun:
        """The same plan: what is sent and polled goes nowhere."""
        part = Part(line)
        own = {field.name: getattr(plan, field.name) for field in attrs.fields(RunPlan)}
        own["send"] = Cue.of(plan.send, part)
        own["build_poll"] = lambda pending: Cue.of(plan.build_poll(pending), part)
        return cls(**own, part=part)

    def judged(self, answer: HttpResponse | NoAnswer, wall: float) -> Result | Pending | Failure:
        """What was scripted; where it came too late, what the core makes of that."""
        said = self.part.said
        if isinstance(said, Failure):
            if issubclass(said.error, DeadlineExceededError):  # of which the core decides by its own time
                raise error_of(said, self.asked, attempts=1, pending=self.lost())
            return said
        return judge_run(lambda _: said or _nothing(), answer, wall, self.tool_errors)


class Stage:
    """The transport of a scripted bridge: who is asked says the answer. `slept` has the waits, in seconds."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.slept: list[float] = []

    def send(self, send: Send) -> HttpResponse | NoAnswer:
        """The next answer."""
        return _part(send).answer(send, self.clock)

    def open(self, send: Send) -> Opened | NoAnswer:
        """The next answer, to be read as a stream."""
        return _part(send).open(send, self.clock)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        self.clock.now += seconds

    def now(self) -> float:
        """The seconds that passed."""
        return self.clock.now

    def close(self) -> None:
        """Nothing is open."""

    def asynchronous(self) -> AsyncMemoryTransport:
        """The same, awaited."""
        return AsyncMemoryTransport(self)


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
            return _lost(piece) if isinstance(piece, TransportError) else b""
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
        return attrs.evolve(_fault(self._end), partial=self._end.partial or self._so_far())

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


class Prompter(StreamDecoder):
    """The decoder of a scripted stream. It need not read: the stream that stands open tells what was said."""

    def __init__(self, part: Part) -> None:
        self._part = part

    @property
    def done(self) -> bool:
        """See Speech."""
        return self._part.stream is not None and self._part.stream.done

    def feed(self, data: bytes) -> list[Event]:
        """See Speech."""
        return self._part.stream.heard() if self._part.stream is not None else []

    def finish(self) -> Result | Fault:
        """See Speech."""
        return (
            self._part.stream.finish() if self._part.stream is not None else Fault(FaultKind.INTERRUPTED, "not begun")
        )


def _part(send: Send) -> Part:
    if isinstance(send, Cue):
        return send.part
    raise ConfigurationError(
        "a scripted bridge answers for agents, and bridge.call asks another endpoint of a vendor: test that against the"
        " emulators, as with the fixture agentbridge_emulators"
    )


def _timeouts(send: Send) -> Timeouts:
    return send.timeouts or DEFAULT_TIMEOUTS


def _response(said: Result | Pending) -> HttpResponse:
    """The evidence of an answer: its own where it has one."""
    if isinstance(said, Result) and said.response.status:
        return said.response
    output = said.output if isinstance(said, Result) else plain(said)
    return HttpResponse(200, _JSON, json.dumps(plain(output)).encode())


def _written(piece: Event | Result) -> bytes:
    """What a piece looks like in the evidence."""
    said = {} if isinstance(piece, Result) else plain(piece)
    return f"event: {type(piece).__name__}\ndata: {json.dumps(said)}\n\n".encode()


def _lost(error: TransportError) -> NoAnswer:
    return NoAnswer("timeout" if isinstance(error, ResponseTimeoutError) else "lost", error.message)


def _failure(error: InvocationError) -> Failure:
    """The same failure as the core knows it, which then adds who was asked. A vendor's refusal has a status."""
    fault, response = _fault(error), error.response
    if response is None and not isinstance(error, TransportError):
        status = 200 if isinstance(error, MalformedResponseError) else _STATUS.get(fault.kind, 200)
        response = HttpResponse(status, _JSON, json.dumps({"error": error.message}).encode())
    return Failure(type(error), complete(fault, 200 if response is None else response.status), response)


def _fault(error: InvocationError) -> Fault:
    """The fault of an error that a test may have made by its message alone."""
    fault = error.fault
    retryable, may_have_run = _FACTS.get(type(error), (None, None))
    told = next((kind for kind in FaultKind if isinstance(error, error_class(kind))), fault.kind)
    return attrs.evolve(
        fault,
        kind=told if fault.kind is FaultKind.UNKNOWN else fault.kind,
        message=error.message,
        retryable=retryable if fault.retryable is None else fault.retryable,
        may_have_run=may_have_run if fault.may_have_run is None else fault.may_have_run,
        pending=fault.pending or error.pending,
    )


def _nothing() -> Any:
    raise RuntimeError("nothing was said")
