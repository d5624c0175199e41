"""The exchange where time, turns, limits and the traces of a run matter: still without a clock and without I/O."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import attrs
import pytest
from test_exchange import OK, POLL, START, Played, inner, plan

from agentbridge import (
    ConfigurationError,
    Fault,
    FaultKind,
    HttpResponse,
    Limits,
    Pending,
    Result,
    RetryPolicy,
    Timeouts,
    errors,
)
from agentbridge.body import encode
from agentbridge.commands import Happened, Release, Send, Turn
from agentbridge.exchange import State, follow, operate
from agentbridge.model import Tried
from agentbridge.pacing import Pace
from agentbridge.wire import NoAnswer, Sleep

ACCEPTED = HttpResponse(202)
BUSY = HttpResponse(503)
DATE = "Fri, 15 Jan 2027 08:00:07 GMT"
LATER = HttpResponse(429, {"Retry-After": DATE})
TRIED = (Tried("eu", "f-1", "UnavailableError", "busy", 503, attempts=2),)
RUN = Pending("poll", "run-1", after=2.0)


class Timed(Played):
    """The same from 8 o'clock on. Turns take `queued` seconds, and the one of the key `late` is never had."""

    def __init__(self, answers: list[Any], queued: float = 0.0, late: Any = None, **changes: Any) -> None:
        self.commands: list[Any] = []
        self.queued, self.late = queued, late
        super().__init__(answers, **changes)

    def _perform(self, command: Any, waiting: Any) -> Happened:
        self.commands.append(command)
        if isinstance(command, Turn):
            self.now += self.queued
        if isinstance(command, (Turn, Release)):
            missed = isinstance(command, Turn) and command.key == self.late
            return Happened(self.now, 0.0, NoAnswer("timeout") if missed else None)
        return attrs.evolve(super()._perform(command, waiting), wall=1_800_000_000.0 + self.now - 100)

    @property
    def turns(self) -> list[Any]:
        return [command for command in self.commands if isinstance(command, (Turn, Release))]

    @property
    def deadlines(self) -> list[float | None]:
        return [command.deadline for command in self.commands if isinstance(command, Send)]


def finished(steps: Generator[Any, Happened, Any], *answers: Any) -> tuple[list[Any], Any]:
    """The commands of other steps than `run`, whose answers all take no time."""
    commands, waiting = [next(steps)], iter(answers)
    try:
        while True:
            answer = None if isinstance(commands[-1], Sleep) else next(waiting)
            commands.append(steps.send(Happened(100.0, 0.0, answer)))
    except StopIteration as stop:
        return commands, stop.value


# polling


def test_each_poll_is_built_from_what_is_known_of_the_run_and_shown_without_its_key():
    asked = attrs.evolve(POLL, auth={"key": "canary"})
    built = []

    def build_poll(pending: Pending) -> Send:
        built.append(pending)
        return Send(asked, asked.url, encode(asked))

    result = Timed([ACCEPTED, ACCEPTED, OK], build_poll=build_poll).result
    assert [(run.id, run.connection, run.agent) for run in built] == [("run-1", "account", "a-1")] * 2
    assert result.response.request == POLL


@pytest.mark.parametrize(("after", "slept"), [(0.0, [2.0]), (1.0, [2.0, 1.0])])
def test_a_vendor_that_needs_two_steps_to_say_something_is_asked_again_at_once(after, slept):
    values = iter([RUN, Pending("poll", "run-1", after=after), Result(text="hi", output="hi")])
    assert Timed([OK] * 3, read=lambda _: next(values)).slept == slept


def test_steps_without_end_are_a_poll_like_any_other_after_the_fourth():
    values = iter([RUN, *[Pending("poll", "run-1", after=0.0)] * 4, Result(text="hi", output="hi")])
    assert Timed([OK] * 6, read=lambda _: next(values)).slept == [2.0, 0.0]


