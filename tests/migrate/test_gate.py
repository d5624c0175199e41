"""Thresholds: what passes, what fails, and what cannot be told yet."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import attrs
import pytest
from compared_pairs import answer, failed, pair, workload

from agentbridge import Bridge, ConfigurationError
from agentbridge.migrate import Gate, compare, decide


def _ruling(comparison, rule, **gate):
    return next(one for one in decide(comparison, Gate(**gate)).rulings if one.rule == rule)


def test_a_move_that_changes_nothing_passes():
    verdict = decide(compare(workload(1000)))
    assert (verdict.outcome, verdict.exit_code) == ("pass", 0)
    assert len(verdict.reasons) == len(verdict.rulings)


def test_more_failures_than_allowed_fail():
    verdict = decide(compare(workload(1000, failing=0.05)))
    assert (verdict.outcome, verdict.exit_code) == ("fail", 1)
    [reason] = verdict.reasons
    assert reason.startswith("failures beyond the old vendor's: ")
    assert reason.endswith("at most 1 %")


def test_too_few_samples_are_said_plainly_with_how_many_would_tell():
    verdict = decide(compare(workload(150)))
    assert (verdict.outcome, verdict.exit_code) == ("extend", 3)
    failures = _ruling(compare(workload(150)), "max_failure_increase")
    assert failures.reason.endswith("too few samples to tell, about 381 would")
    assert decide(compare(workload(382, repeated=False))).outcome == "pass"


def test_fewer_samples_than_demanded_never_pass():
    found = compare(workload(90))
    assert _ruling(found, "min_samples").reason == (
        "samples with a final answer: 90, at least 100: too few samples, 10 more are needed"
    )
    assert all(one.outcome == "extend" for one in decide(found, Gate(max_failure_increase=0.5)).rulings)


@pytest.mark.parametrize("count", [6, 20, 99])
def test_a_rule_that_too_few_samples_alone_keep_from_passing_says_how_many_more(count):
    found = compare(pair("In 3 days", "In 3 days", "In 3 days", id=str(number)) for number in range(count))
    ruling = _ruling(found, "max_wrong_numbers")
    assert ruling.outcome == "extend"
    assert ruling.reason.endswith(f"at most 0 %: too few samples, {100 - count} more are needed")
    assert ruling.needed == 100
    assert not [one.reason for one in decide(found).rulings if "near the threshold" in one.reason]


def test_where_nothing_is_known_of_the_spread_nobody_says_that_it_is_near_the_threshold():
    ruling = _ruling(compare([pair("a", "a", id="1")]), "max_latency_ratio", min_samples=1)
    assert ruling.outcome == "extend"
    assert ruling.reason.endswith("at most 1.50: too few samples to tell")


def test_a_disaster_fails_at_once():
    pairs = [pair("yes", failed(), "yes", id=str(number)) for number in range(12)]
    assert decide(compare(pairs)).outcome == "fail"


def test_one_wrong_number_is_not_let_through_and_many_fail():
    right = [pair("In 3 days", "In 3 days", "In 3 days", id=str(number)) for number in range(400)]
    wrong = [pair("In 3 days", "In 4 days", "In 3 days", id=f"w-{number}") for number in range(10)]
    assert _ruling(compare(right), "max_wrong_numbers").outcome == "pass"
    assert _ruling(compare([*right, *wrong]), "max_wrong_numbers").outcome == "fail"
    assert _ruling(compare([*right, wrong[0]]), "max_wrong_numbers").outcome == "extend"


def test_calls_of_unknown_outcome_count():
    found = compare(workload(1000), unknown=60)
    assert _ruling(found, "max_unknown").outcome == "fail"
    assert _ruling(found, "max_unknown").value == pytest.approx(60 / 1060)


def test_slow_and_dear_answers_fail():
    old, new = answer("a", elapsed=1, credits=1), answer("a", elapsed=2, credits=3)
    found = compare(pair(old, new, id=str(number)) for number in range(200))
    assert _ruling(found, "max_latency_ratio").outcome == "fail"
    assert _ruling(found, "max_credits_ratio", max_credits_ratio=2).outcome == "fail"
    assert _ruling(found, "max_credits_ratio", max_credits_ratio=4).outcome == "pass"


def test_a_rule_of_which_nothing_is_known_does_not_pass():
    found = compare(pair("a", "a", id=str(number)) for number in range(200))
    assert _ruling(found, "max_credits_ratio", max_credits_ratio=2).outcome == "extend"
    assert "nothing is known of it" in _ruling(found, "max_credits_ratio", max_credits_ratio=2).reason


@pytest.mark.parametrize(("rule", "least"), [("min_same", 0.9), ("min_similarity", 0.95)])
def test_answers_must_stay_the_same_but_for_noise(rule, least):
    noisy = compare(workload(800, reworded=0.3, noise=0.3))
    changed = compare(workload(800, reworded=0.6, noise=0.3))
    assert _ruling(noisy, rule, **{rule: least}).outcome == "pass"
    assert _ruling(changed, "min_same", min_same=0.9).outcome == "fail"
    low, high = _ruling(noisy, rule, **{rule: least}).interval
    assert low <= _ruling(noisy, rule, **{rule: least}).value <= high


def test_a_judges_mean_score_has_a_lower_bound():
    found = compare(workload(500), judges={"always": lambda _: True, "half": lambda one: one.sample.id[-1] in "02468"})
    ruled = decide(found, Gate(min_scores={"always": 0.9, "half": 0.9, "absent": 0.9})).rulings
    assert {one.rule: one.outcome for one in ruled if "scores" in one.rule} == {
        "min_scores.always": "pass", "min_scores.half": "fail", "min_scores.absent": "extend",
    }  # fmt: skip


def test_rules_that_are_none_are_left_out():
    gate = Gate(
        max_failure_increase=None, max_wrong_numbers=None, max_structure_changes=None, max_unknown=None, max_latency_ratio=None
    )  # fmt: skip
    assert [one.rule for one in decide(compare([]), gate).rulings] == ["min_samples"]


def test_no_samples_at_all_are_too_few():
    assert decide(compare([])).outcome == "extend"


def test_the_configuration_has_the_thresholds():
    config = {
        "migrate": {"gate": {"max_failure_increase": 0.02, "max_latency_ratio": "off", "min_scores": {"polite": 0.9}}}
    }
    assert Gate.read(config) == Gate(max_failure_increase=0.02, max_latency_ratio=None, min_scores={"polite": 0.9})
    assert Gate.read({}) == Gate()


def test_the_page_shows_the_defaults():
    page = (Path(__file__).parents[2] / "docs/migrate/compare-and-gate.md").read_text()
    [table] = re.findall(r"^```toml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    shown = tomllib.loads(table)
    assert Gate.read(shown) == Gate()
    assert set(shown["migrate"]["gate"]) == {field.name for field in attrs.fields(Gate)} - {"min_scores"}


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"max_latency": 2}, r"unknown key 'migrate.gate.max_latency'. Did you mean 'max_latency_ratio'\?"),
        ({"min_same": 95}, "Gate.min_same must be a share from 0 to 1, not 95"),
        ({"min_scores": {"polite": float("nan")}}, "min_scores.polite must be a number, not nan"),
        ({"min_samples": 0}, "Gate.min_samples must be a whole number, 1 or more, not 0"),
        ({"confidence": "high"}, "migrate.gate.confidence: Input should be a valid number"),
    ],
)
def test_a_wrong_threshold_is_an_error_that_names_it(table, problem):
    with pytest.raises(ConfigurationError, match=problem):
        Gate.read({"migrate": {"gate": table}})


def test_a_bridge_has_no_use_for_the_gate():
    with Bridge({"migrate": {"gate": {"min_same": 0.9}}}) as bridge:
        assert bridge.agents == {}
