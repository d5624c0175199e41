"""One call as a generator: it yields what it wants done (send, sleep) and is sent what came of it, and the time.

Retrying, polling and deadlines are written here once, without a clock and without I/O. The drivers in `transport`
turn the crank, one for each world.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from ..commands import Happened, Release, Send, Steps, Turn
from ..errors import AgentBridgeError, DeadlineExceededError, InvocationError
from ..faults import FaultKind, parse_retry_after
from ..model import Pending, Result
from ..pacing import Pace
from ..redaction import without_auth
from ..retry import sooner
from ..verdict import Failure, error_of, judge
from ..wire import HttpRequest, HttpResponse, NoAnswer, Sleep, evolved
from .lapses import never_finished, no_time_left, not_at_turn, not_in_line, not_polled, not_waited_for, too_many
from .plans import Plan, RunPlan

T = TypeVar("T")

_EMPTY = "empty answer"
_POLL_ATTEMPTS = 3
_MOST_STEPS = 4  # requests that asking for a run once may take
_SOONEST, _LATEST = 0.2, 300.0  # seconds between two polls, whatever a vendor wishes


Judge: TypeAlias = Callable[[HttpResponse | NoAnswer, float], T | Pending | Failure]


def run(plan: RunPlan, started: float) -> Steps[Result]:
    """Start an agent, wait for its answer where it comes later, and hand back the whole Result."""
    state: State[Result] = State(plan, started, plan.judged)
    yield from state.take_turn()
    value = yield from state.settle(plan.send, plan.asked.request, starts=True)
    if isinstance(value, Pending):
        value = yield from follow(state, state.waited_for(value), plan)
    return state.filled(value)


def operate(plan: Plan, started: float) -> Steps[Any]:
    """Run an operation and hand back its own value, also where that is a Pending; a Result with what the core knows."""

    def judged(answer: HttpResponse | NoAnswer, wall: float) -> Any:
        return judge(plan.read, answer, wall)

    state: State[Any] = State(plan, started, judged)
    yield from state.take_turn()
    value = yield from state.settle(plan.send, plan.asked.request, starts=True)
    if isinstance(value, Pending):
        return state.accept(value)
    return state.filled(value) if isinstance(value, Result) else value


def follow(state: State[Result], pending: Pending, plan: RunPlan) -> Steps[Result]:
    """Poll an accepted run to its end. The start is never sent again, whatever happens here."""
    state.wait_until_given_up()
    while True:
        accepted = state.accept(pending)
        yield from state.sleep(state.poll_delay(pending))
        value = yield from ask(state, accepted, plan)
        if not isinstance(value, Pending):
            return value
        pending = value


def ask(state: State[Result], pending: Pending, plan: RunPlan) -> Steps[Result | Pending]:
    """Ask for a run once, in as many steps as the vendor needs."""
    for _ in range(_MOST_STEPS):
        poll = state.built(plan.build_poll, pending)
        value = yield from state.settle(poll, without_auth(poll.request), starts=False)
        if not isinstance(value, Pending):
            return value
        pending = state.accept(value)
        if value.after > 0:
            break
    return pending


class State(Generic[T]):
    """What an exchange knows so far: the time, how often it started the run, and whether the run may have begun."""

    def __init__(self, plan: Plan, started: float, judged: Judge[T]) -> None:
        self.plan = plan
        self.judged = judged
        self.started = self.now = started
        self.called = started - plan.spent  # others may have been asked before
        self.wall = 0.0
        self.deadline = None if plan.timeouts.total is None else self.called + plan.timeouts.total
        self.given_up: float | None = None
        self.attempts = sum(one.attempts for one in plan.tried)
        self.may_have_run = False
        self.pending: Pending | None = None
        self.response: HttpResponse | None = None

    def settle(self, send: Send, shown: HttpRequest, *, starts: bool) -> Steps[T | Pending]:
        """Send until an answer is no failure, or is one that must not or need not be tried again.

        `shown` is the request without its secrets, as the answer will name it.
        """

        def whole(timed: Send) -> Steps[T | Pending | Failure]:
            happened = yield timed
            return self.judge(happened, shown)

        return (yield from self.repeat(whole, send, starts=starts))

    def repeat(
        self, attempt: Callable[[Send], Steps[T | Pending | Failure]], send: Send, *, starts: bool
    ) -> Steps[T | Pending]:
        """Attempt until it is no failure, or one that must not or need not be tried again."""
        count = 0
        while True:
            count += 1
            value = yield from self._attempt(attempt, send, starts=starts)
            if not isinstance(value, Failure):
                return value
            delay = self._delay(value, count, send.request.idempotent, starts=starts)
            if delay is None:
                raise self.error(value)
            yield from self.sleep(delay, value)

    def judge(self, happened: Happened, shown: HttpRequest) -> T | Pending | Failure:
        """What a whole answer means."""
        self.observe(happened)
        answer = happened.answer
        if isinstance(answer, HttpResponse):
            answer = self.response = evolved(answer, request=shown, _decoded=[])
        elif not isinstance(answer, NoAnswer):
            answer = NoAnswer("lost", "the transport returned nothing")
        return self.judged(answer, self.wall)

    def sleep(self, seconds: float, cause: Failure | None = None) -> Steps[None]:
        """Wait, but not beyond the deadline."""
        left = seconds if self.end is None else max(0.0, min(seconds, self.end - self.now))
        self.observe((yield Sleep(left, cause)))

    @property
    def end(self) -> float | None:
        """When all is over: the total time, or the patience with a run that was accepted."""
        return sooner(self.deadline, self.given_up)

    @property
    def has_time(self) -> bool:
        """Whether the total time is not up."""
        return self.deadline is None or self.now < self.deadline

    def wait_until_given_up(self) -> None:
        """From now on, or from when this was said first, the end of the run is waited for."""
        patience = self.plan.timeouts.answer
        if self.given_up is None and patience is not None:
            self.given_up = self.now + patience

    def take_turn(self) -> Steps[None]:
        """Wait until no other run acts on this session, and few enough calls on its connection, but not for ever.

        All take their turns in this order, and who stands in line for a single request (`_go`) waits for nobody but the
        time: so none waits for one that waits for it.
        """
        pace = self.plan.pace
        if self.plan.turn is not None:
            yield from self._wait_for(Turn(self.plan.turn, self._patience), not_at_turn)
        if pace is not None and (room := pace.limits.in_flight) is not None:
            yield from self._wait_for(Turn(pace.crowd, self._patience, room), partial(too_many, pace))

    def _go(self, pace: Pace) -> Steps[None]:
        """Wait in line until the connection may send one more request. Only the first in line watches the time."""
        limit = self._patience
        yield from self._wait_for(Turn(pace.line, limit), partial(not_in_line, pace))
        while (wait := pace.take(self.now)) > 0:
            if limit is not None and self.now + wait >= limit:
                raise self.error(not_in_line(pace, self.now - self.started, wait))
            yield from self.sleep(wait)
        self.observe((yield Release(pace.line)))

    def _wait_for(self, turn: Turn, late: Callable[[float], Failure]) -> Steps[None]:
        happened = yield turn
        self.observe(happened)
        if isinstance(happened.answer, NoAnswer):
            raise self.error(late(self.now - self.started))

    @property
    def _patience(self) -> float | None:
        """How long others are waited for: what is left, and no longer than for an answer."""
        answer = self.plan.timeouts.answer
        return sooner(self.end, None if answer is None else self.now + answer)

    def accept(self, pending: Pending) -> Pending:
        """Remember a run that the vendor has accepted, with what the core knows of it."""
        self.may_have_run = True
        self.pending = self._located(pending)
        return self.pending

    def waited_for(self, pending: Pending) -> Pending:
        """The same, where the caller waits here. Raises where the answer goes elsewhere."""
        accepted = self.accept(pending)
        if accepted.kind == "callback":
            raise self.error(not_waited_for(self.response))
        return accepted

    def _located(self, pending: Pending) -> Pending:
        started = dt.datetime.fromtimestamp(max(0.0, self.wall - self.now + self.started), dt.UTC)
        return self.plan.located(pending, self.pending or pending, started.isoformat(timespec="milliseconds"))

    def poll_delay(self, pending: Pending) -> float:
        """The vendor's wish in `Retry-After`, else the provider's, in seconds."""
        wish = parse_retry_after(self.response.headers, self.wall) if self.response else None
        return pending.after if wish is None else max(_SOONEST, min(wish, _LATEST))

    def built(self, build: Callable[[Pending], Send], pending: Pending) -> Send:
        """The request of a poll. A plugin that cannot make it fails a run that was accepted, and that is said."""
        try:
            return build(pending)
        except AgentBridgeError as error:
            raise self.error(not_polled(str(error))) from None

    def filled(self, result: Result, *, whole: bool = True) -> Result:
        """The provider's Result, and all that the core knows of the call. A part of one may well be empty."""
        asked = self.plan.asked
        empty = (_EMPTY,) if whole and (result.text or " ").isspace() and _EMPTY not in result.warnings else ()
        return evolved(
            result,
            provider=asked.provider,
            connection=asked.connection,
            agent=asked.agent or result.agent,  # the core does not know whom an operation asks
            session_id=result.session_id or (self.pending and self.pending.session_id) or asked.session_id,
            dropped=asked.dropped,
            warnings=(*result.warnings, *empty),
            response=self.response or result.response,
            attempts=self.attempts,
            elapsed=self.now - self.called,
            tried=self.plan.tried,
        )

    def error(self, failure: Failure) -> InvocationError:
        """The exception of a failure. What may have run stays so, whatever a later answer says."""
        fault = attrs.evolve(
            failure.fault,
            may_have_run=failure.fault.may_have_run is not False or self.may_have_run,
            partial=failure.fault.partial and self.filled(failure.fault.partial, whole=False),
        )
        failure = attrs.evolve(failure, fault=fault)
        pending = self.pending or self._trace(failure)
        return error_of(failure, self.plan.asked, attempts=self.attempts, pending=pending, tried=self.plan.tried)

    def _trace(self, failure: Failure) -> Pending | None:
        """Where the run can be found again. Not for one that failed: its answer is there, and it is an error."""
        if not failure.fault.may_have_run or failure.fault.kind is FaultKind.EXECUTION:
            return None
        found = failure.fault.pending or self.plan.lost()
        return found and self._located(found)

    def _attempt(
        self, attempt: Callable[[Send], Steps[T | Pending | Failure]], send: Send, *, starts: bool
    ) -> Steps[T | Pending | Failure]:
        if self.end is not None and self.now >= self.end:
            return self._out_of_time()
        pace = self.plan.pace
        if pace is not None:
            yield from self._go(pace)
        sent, self.attempts = self.now, self.attempts + starts
        value = yield from attempt(send if self.end is None else attrs.evolve(send, deadline=self.end))
        if pace is not None:
            pace.heard(value.fault if isinstance(value, Failure) else None, self.now, sent)
        if isinstance(value, Failure) and value.error is DeadlineExceededError and self.has_time:
            return self._out_of_time()
        if isinstance(value, Failure) and value.fault.may_have_run is not False:
            self.may_have_run = True
        return value

    def _out_of_time(self) -> Failure:
        if self.has_time:
            return never_finished(self.plan.timeouts.answer or 0)
        return no_time_left(self.may_have_run)

    def _delay(self, failure: Failure, attempt: int, idempotent: bool, *, starts: bool) -> float | None:
        """Seconds until the next attempt; None where there is none, also because it would come too late.

        A poll is tried again also where a start is not: an accepted run is not given up for one busy answer.
        """
        retry = self.plan.retry
        policy = retry if starts else attrs.evolve(retry, attempts=max(retry.attempts, _POLL_ATTEMPTS))
        delay = policy.delay(failure.fault, attempt=attempt, idempotent=idempotent, luck=self.plan.luck())
        if delay is None or self.end is None:
            return delay
        held = self.plan.pace.wait(self.now) if self.plan.pace is not None else 0.0
        return None if self.now + max(delay, held) >= self.end else delay

    def observe(self, happened: Happened) -> None:
        """Remember what time it is."""
        self.now, self.wall = happened.now, happened.wall
