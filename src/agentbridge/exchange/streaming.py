"""A streamed run as a generator: opens, decodes piece by piece, emits events, and ends in a Result or an error.

No I/O and no clock, like `running`, whose retries and deadlines it uses. Vendors that do not stream give the same
events, made from their finished answer.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Generic, Self, TypeVar

import attrs

from ..commands import Emit, Open, Read, Release, Send, Steps
from ..errors import ResponseTimeoutError, StreamInterruptedError
from ..events import Completed, Event, ReasoningDelta, SourcesFound, Started, TextDelta, ToolCalled, VendorEvent
from ..faults import Fault, FaultKind
from ..model import Pending, Result, Tried
from ..provider import StreamDecoder
from ..redaction import redactor_of
from ..retry import sooner
from ..verdict import Failure, broken_stream, judge_stream
from ..wire import HttpRequest, HttpResponse, NoAnswer
from .plans import RunPlan
from .running import State, follow

P = TypeVar("P")

_CONTENT = (TextDelta, ReasoningDelta, ToolCalled, SourcesFound)
_PATIENCE = 1.0  # seconds that a submitted run may be silent after its head before it is left to itself
_NEXT = Read()
_KEPT = 256 * 1024  # bytes of a stream that are kept as evidence


@attrs.frozen(kw_only=True)
class StreamPlan:
    """The plan of a streamed run.

    `leave`: only that it begins is waited for, and then it goes on by itself. `hold`: `Started` is kept back until there
    is something to come with it, since another vendor may yet be asked.
    """

    run: RunPlan
    decoder: Callable[[HttpRequest], StreamDecoder | None]
    leave: bool = False
    hold: bool = False

    def after(self, tried: tuple[Tried, ...], spent: float, *, more: bool) -> Self:
        """The same plan, for the case that others could not; `more` may still come after it."""
        return attrs.evolve(self, run=self.run.after(tried, spent, more=more), hold=more)


class Named(Generic[P]):
    """The runs that streams name on their way, of the plan that came last."""

    def __init__(self, streamed_of: Callable[[P], StreamPlan]) -> None:
        self._streamed_of = streamed_of
        self._decoder: StreamDecoder | None = None
        self._plan: RunPlan | None = None

    def plan_of(self, planned: P) -> StreamPlan:
        """The plan of a stream whose decoder is remembered."""
        plan = self._streamed_of(planned)
        self._plan, self._decoder = plan.run, None

        def decoder(request: HttpRequest) -> StreamDecoder | None:
            self._decoder = plan.decoder(request)
            return self._decoder

        return attrs.evolve(plan, decoder=decoder)

    def pending(self) -> Pending | None:
        """The run that its decoder names, before the end of the stream; None where it names none."""
        if self._decoder is None or self._plan is None:
            return None
        try:
            end = self._decoder.finish()
        except Exception:  # as everywhere, a plugin may raise what it likes
            return None
        found = end.pending if isinstance(end, Fault) and end.kind is not FaultKind.EXECUTION else None
        if not isinstance(found, Pending):
            return None
        return redactor_of(self._plan.asked.secrets).value(self._plan.located(found, found))


def stream(plan: StreamPlan, started: float) -> Steps[Result]:
    """Run an agent and emit what happens on the way: `Started` first, `Completed` last.

    Nothing is tried again once content was handed out.
    """
    state: State[Result] = State(plan.run, started, plan.run.judged)
    yield from state.take_turn()
    one = Streaming(plan, state)
    value = yield from state.repeat(one.attempt, plan.run.send, starts=True)
    if isinstance(value, Pending):
        value = yield from follow(state, state.waited_for(value), plan.run)
    result = state.filled(value)
    if not one.streamed:
        result = attrs.evolve(result, synthetic=True)
        yield Emit((*one.opening(), *_synthetic(result)))
    yield Release()
    yield Emit((*one.opening(), Completed(result)))
    return result


def _synthetic(result: Result) -> list[Event]:
    """The events of a finished answer, as a streaming vendor would have sent them."""
    events: list[Event] = [ToolCalled(call) for call in result.tool_calls]
    if result.sources:
        events.append(SourcesFound(result.sources))
    return [*events, TextDelta(result.text)] if result.text else events


def _hinted(value: Result | Pending | Failure) -> Result | Pending | Failure:
    """Silence before a stream began may be the server's way to say no (Flowise: middlewares/errors/index.ts:19)."""
    if not isinstance(value, Failure) or value.error is not ResponseTimeoutError:
        return value
    message = f"{value.fault.message}. Some servers fall silent when a streamed call is refused: invoke() shows why"
    return attrs.evolve(value, fault=attrs.evolve(value.fault, message=message))


