"""Old against new over many pairs: what was planted is found, noise is not, and memory stays flat."""

from __future__ import annotations

import itertools
import time
import tracemalloc

import pytest
from compared_pairs import answer, failed, pair, workload

from agentbridge.migrate import Answer, compare
from agentbridge.migrate.comparing.comparison import OTHERS


def test_planted_differences_are_found_each_in_its_category():
    pairs = [
        pair("In 3 days.", "in 3 days"),
        pair("In 3 days.", "In 4 days."),
        pair("In 3 days.", "Soon."),
        pair("In 3 days.", failed()),
        pair(None, "Soon."),
    ]
    assert compare(pairs).overall.categories == {
        "same": 1, "wrong_number": 1, "reworded": 1, "failed": 1, "not_comparable": 1,
    }  # fmt: skip


def test_what_the_old_vendor_does_to_itself_is_no_difference():
    found = compare(workload(2000, reworded=0.1, noise=0.1)).overall
    low, high = found.estimates["changed"].interval(0.95)
    assert low <= 0 <= high
    assert found.noise["reworded"] == pytest.approx(200, abs=50)


def test_turns_that_were_sent_to_an_agent_at_two_vendors_are_one_conversation():
    pairs = [pair("a", "a", session="u-1", target=target) for target in ("support", "support@fluxprompt", "other")]
    assert compare(pairs).overall.conversations == 2


def test_what_is_beyond_the_noise_is_found():
    found = compare(workload(2000, reworded=0.2, noise=0.1)).overall
    low, high = found.estimates["changed"].interval(0.95)
    assert 0.05 < low <= 0.1 <= high < 0.15


def test_without_a_second_answer_every_difference_counts():
    found = compare(workload(1000, reworded=0.2, repeated=False)).overall
    assert found.repeated == 0
    assert found.estimates["changed"].noise is None
    assert found.estimates["changed"].value == pytest.approx(0.2, abs=0.04)


def test_failures_that_the_old_vendor_had_too_are_no_increase():
    pairs = [pair(failed(), failed(), id=f"s-{number}") for number in range(50)]
    assert compare(pairs).overall.estimates["failures"].value == 0
    mended = [pair(failed(), "yes", id=f"s-{number}") for number in range(50)]
    assert compare(mended).overall.estimates["failures"].value == -1


def test_an_empty_answer_is_a_failure():
    empty = Answer(outcome="completed")
    assert compare([pair("yes", empty)]).overall.estimates["failures"].value == 1


def test_costs_are_compared_with_the_old_vendor_of_today_where_it_was_asked():
    old, new, again = (
        answer("a", elapsed=1, credits=1),
        answer("a", elapsed=6, credits=6),
        answer("a", elapsed=3, credits=2),
    )
    found = compare([pair(old, new, again, id=str(number)) for number in range(20)]).overall.estimates
    assert (found["latency"].value, found["credits"].value) == (pytest.approx(2), pytest.approx(3))
    alone = compare([pair(old, new, id=str(number)) for number in range(20)]).overall.estimates
    assert (alone["latency"].value, alone["credits"].value) == (pytest.approx(6), pytest.approx(6))


def test_what_no_vendor_said_is_not_known():
    assert "credits" not in compare([pair("a", "b")]).overall.estimates


def test_figures_are_told_by_agent_and_by_cohort():
    pairs = [
        pair("a", "a", target="support@fluxprompt", country="DE"),
        pair("a", "b", target="support", country="FR"),
        pair("a", "b", target="fluxprompt:F1"),
    ]
    found = compare(pairs, cohort="country")
    assert {name: one.pairs for name, one in found.agents.items()} == {"support": 2, "fluxprompt:F1": 1}
    assert {name: one.pairs for name, one in found.cohorts.items()} == {"(none)": 1, "DE": 1, "FR": 1}


def test_beyond_a_hundred_cohorts_the_others_are_one():
    found = compare((pair("a", "a", id=str(n), user=str(n)) for n in range(250)), cohort="user")
    assert len(found.cohorts) == 101
    assert found.cohorts[OTHERS].pairs == 150


def test_turns_of_a_conversation_are_counted_once():
    found = compare(workload(90, turns=3)).overall
    assert (found.pairs, found.conversations) == (90, 30)


def test_judges_give_scores_and_one_that_raises_is_counted():
    def judge(one):
        if one.sample.id == "1":
            raise RuntimeError("no answer from the judge")
        return one.candidate.text == "a"

    pairs = [pair("a", "a", id="0"), pair("a", "a", id="1"), pair("a", "b", id="2"), pair("a", failed(), id="3")]
    found = compare(pairs, judges={"right": judge, "nan": lambda _: float("nan"), "word": lambda _: "good"})
    assert found.judge_errors == {"right": 1, "nan": 3, "word": 3}
    assert (found.overall.estimates["judge:right"].n, found.overall.estimates["judge:right"].value) == (2, 0.5)


def test_the_worst_of_each_category_are_kept_worst_first():
    texts = ["a b c d e f g", "a b c d e x y", "a b u v w x y"]
    pairs = [pair("a b c d e f g h", text, id=text) for text in texts]
    pairs += [pair("In 3 days", "In 4 days", id="number"), pair("a", failed(), id="failed")]
    assert [one.id for one in compare(pairs, keep=2).worst] == ["failed", "number", texts[2], texts[1]]


def test_other_numbers_are_worse_than_other_words_and_noise_is_last():
    pairs = [
        pair("a 1", "b 1", "c 1", id="noisy"), pair("a 1", "b 1", "a 1", id="words"), pair("a 1", "b 2", "a 1", id="numbers"),
    ]  # fmt: skip
    found = compare(pairs)
    assert [one.id for one in found.worst] == ["numbers", "words", "noisy"]
    assert [one.noisy for one in found.worst] == [False, False, True]
    assert found.overall.other_numbers == 1


def test_long_answers_are_cut_where_they_are_shown():
    [shown] = compare([pair("a", "b" * 100_000)]).worst
    assert len(shown.new) < 4100
    assert shown.new.endswith("(100,000 characters)")


def test_each_pair_is_told_of():
    told = []
    compare(workload(5), each=lambda one, compared: told.append((one.sample.id, compared.difference.category)))
    assert told == [(f"s-{number}", "same") for number in range(5)]


def test_the_same_pairs_and_seed_give_the_same_figures():
    one, other = (compare(workload(200, turns=3, failing=0.1, wrong=0.1)) for _ in range(2))
    assert one == other


def test_which_connections_answered_is_known():
    found = compare([pair(answer("a", by="fluxprompt"), answer("a", by="flowgent"))])
    assert (found.old, found.new) == (("fluxprompt",), ("flowgent",))


def test_nothing_at_all_can_be_compared():
    assert compare([]).overall.estimates == {}


def test_memory_is_flat():
    pool = list(workload(100, turns=1, failing=0.1, wrong=0.1, reworded=0.3, noise=0.1))

    def peak(count):
        tracemalloc.start()
        compare(itertools.islice(itertools.cycle(pool), count), cohort="country", keep=5)
        reached = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return reached

    peak(100)
    assert peak(900) < 1.2 * peak(300)


def test_a_pair_costs_little():
    """100,000 pairs of 500 characters in a minute: 0.6 ms of CPU each; three times that here, for slow machines."""
    long = [
        pair(f"{'parcel ' * 60}{number} days and more words", f"Yes {'parcel ' * 60}{number}") for number in range(300)
    ]
    began = time.process_time()
    compare(long)
    assert (time.process_time() - began) / len(long) < 0.0018
