"""Plays a script to the core: what is scripted becomes what a transport brings and what a plugin reads."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import attrs

from ..commands import Send
from ..errors import (
    AgentBridgeError,
    ConfigurationError,
    DeadlineExceededError,
    InvocationError,
)
from ..events import Event
from ..exchange.plans import RunPlan
from ..faults import Fault, FaultKind
from ..model import Invocation, Pending, Result
from ..provider import StreamDecoder
from ..retry import DEFAULT_TIMEOUTS, Timeouts
from ..verdict import Failure, error_of, judge_run
from ..wire import HttpResponse, NoAnswer
from .memory import AsyncMemoryTransport, Opened
from .scripted_errors import failure_of, response_of, waiting
from .scripts import Calls, Said, Script, Streamed
from .speech import Clock, Speech

_STREAM = {"content-type": "text/event-stream"}


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
            self.said = failure_of(said)
            return self.said.response or NoAnswer("lost", said.message)
        if isinstance(said, AgentBridgeError):
            raise copy.copy(said)
        self.said = said
        return response_of(said)


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
            return waiting(said, wall)
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


def _nothing() -> Any:
    raise RuntimeError("nothing was said")
