"""When a limited connection may send: the pace alone, with the time passed in, and the queues behind it."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from agentbridge import Fault, FaultKind, Limits, errors
from agentbridge.pacing import Pace
from agentbridge.transport.turns import Place, Turns

SECONDS = st.floats(0, 100, allow_nan=False)
COUNTS = st.integers(1, 8)


def refusal(retry_after: float | None = None) -> Fault:
    return Fault(FaultKind.RATE_LIMITED, "slow down", retry_after=retry_after)


def pace(**limits: Any) -> Pace:
    return Pace("account", Limits(**limits))


def taken(pace: Pace, now: float) -> float:
    """The time at which a request goes that is wanted now."""
    for _ in range(4):
        wait = pace.take(now)
        if wait == 0:
            return now
        now += wait
    raise AssertionError("it never goes")


STEPS = st.lists(st.tuples(st.sampled_from(["send", "refused", "held", "passed"]), SECONDS), max_size=60)


@given(STEPS, COUNTS, st.floats(0.1, 60))
@settings(deadline=None)
def test_no_window_ever_has_more_requests_than_the_limit_whatever_happens(steps, calls, per):
    one, now, sent = pace(calls=calls, per=per), 1000.0, []
    for step, seconds in steps:
        now += seconds
        if step == "send":
            now = taken(one, now)
            sent.append(now)
        elif step != "passed":
            one.heard(refusal(seconds if step == "held" else None), now, sent[-1] if sent else now)
        else:
            one.heard(None, now, now)
    assert all(first + per <= later for first, later in zip(sent, sent[calls:], strict=False))


@given(COUNTS, st.floats(0.1, 60))
def test_as_many_as_the_limit_says_go_at_once_and_the_next_after_the_interval(calls, per):
    one = pace(calls=calls, per=per)
    assert [one.take(5.0) for _ in range(calls)] == [0.0] * calls
    assert one.take(5.0) == pytest.approx(per)


@given(st.floats(0, 3600), SECONDS)
def test_a_refusal_that_says_how_long_holds_everything_back_for_so_long(retry_after, passed):
    one = pace(calls=50, per=1.0)
    one.take(0.0)
    one.heard(refusal(retry_after), 0.0, 0.0)
    assert taken(one, passed) >= retry_after


def test_an_odd_retry_after_does_not_shut_an_account_for_ever():
    one = pace(in_flight=1)
    one.heard(refusal(1e9), 0.0, 0.0)
    assert one.wait(0.0) == 3600


def test_a_refusal_without_a_time_slows_all_down_and_successes_make_it_quick_again():
    one, now, gaps = pace(calls=60, per=60.0), 0.0, []
    for _ in range(9):
        now = taken(one, now)
        one.heard(refusal(), now, now)
        gaps.append(one.wait(now))
    assert gaps == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    for _ in range(50):
        one.heard(None, now, now)
    assert [one.take(now + 100) for _ in range(60)] == [0.0] * 60


@given(st.integers(0, 100))
def test_a_success_never_makes_the_next_wait_longer(successes):
    one = pace(calls=10, per=10.0)
    one.take(0.0)
    one.heard(refusal(), 0.0, 0.0)
    waits = []
    for _ in range(successes):
        waits.append(one.wait(0.0))
        one.heard(None, 0.0, 0.0)
    assert waits == sorted(waits, reverse=True)


def test_refusals_of_what_was_under_way_together_are_one_signal():
    one = pace(calls=60, per=60.0)
    for _ in range(10):
        one.take(0.0)
    for answered in range(1, 11):
        one.heard(refusal(), float(answered), 0.0)
    assert one.wait(0.0) == 1.0


def test_a_limit_in_flight_alone_is_slowed_down_too():
    one = pace(in_flight=4)
    one.take(0.0)
    one.heard(refusal(), 0.5, 0.0)
    assert one.wait(0.0) == 1.0


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind is not FaultKind.RATE_LIMITED])
def test_no_other_failure_changes_the_pace(kind):
    one = pace(calls=60, per=60.0)
    one.take(0.0)
    one.heard(Fault(kind, "no", retry_after=30.0), 0.0, 0.0)
    assert one.wait(0.0) == 0.0


def test_asking_counts_nothing():
    one = pace(calls=1, per=10.0)
    assert [one.wait(0.0) for _ in range(5)] == [0.0] * 5
    assert one.take(0.0) == 0.0


def test_a_clock_that_another_thread_read_a_little_earlier_does_no_harm():
    one = pace(calls=2, per=10.0)
    assert [taken(one, 5.0), taken(one, 4.9), taken(one, 4.8)] == [5.0, 5.0, 15.0]


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({}, "give it calls or in_flight"),
        ({"per": 10.0}, "give it calls or in_flight"),
        ({"calls": 0}, r"Limits\.calls must be a whole number, 1 or more, not 0"),
        ({"calls": True}, r"Limits\.calls must be"),
        ({"calls": 1.5}, r"Limits\.calls must be"),
        ({"in_flight": -1}, r"Limits\.in_flight must be"),
        ({"calls": 1, "per": 0}, r"Limits\.per must be more than 0"),
        ({"calls": 1, "per": float("nan")}, r"Limits\.per must be more than 0"),
        ({"calls": 1, "per": None}, r"Limits\.per must be more than 0 and at most 10000000 seconds, not None$"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(said, message):
    with pytest.raises(errors.ConfigurationError, match=message):
        Limits(**said)


# the queues


class Waiter(Place):
    """A place that remembers how often it was called, and may not hear it."""

    def __init__(self, turns: Turns, room: int, *, deaf: bool) -> None:
        super().__init__(turns, room)
        self.key, self.called, self.deaf = "account", 0, deaf
        self.call = self._hear

    def _hear(self) -> bool:
        self.called += not self.deaf
        return not self.deaf


@given(COUNTS, st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=80))
@settings(deadline=None)
def test_the_first_ones_act_in_the_order_in_which_they_came_and_each_is_called_once(room, steps):
    turns, inside, expected = Turns(), [], deque()
    acting: list[Waiter] = []

    def fill() -> None:
        while expected and len(acting) < room:
            if not (first := expected.popleft()).deaf:
                acting.append(first)

    for step, deaf in steps:
        if step < 5 or not inside:
            one = Waiter(turns, room, deaf=deaf)
            at_once = turns.join(one)
            assert at_once == (len(acting) < room)
            (acting if at_once else expected).append(one)
            inside.append(one)
        else:
            one = inside.pop(step % len(inside))
            turns.leave(one)
            if one in acting:
                acting.remove(one)
                fill()
            elif one in expected:
                expected.remove(one)
        assert all(not waiter.called for waiter in expected)
        assert all(waiter.called <= 1 for waiter in acting)
        assert sum(len(queue) for queue in turns._queues.values()) == len(acting) + len(expected)