def test_a_run_picked_up_without_an_answer_is_polled_when_its_provider_says():
    steps = plan(timeouts=Timeouts(answer=None))
    commands, result = finished(follow(State(steps, 100.0, steps.judged), RUN, steps), OK)
    assert (commands[0], result.text) == (Sleep(2.0), "hi")


def test_a_poll_that_cannot_be_built_is_an_error_of_a_run_that_was_accepted():
    def build_poll(_: Pending) -> Send:
        raise ConfigurationError("no such path")

    error = Timed([ACCEPTED], build_poll=build_poll).error
    assert (type(error), error.pending.id, error.may_have_run) == (errors.InvocationError, "run-1", True)
    assert error.message == "the run was accepted, but cannot be polled: no such path"


def test_a_poll_is_tried_again_where_a_start_is_not():
    once = RetryPolicy(attempts=1)
    assert Timed([BUSY], retry=once).sent == ["POST"]
    assert Timed([ACCEPTED, BUSY, BUSY, OK], retry=once).sent == ["POST", "GET", "GET", "GET"]


def test_a_run_that_never_ends_says_how_long_it_was_waited_for():
    played = Timed([ACCEPTED] * 100, timeouts=Timeouts(answer=9))
    assert played.error.message.startswith("the run was accepted, but did not finish within 9 s")
    assert played.deadlines[:2] == [None, 109.0]


def test_a_run_knows_since_when_it_goes_on_by_the_clock_on_the_wall():
    assert Timed([(ACCEPTED, 1.5), HttpResponse(404)]).error.pending.started_at == "2027-01-15T08:00:00.000+00:00"
    assert Played([(ACCEPTED, 1.5), HttpResponse(404)]).error.pending.started_at == "1970-01-01T00:00:00.000+00:00"


def test_a_date_to_come_back_is_compared_with_the_clock_on_the_wall():
    assert Timed([LATER, OK]).slept == [7.0]
    assert Timed([HttpResponse(202, {"Retry-After": DATE}), OK]).slept == [7.0]


# the total time


def test_every_request_knows_when_all_is_over():
    assert Timed([BUSY, OK], timeouts=Timeouts(total=5)).deadlines == [105.0, 105.0]
    assert Timed([OK]).deadlines == [None]


def test_a_delay_that_ends_with_the_total_time_is_not_waited_for():
    played = Timed([BUSY], timeouts=Timeouts(total=0.5))
    assert (type(played.error), played.slept) == (errors.UnavailableError, [])


def test_the_time_that_others_took_counts():
    assert Timed([(OK, 1.5)], spent=7.0).result.elapsed == 8.5
    played = Timed([], spent=7.0, timeouts=Timeouts(total=5))
    assert (type(played.error), played.sent) == (errors.DeadlineExceededError, [])
    assert played.error.fault.may_have_run is False


def test_a_wait_names_its_cause():
    [cause] = [command.cause for command in Timed([BUSY, OK]).commands if isinstance(command, Sleep)]
    assert cause.fault.kind is FaultKind.UNAVAILABLE


# what is known of a run that failed


def test_a_transport_that_returns_nothing_lost_the_connection():
    error = Timed([None]).error
    assert (type(error), error.message) == (
        errors.TransportError,
        "the connection was lost: the transport returned nothing",
    )


def test_an_answer_that_did_not_arrive_keeps_its_reason():
    assert type(Timed([NoAnswer("timeout")]).error) is errors.ResponseTimeoutError


def test_what_may_have_run_is_said_in_the_fault_too():
    unsafe = RetryPolicy(retry_unsafe=True)
    assert Timed([HttpResponse(502), HttpResponse(401)], retry=unsafe).error.fault.may_have_run is True
    assert Timed([ACCEPTED, HttpResponse(404)]).error.fault.may_have_run is True


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (NoAnswer("lost"), "lost-1"),
        (HttpResponse(502), "lost-1"),
        (NoAnswer("connect"), None),  # nothing ran
        (HttpResponse(401), None),
        (inner(418), None),
    ],
)
def test_a_run_that_may_go_on_can_be_found_again(answer, found):
    error = Timed([answer], lost=lambda: Pending("poll", "lost-1"), retry=RetryPolicy(attempts=1)).error
    assert (error.pending and (error.pending.id, error.pending.connection)) == (found and (found, "account"))


