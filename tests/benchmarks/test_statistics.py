import pytest
from benchmarks.statistics import Compared, Figure, Verdict, compared, middle, summed_up, verdict
from hypothesis import given, strategies as st

AROUND = ({"cpu": 90.0}, {"cpu": 110.0})


@pytest.mark.parametrize(("how", "value"), [("ratio", 0.5), ("speed", 2.0), ("less", -50.0)])
def test_a_sample_is_compared_with_the_mean_of_the_baseline_around_it(how, value):
    assert compared(how, "cpu", {"cpu": 50.0}, AROUND) == Compared(value, 50.0, 100.0)


def test_a_figure_of_its_own_has_no_baseline():
    assert compared("alone", "peak", {"peak": 0.5}, ({}, {})) == Compared(0.5, 0.5, None)


def test_the_middle_is_the_median_of_ratios_and_not_the_ratio_of_medians():
    slices = [Compared(0.5, 1.0, 2.0), Compared(3.0, 3.0, 1.0), Compared(0.4, 4.0, 10.0)]
    assert middle(slices) == Compared(0.5, 3.0, 2.0)


def test_noise_is_the_usual_distance_from_the_median_and_one_wild_round_does_not_move_it():
    assert summed_up([1.0, 1.1, 0.9, 1.0, 50.0]).value == 1.0
    assert summed_up([1.0, 1.1, 0.9, 1.0, 50.0]).noise == pytest.approx(0.14826)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_a_figure_is_within_its_rounds_and_noise_is_not_negative(rounds):
    figure = summed_up(rounds)
    assert min(rounds) <= figure.value <= max(rounds)
    assert figure.noise >= 0


@given(st.floats(-1e6, 1e6))
def test_rounds_that_agree_are_without_noise(value):
    assert summed_up([value] * 5) == Figure(value, 0.0)


@pytest.mark.parametrize(
    ("value", "higher_is_better", "expected"),
    [
        (0.80, False, Verdict.MET),
        (0.85, False, Verdict.MET),
        (0.89, False, Verdict.NOISE),
        (0.91, False, Verdict.MISSED),
        (0.91, True, Verdict.MET),
        (0.81, True, Verdict.NOISE),
        (0.79, True, Verdict.MISSED),
    ],
)
def test_a_budget_is_missed_only_by_more_than_the_noise(value, higher_is_better, expected):
    assert verdict(Figure(value, 0.05), 0.85, higher_is_better=higher_is_better) is expected


def test_what_cannot_be_measured_yet_is_neither_met_nor_missed():
    assert verdict(None, 1.0, higher_is_better=False) is Verdict.ABSENT
