"""How sure a figure is: known values, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given, strategies as st

from agentbridge.migrate.comparing.groups import GROUPS, Conversations, Row, Sums
from agentbridge.migrate.comparing.statistics import (
    Excess,
    Mean,
    Share,
    excess,
    mean,
    needed,
    newcombe,
    ratio_of_sums,
    ratio_of_typical,
    student,
    wilson,
)

SHARES = st.floats(0, 1)
ROUNDS = 150


def test_wilson_has_the_values_of_the_literature():
    low, high = wilson(81 / 263, 263, 0.95)  # Newcombe 1998, "Two-sided confidence intervals", table I
    assert (low, high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(10 / 100, 100, 0.95) == pytest.approx((0.0552, 0.1744), abs=1e-4)
    assert wilson(0, 20, 0.95) == pytest.approx((0, 0.1611), abs=1e-4)
    assert wilson(1, 29, 0.95) == pytest.approx((0.8830, 1), abs=1e-4)


def test_the_difference_of_independent_shares_has_newcombes_values():
    one, other = wilson(56 / 70, 70, 0.95), wilson(48 / 80, 80, 0.95)  # Newcombe 1998, "Interval estimation", method 10
    assert newcombe(56 / 70, one, 48 / 80, other, 0.0) == pytest.approx((0.0524, 0.3339), abs=1e-4)


@pytest.mark.parametrize(
    ("freedom", "value"), [(4, 2.776), (5, 2.571), (10, 2.228), (30, 2.042), (100, 1.984), (1e9, 1.960)]
)
def test_students_t_has_the_values_of_the_tables(freedom, value):
    assert student(0.95, freedom) == pytest.approx(value, abs=0.002)


@given(SHARES, st.floats(1, 1e6), st.floats(0.5, 0.999))
def test_a_share_is_within_its_interval_and_the_interval_within_0_and_1(rate, n, confidence):
    low, high = wilson(rate, n, confidence)
    assert 0 <= low <= rate + 1e-12
    assert rate - 1e-12 <= high <= 1


@given(SHARES, SHARES, st.integers(1, 10**5), st.floats(-1, 1))
def test_an_excess_is_within_its_interval_and_more_samples_make_it_narrower(one, other, n, correlation):
    found = Excess(Share(n, one, n), Share(n, other, n), correlation)
    low, high = found.interval(0.95)
    assert low - 1e-9 <= found.value <= high + 1e-9
    closer = found.interval(0.95, more=4)
    assert closer[1] - closer[0] <= high - low + 1e-9


def _turns(luck, conversations, turns, rate, noise, alike):
    """Sums of conversations, `alike` is how much turns of one are (their intraclass correlation)."""
    sums = Sums()
    for _ in range(conversations):
        group = luck.randrange(GROUPS)
        ours, theirs = (luck.betavariate(p * (1 - alike) / alike, (1 - p) * (1 - alike) / alike) for p in (rate, noise))
        for _ in range(turns):
            sums.add(group, float(luck.random() < ours), float(luck.random() < theirs))
    return sums.rows()


@pytest.mark.parametrize(
    ("conversations", "turns", "rate", "noise", "alike"),
    [(600, 1, 0.03, 0.02, 0.01), (200, 3, 0.05, 0.03, 0.3), (60, 4, 0.2, 0.1, 0.3), (200, 5, 0.1, 0.1, 0.5)],
)
def test_the_interval_of_an_excess_holds_the_truth_as_often_as_it_says(conversations, turns, rate, noise, alike):
    luck = random.Random(7)
    held = 0
    for _ in range(ROUNDS):
        low, high = excess(_turns(luck, conversations, turns, rate, noise, alike), conversations).interval(0.95)
        held += low <= rate - noise <= high
    assert held / ROUNDS >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / ROUNDS)


def test_turns_that_are_taken_for_independent_would_be_surer_than_they_may():
    """What the groups are for: without them the interval holds the truth too seldom."""
    luck = random.Random(7)
    held = 0
    for _ in range(ROUNDS):
        rows = _turns(luck, 200, 5, 0.1, 0.1, 0.5)
        found = excess(rows, 200)
        low, high = Excess(Share(1000, found.candidate.rate, 1000), Share(1000, found.noise.rate, 1000)).interval(0.95)
        held += low <= 0 <= high
    assert held / ROUNDS < 0.85


@pytest.mark.parametrize(("conversations", "turns"), [(8, 1), (20, 3), (200, 3)])
def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says(conversations, turns):
    luck = random.Random(3)
    held = 0
    for _ in range(ROUNDS):
        sums = Sums()
        for _ in range(conversations):
            group, slow = luck.randrange(GROUPS), luck.gauss(0, 0.3)
            for _ in range(turns):
                sums.add(group, slow + luck.gauss(0.2, 0.5), luck.gauss(0, 0.5))
        interval = ratio_of_typical(sums.rows()).interval(0.95)
        held += interval is not None and interval[0] <= math.exp(0.2) <= interval[1]
    assert held / ROUNDS >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / ROUNDS)


def test_none_in_few_conversations_is_no_proof_of_none():
    sums = Sums()
    for number in range(300):
        sums.add(number // 30, 0.0, None)
    found = excess(sums.rows(), 10)
    assert found.candidate.effective == 10
    assert found.interval(0.95)[1] > 0.25


def test_a_share_without_noise_is_all_the_new_vendors():
    found = excess([Row(10, 3, 0, 0)], 10)
    assert (found.value, found.noise) == (pytest.approx(0.3), None)


def test_the_noise_may_be_known_of_fewer_samples():
    found = excess([Row(10, 2, 2, 1)] * 50, 500)
    assert (found.value, found.noise.n) == (pytest.approx(0.2 - 0.5), 100)


def test_the_ratio_of_sums_weighs_what_costs_more():
    rows = [Row(1, 1, 1, 2), Row(1, 100, 1, 100), *[Row(1, 1, 1, 1)] * 3]
    assert ratio_of_sums(rows).value == pytest.approx(104 / 105)
    assert ratio_of_sums([Row(3, 0, 3, 6)]) is None


def test_too_few_conversations_have_no_interval():
    assert mean([Row(5, 2, 0, 0)] * 4).interval(0.95) is None
    assert mean([Row(5, 2, 0, 0)] * 5).interval(0.95) == pytest.approx((0.4, 0.4))


@given(st.integers(20, 2000), st.integers(0, 200), st.integers(0, 100))
def test_as_many_as_are_needed_tell_and_a_tenth_fewer_do_not(n, rate, limit):
    rate, limit = rate / 1000, limit / 1000
    found = Excess(Share(n, rate, n))
    count = needed(found, limit, 0.95)
    if count is None:
        assert abs(rate - limit) < 0.01 or limit == 0
        return
    low, high = found.interval(0.95, more=count * 1.01 / n)
    assert high <= limit or low > limit
    if count > n:
        low, high = found.interval(0.95, more=count * 0.9 / n)
        assert low <= limit < high


def test_no_number_of_samples_tells_what_lies_on_the_threshold():
    assert needed(Mean("ratio", 100, 1.5, 1.0, math.log(1.5), 0.1, 50), 1.5, 0.95) is None


@pytest.mark.parametrize(("count", "off"), [(0, 0), (1, 0), (600, 0), (2000, 0), (2001, 0.01), (50_000, 0.01)])
def test_conversations_are_counted_in_a_little_memory(count, off):
    counted, luck = Conversations(), random.Random(1)
    for key in [luck.getrandbits(48) for _ in range(count)]:
        for _ in range(2):
            counted.add(key, alone=False)
    assert len(counted) == pytest.approx(count, rel=off, abs=0)