def test_a_run_that_failed_is_not_looked_for():
    failed = Fault(FaultKind.EXECUTION, "boom")
    assert Timed([OK], lost=lambda: Pending("poll", "lost-1"), read=lambda _: failed).error.pending is None


def test_the_vendors_own_word_for_a_run_comes_before_ours():
    named = Fault(FaultKind.INTERRUPTED, "cut", pending=Pending("poll", "named-1"))
    assert Timed([OK], lost=lambda: Pending("poll", "lost-1"), read=lambda _: named).error.pending.id == "named-1"


def test_those_that_were_asked_before_are_named_and_their_attempts_counted():
    result, error = Timed([OK], tried=TRIED).result, Timed([HttpResponse(400)], tried=TRIED).error
    assert (result.tried, result.attempts) == (error.tried, error.attempts) == (TRIED, 3)


def test_only_a_whole_answer_that_is_blank_and_does_not_say_so_is_called_empty():
    assert Timed([OK]).result.warnings == ()
    told = Result(text="", output="", warnings=("empty answer",))
    assert Timed([OK], read=lambda _: told).result.warnings == ("empty answer",)
    partial = Fault(FaultKind.EXECUTION, "boom", partial=Result(text="", output=None))
    assert Timed([OK], read=lambda _: partial).error.partial.warnings == ()


def test_the_session_is_what_the_answer_says_else_the_run_else_what_was_asked():
    asked = attrs.evolve(plan().asked, session_id="asked")
    assert (
        Timed([OK], asked=asked, read=lambda _: Result(text="x", output="x", session_id="said")).result.session_id
        == "said"
    )
    values = iter([Pending("poll", "run-1", session_id="run"), Result(text="x", output="x")])
    assert Timed([OK, OK], asked=asked, read=lambda _: next(values)).result.session_id == "run"


# turns and limits


def test_a_turn_on_the_session_is_waited_for_as_long_as_an_answer_would_be():
    assert Timed([OK], turn="s-1", timeouts=Timeouts(answer=9)).turns == [Turn("s-1", 109.0)]
    assert Timed([OK], turn="s-1", timeouts=Timeouts(answer=9, total=5)).turns == [Turn("s-1", 105.0)]
    assert Timed([OK], turn="s-1", timeouts=Timeouts(answer=None)).turns == [Turn("s-1", None)]


def test_a_turn_that_does_not_come_is_an_error_and_nothing_was_sent():
    played = Timed([], turn="s-1", queued=5.0, late="s-1")
    assert (type(played.error), played.sent, played.error.may_have_run) == (errors.DeadlineExceededError, [], False)
    assert played.error.message.startswith("not sent: after 5 s another call of the same session still runs.")


def paced(*, used: bool = False, **limits: Any) -> Pace:
    pace = Pace("account", Limits(**limits))
    if used:
        assert pace.take(100.0) == 0
    return pace


def test_few_enough_calls_on_the_connection_are_waited_for_before_the_line():
    pace = paced(in_flight=2)
    played = Timed([OK], pace=pace, turn="s-1", timeouts=Timeouts(total=5))
    crowd, line = Turn(pace.crowd, 105.0, 2), Turn(pace.line, 105.0)
    assert played.turns == [Turn("s-1", 105.0), crowd, line, Release(pace.line)]


def test_too_many_calls_on_the_connection_are_an_error_and_nothing_was_sent():
    pace = paced(in_flight=2)
    played = Timed([], pace=pace, queued=5.0, late=pace.crowd)
    assert (type(played.error), played.sent) == (errors.DeadlineExceededError, [])
    assert played.error.message.startswith("not sent: after 5 s connection 'account' still has 2 in flight")