class Streaming:
    """What one stream knows while it is read."""

    def __init__(self, plan: StreamPlan, state: State[Result]) -> None:
        self.plan = plan
        self.state = state
        self.streamed = False
        self._began = False
        self._has_content = False

    def opening(self) -> tuple[Event, ...]:
        """`Started`, once."""
        began, self._began = self._began, True
        return () if began else (Started(self.state.plan.asked.session_id),)

    def attempt(self, send: Send) -> Steps[Result | Pending | Failure]:
        """One request, and its answer to the end."""
        decoder = self.plan.decoder(send.request)
        if decoder is None:
            happened = yield send
            return self.state.judge(happened, self.plan.run.asked.request)
        happened = yield Open(send)
        head = happened.answer
        if isinstance(head, HttpResponse) and head.ok and head.content_type == "text/event-stream":
            self.state.observe(happened)
            return (yield from self._decode(head, decoder))
        if not isinstance(head, HttpResponse):
            return _hinted(self.state.judge(happened, self.plan.run.asked.request))
        return (yield from self._plain(head))

    def _plain(self, head: HttpResponse) -> Steps[Result | Pending | Failure]:
        """A streaming request that is answered whole: read as such."""
        pieces: list[bytes] = []
        happened = yield Read(self.state.deadline)
        while isinstance(happened.answer, bytes) and happened.answer:
            pieces.append(happened.answer)
            happened = yield Read(self.state.deadline)
        arrived = attrs.evolve(head, content=b"".join(pieces))
        answer: HttpResponse | NoAnswer = arrived
        if isinstance(happened.answer, NoAnswer) and head.ok:
            answer = attrs.evolve(happened.answer, response=attrs.evolve(arrived, content=arrived.content[:_KEPT]))
        return self.state.judge(attrs.evolve(happened, answer=answer), self.plan.run.asked.request)

    def _decode(self, head: HttpResponse, decoder: StreamDecoder) -> Steps[Result | Pending | Failure]:
        self.streamed = True
        if not (self.plan.leave or self.plan.hold):
            yield Emit(self.opening())
        kept = _Kept(head, self.plan.run.asked.request)
        last_event = self.state.now
        ended: NoAnswer | None = None
        while not self._is_done(decoder):
            limit = self._limit(last_event)
            happened = yield _NEXT if limit is None else Read(limit)
            self.state.observe(happened)
            if self.plan.leave and isinstance(happened.answer, NoAnswer) and happened.answer.reason == "deadline":
                found = self.plan.run.lost() if self.state.has_time else None
                if found is not None:  # what refuses a run says so at once; one that thinks has begun
                    return found
            if not isinstance(happened.answer, bytes) or not happened.answer:
                ended = happened.answer if isinstance(happened.answer, NoAnswer) else None
                break
            kept.add(happened.answer)
            events = self._fed(decoder, happened.answer)
            if events is None:
                ended = NoAnswer("lost", "what arrived is no stream that can be read")
                break
            found = self.plan.run.lost() if self.plan.leave and _is_sign_of_life(events) else None
            if found is not None:
                return found
            if events:
                last_event = self.state.now
                self._has_content = self._has_content or any(isinstance(event, _CONTENT) for event in events)
                self.state.observe((yield Emit((*self.opening(), *events) if not self._began else tuple(events))))
        self.state.response = kept.response
        return self._verdict(decoder, ended)

    def _is_done(self, decoder: StreamDecoder) -> bool:
        """Whether nothing more is to be read; one that cannot say so is not read on, and asked what came of it."""
        try:
            return decoder.done
        except Exception:
            return True

    def _fed(self, decoder: StreamDecoder, data: bytes) -> list[Event] | None:
        """The events in these bytes; None where the decoder fails, which it must not, whatever a vendor sends."""
        try:
            return decoder.feed(data)
        except Exception:
            return None

    def _limit(self, last_event: float) -> float | None:
        """When the next read must be over: the total time, or the longest time without an event."""
        content = _PATIENCE if self.plan.leave else self.plan.run.timeouts.content
        return sooner(self.state.deadline, None if content is None else last_event + content)

    def _verdict(self, decoder: StreamDecoder, ended: NoAnswer | None) -> Result | Failure:
        value = judge_stream(decoder.finish, self.state.response, self.plan.run.tool_errors)
        if isinstance(value, Failure) and value.error is StreamInterruptedError and ended is not None:
            late = self.state.deadline is not None and self.state.now >= self.state.deadline
            value = broken_stream(value, ended, late=late)
        if isinstance(value, Failure) and self._has_content:
            return attrs.evolve(value, fault=attrs.evolve(value.fault, retryable=False, may_have_run=True))
        return value


def _is_sign_of_life(events: list[Event]) -> bool:
    return any(not isinstance(event, VendorEvent) or event.name != "unreadable" for event in events)


class _Kept:
    """The bytes of a stream up to a bound, as evidence."""

    def __init__(self, head: HttpResponse, shown: HttpRequest) -> None:
        self._head = attrs.evolve(head, request=shown)
        self._content = io.BytesIO()

    def add(self, piece: bytes) -> None:
        """Keep what there is room for."""
        room = _KEPT - self._content.tell()
        if room > 0:
            self._content.write(piece[:room])

    @property
    def response(self) -> HttpResponse:
        """The answer as far as it was kept."""
        return attrs.evolve(self._head, content=self._content.getvalue())
