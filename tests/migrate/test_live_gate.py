"""The gate of live traffic: it breaks where the candidate is surely worse, and hardly ever by chance."""

from __future__ import annotations

import random
from collections import deque

import pytest
from hypothesis import given, strategies as st

from agentbridge import ConfigurationError
from agentbridge.migrate import LiveGate
from agentbridge.migrate.live_gate import Seen, increase, median_bounds

GATE = LiveGate()


def calls(ok: int, failed: int = 0, seconds: float = 1.0) -> list[Seen]:
    return [Seen(True, seconds)] * ok + [Seen(False, 0.0)] * failed


@pytest.mark.parametrize(
    ("candidate", "primary"),
    [
        (calls(0, 10), calls(100)),
        (calls(5, 5), calls(100)),
        (calls(150, 50), calls(190, 10)),
        (calls(0, 10), []),
    ],
)
def test_a_candidate_that_surely_fails_more_often_breaks_the_gate(candidate, primary):
    assert "calls of the candidate failed" in GATE.breach(candidate, primary)


@pytest.mark.parametrize(
    ("candidate", "primary"),
    [
        ([], calls(100)),
        (calls(0, 9), calls(100)),
        (calls(199, 1), calls(200)),
        (calls(100, 100), calls(100, 100)),
        (calls(9, 1), calls(200)),
        (calls(200), calls(0, 200)),
    ],
)
def test_what_may_be_chance_or_is_no_worse_holds(candidate, primary):
    assert GATE.breach(candidate, primary) is None


def test_a_candidate_that_is_surely_slower_breaks_the_gate():
    reason = GATE.breach(calls(30, seconds=2.5), calls(30, seconds=1.0))
    assert reason == "the candidate's median answer surely takes 2.5 s or more, the primary's 1 s or less"


@pytest.mark.parametrize(
    ("candidate", "primary"),
    [
        (calls(30, seconds=2.0), calls(30, seconds=1.0)),
        (calls(9, seconds=9.0), calls(30, seconds=1.0)),
        (calls(30, seconds=9.0), []),
        ([*calls(16, seconds=1.0), *calls(14, seconds=9.0)], calls(30, seconds=1.0)),
    ],
)
def test_times_that_may_be_chance_hold(candidate, primary):
    assert GATE.breach(candidate, primary) is None


def test_each_threshold_can_be_left_out():
    gate = LiveGate(max_failure_increase=None, max_latency_ratio=None)
    assert gate.breach(calls(30, 170, seconds=99.0), calls(200)) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"window": 0},
        {"window": "5"},
        {"window": 1.5},
        {"min_calls": -1},
        {"min_calls": True},
        {"max_failure_increase": 1.5},
        {"max_latency_ratio": 0},
        {"confidence": 1.0},
        {"confidence": 0},
        {"confidence": None},
    ],
)
def test_a_threshold_that_makes_no_sense_is_named(wrong):
    with pytest.raises(ConfigurationError, match=f"LiveGate.{next(iter(wrong))} must be"):
        LiveGate(**wrong)


def test_newcombes_bound_is_the_known_one():
    assert round(increase(56, 70, 48, 80, 0.975), 4) == 0.0524  # Newcombe 1998, table II, method 10


@given(values=st.lists(st.floats(0, 1e6), max_size=60))
def test_the_bounds_of_a_median_are_values_around_it(values):
    bounds = median_bounds(values, 0.001)
    if bounds is None:
        assert len(values) < 10
    else:
        assert bounds[0] <= sorted(values)[len(values) // 2] <= bounds[1]


def test_the_bounds_of_a_median_are_exact():
    assert median_bounds(range(10), 1 / 1024) == (0, 9)  # all ten on one side: 1 of 1,024
    assert median_bounds(range(10), 1 / 1025) is None


def test_equal_vendors_are_hardly_ever_told_apart():
    luck = random.Random(8)
    broken = 0
    for _ in range(40):
        candidate: deque[Seen] = deque(maxlen=GATE.window)
        primary = deque(_drawn(luck, 200), maxlen=GATE.window)
        for _ in range(200):
            candidate.extend(_drawn(luck, 1))
            primary.extend(_drawn(luck, 1))
            if GATE.breach(tuple(candidate), tuple(primary)) is not None:
                broken += 1
                break
    assert broken <= 2


def _drawn(luck, count):
    return [Seen(luck.random() > 0.05, luck.lognormvariate(0, 1)) for _ in range(count)]