def test_a_limit_of_calls_alone_is_kept_in_line_only():
    pace = paced(calls=1, per=10)
    played = Timed([OK], pace=pace)
    assert played.turns == [Turn(pace.line, 700.0), Release(pace.line)]
    assert [type(command) for command in played.commands] == [Turn, Release, Send]


@pytest.mark.parametrize("seconds", [0.5, 10.0])
def test_a_request_waits_until_the_connection_may_send_it(seconds):
    assert Timed([OK], pace=paced(calls=1, per=seconds, used=True)).slept == [seconds]


def test_a_request_that_could_go_only_when_all_is_over_is_not_waited_for():
    played = Timed([], pace=paced(calls=1, per=10, used=True), timeouts=Timeouts(total=10))
    assert (type(played.error), played.slept) == (errors.DeadlineExceededError, [])


def test_a_limit_that_leaves_no_room_in_time_is_an_error_that_says_what_is_missing():
    pace = paced(calls=1, per=10, used=True)
    error = Timed([], pace=pace, queued=2.0, timeouts=Timeouts(total=5)).error
    assert (type(error), error.retry_after, error.may_have_run) == (errors.DeadlineExceededError, 8.0, False)
    assert error.message.startswith("not sent: after 2 s connection 'account' is kept to its limits, 1 calls in 10 s")
    assert "8 s short of its next request" in error.message


def test_a_line_that_does_not_move_is_an_error_too():
    pace = paced(calls=1)
    error = Timed([], pace=pace, queued=3.0, late=pace.line).error
    assert error.message.startswith("not sent: after 3 s connection 'account' is kept to its limits, 1 calls in 60 s. ")


def test_a_refusal_holds_all_that_wait_on_the_connection():
    pace = paced(calls=9, per=9)
    Timed([(HttpResponse(429, {"Retry-After": "31"}), 1.0)], pace=pace)
    assert pace.wait(101.0) == 31.0
    widened = paced(calls=9, per=9)
    Timed([(HttpResponse(429), 1.0)], pace=widened, retry=RetryPolicy(attempts=1))
    assert widened.wait(100.5) == 0.5
    Timed([OK], pace=widened)
    assert widened.wait(102.0) == 0.0


def test_a_limit_that_outlasts_the_total_time_leaves_the_true_reason():
    played = Timed([BUSY], pace=paced(calls=1, per=30), timeouts=Timeouts(total=20))
    assert (type(played.error), played.slept) == (errors.UnavailableError, [])


# operations


def test_an_operation_hands_back_what_its_read_makes_of_the_answer():
    assert finished(operate(plan(read=lambda _: 7), 100.0), OK)[1] == 7
    assert finished(operate(plan(read=lambda _: RUN), 100.0), OK)[1].connection == "account"
    result = finished(operate(plan(read=lambda _: Result(text="x", output="x")), 100.0), OK)[1]
    assert (result.provider, result.response) == ("vendor", attrs.evolve(OK, request=START))


def test_an_operation_takes_its_turn_and_waits_for_no_run():
    commands, _ = finished(operate(plan(read=lambda _: RUN, turn="s-1"), 100.0), None, OK)
    assert [type(command) for command in commands] == [Turn, Send]


def test_an_operation_is_started_as_often_as_its_policy_says():
    steps = operate(plan(retry=RetryPolicy(attempts=1), read=lambda _: Fault(FaultKind.UNAVAILABLE, "busy")), 100.0)
    with pytest.raises(errors.UnavailableError) as caught:
        finished(steps, OK)
    assert caught.value.attempts == 1


def test_an_operation_compares_a_date_with_the_clock_on_the_wall():
    with pytest.raises(errors.RateLimitError) as caught:
        finished(operate(plan(read=lambda _: Fault(FaultKind.RATE_LIMITED, "slow down")), 100.0), LATER)
    assert caught.value.retry_after == 1_800_000_007.0  # by the clock of `finished`
