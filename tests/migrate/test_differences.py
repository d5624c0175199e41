"""One answer beside another: which kind of difference it is."""

from __future__ import annotations

import json

import pytest
from compared_pairs import answer, failed, pair, waiting

from agentbridge import Result
from agentbridge.migrate import Answer, difference
from agentbridge.migrate.comparing.differences import again_of, old_of
from agentbridge.migrate.comparing.structure import changes, json_in

EMPTY = Answer(outcome="completed", result=Result(text=" \n", output=""))
ORDER = {"order": {"id": 7, "items": [{"name": "cup", "price": 3.5}]}, "open": True}


def _text(value):
    return answer(json.dumps(value))


@pytest.mark.parametrize(
    ("old", "new", "category"),
    [
        (answer("It is here."), answer("it is here"), "same"),
        (answer("In 3 days."), answer("In 4 days."), "wrong_number"),
        (answer("In 3 days."), answer("In three days."), "reworded"),
        (answer("In 3 days."), answer("It takes 4 days."), "reworded"),
        (answer("yes"), EMPTY, "empty"),
        (EMPTY, EMPTY, "same"),
        (EMPTY, answer("yes"), "reworded"),
        (answer("yes"), failed(), "failed"),
        (failed(), failed(), "both_failed"),
        (failed(), answer("yes"), "newly_answered"),
        (failed(), EMPTY, "empty"),
        (EMPTY, failed(), "failed"),
        (None, answer("yes"), "not_comparable"),
        (None, failed(), "not_comparable"),
        (answer("Which one?"), waiting("Which one?"), "outcome_changed"),
        (waiting("Which one?"), answer("This one."), "outcome_changed"),
        (waiting("Which one?"), waiting("which one"), "same"),
        (waiting("Which of 2?"), waiting("Which of 3?"), "wrong_number"),
        (_text(ORDER), _text(ORDER), "same"),
        (_text({"a": 1, "b": 2}), _text({"b": 2, "a": 1}), "same"),
        (_text({"a": 1}), answer('```json\n{"a": 1.0}\n```'), "same"),
        (_text({"a": 1}), _text({"a": 2}), "wrong_number"),
        (_text({"a": 1}), _text({"a": "1"}), "structure_changed"),
        (_text({"a": 1}), answer("a is 1"), "structure_changed"),
        (answer("a is 1"), _text({"a": 1}), "reworded"),
        (answer("", output={"a": "x"}), answer("", output={"b": "x"}), "structure_changed"),
        (answer("hi", output=[{"text": "hi"}]), answer("hi"), "same"),
        (answer("hi", output={"n": 1}), answer("hi", output={"n": 2}), "wrong_number"),
    ],
)  # fmt: skip
def test_a_pair_is_in_the_first_category_that_fits(old, new, category):
    assert difference(old, new).category == category


def test_an_error_told_in_a_text_is_not_searched_for():
    assert difference(answer("All good"), answer("Error: no credits")).category == "reworded"


def test_exact_normalized_and_numeric_equality_are_told_apart():
    exact, spelt = (
        difference(answer("Pay 1,000."), answer("Pay 1,000.")),
        difference(answer("Pay 1,000."), answer("pay 1000")),
    )
    assert (exact.exact, exact.same_words, exact.same_numbers) == (True, True, True)
    assert (spelt.exact, spelt.same_words, spelt.same_numbers) == (False, True, True)
    other = difference(answer("Pay 1,000."), answer("You owe 1000"))
    assert (other.exact, other.same_words, other.same_numbers) == (False, False, True)


def test_ratios_are_new_by_old():
    found = difference(answer("ab", elapsed=2, credits=4), answer("abcd", elapsed=3, credits=1))
    assert (found.length_ratio, found.latency_ratio, found.credits_ratio) == (2, 1.5, 0.25)


def test_the_time_of_a_failure_is_compared_with_nothing():
    assert difference(answer("a"), failed()).latency_ratio is None


def test_a_difference_is_plain_json():
    found = difference(_text({"a": 1, "b": 2}), _text({"a": "1", "c": 2}))
    assert json.loads(json.dumps(found.to_dict()))["drift"] == {
        "gone": ["b"], "added": ["c"], "retyped": ["a (number -> text)"],
    }  # fmt: skip


def test_drift_names_paths_through_lists():
    new = {"order": {"id": "7", "items": [{"name": "cup"}, {"name": "jug", "size": 2}]}, "open": True}
    assert str(changes(ORDER, new)) == (
        "gone: order.items[].price; added: order.items[].size; of another type: order.id (number -> text)"
    )


def test_an_empty_list_misses_nothing():
    assert not changes({"items": [{"a": 1}]}, {"items": []})
    assert not changes({"items": []}, {"items": [{"a": 1}]})


def test_numbers_are_of_one_type_and_null_of_its_own():
    assert not changes([1, 2], [1.5])
    assert changes({"a": None}, {"a": 1}).retyped == ("a (null -> number)",)
    assert changes([], {}).retyped == ("all of it (list -> object)",)


def test_what_is_nested_too_deeply_is_a_drift_and_no_crash():
    deep = shallow = []
    for _ in range(100_000):
        deep = [deep]
    assert changes(deep, shallow).retyped == ("(nested too deeply)",)
    assert json_in("[" * 100_000) is None


def test_the_old_answer_is_productions_and_the_noise_the_old_vendors_second_one():
    known, unknown = pair("kept", "new", "again"), pair(None, "new", "again")
    assert (old_of(known).text, again_of(known).text) == ("kept", "again")
    assert (old_of(unknown).text, again_of(unknown)) == ("again", None)
