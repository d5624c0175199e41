"""A replay: each call once, turns in order, budgets kept, and no answer lost."""

from __future__ import annotations

import itertools
import threading

import pytest
from moving import AGENTS, Flowise, bridge_to, conversations, json_answer, sample, session_of

from agentbridge import ConfigurationError, HttpResponse, Invocation, Message, RetryPolicy, UnknownTargetError
from agentbridge.bindings import Binding
from agentbridge.migrate import Budget, Ledger, replay
from agentbridge.migrate.canonical import unbind

ONCE = RetryPolicy(attempts=1)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "move.ledger") as ledger:
        yield ledger


def _questions(vendor):
    return [body["question"] for body in vendor.asked]


def test_every_sample_is_asked_once_in_the_new_vendors_words(ledger):
    vendor = Flowise()
    ledger.add(sample(number) for number in range(20))
    summary = replay(ledger, bridge_to(vendor), "flowise")
    assert sorted(_questions(vendor)) == sorted(f"question {number} (ACME)" for number in range(20))
    assert (summary.made, summary.counts.final, summary.stopped) == (20, 20, None)


def test_a_second_run_makes_no_call(ledger):
    vendor = Flowise()
    ledger.add([sample(1)])
    bridge = bridge_to(vendor)
    assert [replay(ledger, bridge, "flowise").made for _ in range(2)] == [1, 0]


def test_turns_of_a_conversation_go_in_order_and_in_the_new_session(ledger):
    vendor = Flowise()
    ledger.add(conversations(5, 4))
    replay(ledger, bridge_to(vendor), "flowise", concurrency=8)
    by_chat: dict[str, list[int]] = {}
    for pair in ledger.pairs():
        by_chat.setdefault(pair.candidate.result.session_id, []).append(int(pair.sample.id[1:]))
    asked = {number: place for place, number in enumerate(int(each.split()[1]) for each in _questions(vendor))}
    assert sorted(by_chat.values()) == [[one, 5 + one, 10 + one, 15 + one] for one in range(5)]
    assert all(list(map(asked.get, turns)) == sorted(map(asked.get, turns)) for turns in by_chat.values())


@pytest.mark.parametrize("treatment", ["fresh", "inline-history"])
def test_calls_without_a_session_share_none(ledger, treatment):
    first, second = _chats(ledger, treatment)
    assert "c0" not in {first, second}
    assert first != second


def test_the_old_session_id_is_sent_where_that_is_asked_for(ledger):
    assert _chats(ledger, "same-id") == ["c0", "c0"]


def test_a_mapped_session_is_the_new_vendors_own(ledger):
    first, second = _chats(ledger, "mapped")
    assert first == second != "c0"


def _chats(ledger, treatment):
    vendor = Flowise()
    ledger.add(conversations(1, 2))
    replay(ledger, bridge_to(vendor), "flowise", sessions=treatment)
    return [session_of(body) for body in vendor.asked]


def test_inline_history_is_what_was_recorded_not_what_the_candidate_said(ledger):
    vendor = Flowise()
    ledger.add(conversations(1, 2))
    replay(ledger, bridge_to(vendor), "flowise", sessions="inline-history")
    said = [message["content"] for message in vendor.asked[1]["history"]]
    assert said == ["question 0", "answer 0"]


def test_history_goes_into_the_text_where_a_vendor_takes_none(ledger):
    asked = []

    def promptitude(send):
        asked.append(send.request.json)
        return json_answer(400, {})

    ledger.add(conversations(1, 2))
    replay(ledger, bridge_to(promptitude), "promptitude", sessions="inline-history")
    text = next(value for value in _texts(asked[1]) if "question 1" in value)
    assert text == "Conversation so far:\nUser: question 0\nAssistant: answer 0\n\nUser: question 1"


def _texts(value):
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [text for item in items for text in _texts(item)]


def test_a_failure_of_the_agent_is_an_answer_and_not_asked_again(ledger):
    vendor = Flowise(json_answer(500, {"message": "node broke"}))
    ledger.add([sample(1)])
    bridge = bridge_to(vendor)
    assert [replay(ledger, bridge, "flowise").made for _ in range(2)] == [1, 0]
    assert [(pair.candidate.ok, pair.candidate.status) for pair in ledger.pairs()] == [(False, 500)]


def test_a_busy_vendor_is_asked_again_by_the_next_run(ledger):
    vendor = Flowise(json_answer(503, {"message": "busy"}))
    ledger.add([sample(1)])
    bridge = bridge_to(vendor, retry=ONCE)
    assert [replay(ledger, bridge, "flowise").counts.final for _ in range(2)] == [0, 1]


def test_a_lost_answer_is_unknown_and_holds_its_conversation_back(ledger):
    vendor = Flowise(json_answer(504, {"message": "gave up"}))
    ledger.add(conversations(1, 3))
    bridge = bridge_to(vendor, retry=ONCE)
    for _ in range(2):
        replay(ledger, bridge, "flowise")
    assert (len(vendor.asked), ledger.counts().unknown, ledger.counts().remaining) == (1, 1, 2)


def test_what_a_human_has_resent_lets_the_conversation_go_on(ledger):
    vendor = Flowise(json_answer(504, {"message": "gave up"}))
    ledger.add(conversations(1, 3))
    bridge = bridge_to(vendor, retry=ONCE)
    replay(ledger, bridge, "flowise")
    ledger.decide("candidate", ["s0"], "resend")
    assert replay(ledger, bridge, "flowise").counts.final == 3


def test_a_skipped_turn_lets_the_conversation_go_on(ledger):
    vendor = Flowise(json_answer(504, {"message": "gave up"}))
    ledger.add(conversations(1, 3))
    bridge = bridge_to(vendor, retry=ONCE)
    replay(ledger, bridge, "flowise")
    ledger.decide("candidate", ["s0"], "skip")
    assert replay(ledger, bridge, "flowise").counts.final == 2


def test_no_more_calls_are_made_than_the_budget_allows(ledger):
    vendor = Flowise()
    ledger.add(sample(number) for number in range(50))
    summary = replay(ledger, bridge_to(vendor), "flowise", concurrency=8, budget=Budget(calls=7))
    assert (len(vendor.asked), summary.stopped) == (7, "the budget of 7 calls is used up")


def test_a_budget_counts_what_earlier_runs_have_spent(ledger):
    vendor = Flowise()
    ledger.add(sample(number) for number in range(9))
    for _ in range(3):
        replay(ledger, bridge_to(vendor), "flowise", budget=Budget(calls=5))
    assert len(vendor.asked) == 5


def test_a_replay_stops_when_its_credits_are_used_up(ledger):
    said = [{"role": "assistant", "content": "hi"}]
    body = {"agent_id": "G1", "conversation_history": said, "metadata": {"used_credits": 3, "thread_id": "t"}}
    ledger.add(sample(number) for number in range(50))
    bridge = bridge_to(lambda _: json_answer(200, {"statusCode": 200, "body": body}))
    summary = replay(ledger, bridge, "flowgent", concurrency=1, budget=Budget(credits=5))
    assert (summary.counts.credits, summary.stopped) == (6.0, "the budget of 5 credits is used up")


def test_it_stops_when_nobody_is_reached(ledger):
    vendor = Flowise(*[json_answer(401, {"message": "no"})] * 100)
    ledger.add(sample(number) for number in range(50))
    summary = replay(ledger, bridge_to(vendor), "flowise", concurrency=1, stop_after=4)
    assert len(vendor.asked) == 4
    assert summary.stopped.startswith("4 calls in a row got no answer; the last one: [flowise] ")
    assert summary.counts.remaining == 50


def test_it_stops_when_an_agent_never_answers(ledger):
    vendor = Flowise(*[HttpResponse(504)] * 40)
    ledger.add(sample(number) for number in range(40))
    summary = replay(ledger, bridge_to(vendor, retry=ONCE), "flowise", concurrency=1, stop_after=4)
    assert (summary.made, summary.counts.unknown, summary.counts.remaining) == (4, 4, 36)
    assert summary.stopped.startswith("4 calls in a row got no answer; the last one: [flowise] ")


def test_an_answer_in_between_begins_the_count_anew(ledger):
    busy = HttpResponse(504)
    vendor = Flowise(busy, busy, None, busy, busy, None)
    ledger.add(sample(number) for number in range(6))
    summary = replay(ledger, bridge_to(vendor, retry=ONCE), "flowise", concurrency=1, stop_after=3)
    assert (summary.stopped, summary.counts.final, summary.counts.unknown) == (None, 2, 4)


def test_agents_with_side_effects_are_not_repeated_unless_allowed(ledger):
    vendor = Flowise()
    agents = {"support": {**AGENTS["support"], "side_effects": True}}
    ledger.add([sample(1)])
    with pytest.raises(ConfigurationError, match="has side effects, and a replay would repeat them"):
        replay(ledger, bridge_to(vendor, agents), "flowise")
    assert not vendor.asked
    assert replay(ledger, bridge_to(vendor, agents), "flowise", allow_side_effects=True).made == 1


@pytest.mark.parametrize(
    ("to", "error", "words"),
    [
        ("nowhere", ConfigurationError, "the agent 'support' is not bound to 'nowhere'"),
        ("nowhere:1", UnknownTargetError, "nowhere"),
        ("support@nowhere", UnknownTargetError, "nowhere"),
    ],
)
def test_a_target_that_is_not_there_stops_before_anything_is_claimed(ledger, to, error, words):
    ledger.add([sample(1)])
    with pytest.raises(error, match=words):
        replay(ledger, bridge_to(Flowise()), to)
    assert ledger.counts().sends == 0


def test_an_agent_that_nobody_bound_is_named_with_the_remedy(ledger):
    ledger.add([sample(1, target="fluxprompt:other")])
    with pytest.raises(ConfigurationError, match=r"no portable agent stands for 'fluxprompt:other'.*migrate init"):
        replay(ledger, bridge_to(Flowise()), "flowise")


def test_an_interrupt_waits_for_the_calls_under_way(ledger):
    entered, interrupted = threading.Event(), threading.Event()

    def slow(send):
        entered.set()
        interrupted.wait(5)
        return Flowise()(send)

    def stop(*_):
        raise KeyboardInterrupt

    numbers = itertools.count()
    ledger.add(sample(number) for number in range(40))
    original = ledger.conversations

    def interrupting(arm):
        for turns in original(arm):
            yield turns
            if next(numbers) == 2:
                entered.wait(5)
                interrupted.set()
                stop()

    ledger.conversations = interrupting
    summary = replay(ledger, bridge_to(slow), "flowise", concurrency=4)
    assert summary.stopped == "it was interrupted"
    assert (summary.counts.unknown, summary.counts.claimed) == (0, 0)
    assert 0 < summary.counts.final < 40


def test_each_answer_is_told_as_it_comes(ledger):
    told = []
    ledger.add(sample(number) for number in range(5))
    replay(
        ledger, bridge_to(Flowise()), "flowise", on_answer=lambda turn, answer: told.append((turn.sample.id, answer.ok))
    )
    assert sorted(told) == [(f"s{number}", True) for number in range(5)]


@pytest.mark.parametrize("field", ["calls", "credits", "minutes"])
@pytest.mark.parametrize("value", [0, -1, "many", True])
def test_a_budget_of_nothing_is_refused(field, value):
    with pytest.raises(ConfigurationError, match=f"Budget.{field} must be a .*, not {value!r}; None is no limit"):
        Budget(**{field: value})


@pytest.mark.parametrize("field", ["concurrency", "stop_after"])
@pytest.mark.parametrize("value", [0, 1.5, True])
def test_a_number_that_is_no_count_is_refused(ledger, field, value):
    with pytest.raises(ConfigurationError, match=f"{field} must be a whole number, 1 or more, not {value!r}"):
        replay(ledger, bridge_to(Flowise()), "flowise", **{field: value})


def test_a_call_is_claimed_in_the_ledger_before_it_is_sent(ledger):
    seen = []

    def looking(send):
        seen.append((ledger.counts().claimed, ledger.counts().sends))
        return Flowise()(send)

    ledger.add([sample(1)])
    replay(ledger, bridge_to(looking), "flowise")
    assert seen == [(1, 1)]


def test_every_attempt_sends_the_same_request_and_the_ledger_counts_them(ledger):
    vendor = Flowise(json_answer(503, {"message": "busy"}))
    ledger.add([sample(1)])
    replay(ledger, bridge_to(vendor), "flowise")
    (pair,) = ledger.pairs()
    assert (len(vendor.asked), vendor.asked[0], pair.candidate.attempts) == (2, vendor.asked[1], 2)


def test_history_that_a_call_brings_itself_is_not_sent_twice(ledger):
    vendor = Flowise()
    brought = (Message("user", "question 0"), Message("assistant", "answer 0"))
    ledger.add([sample(0, "c0"), sample(1, "c0", messages=brought)])
    replay(ledger, bridge_to(vendor), "flowise", sessions="inline-history")
    assert [message["content"] for message in vendor.asked[1]["history"]] == ["question 0", "answer 0"]


def test_an_input_that_only_python_takes_for_the_constant_is_kept():
    binding = Binding(agent="F1", constants={"fast": True, "shop": {"id": 1}})
    said = Invocation(target="fluxprompt:F1", inputs={"fast": 1, "shop": {"id": True}})
    assert unbind(said, binding).inputs == said.inputs
    assert unbind(Invocation(target="fluxprompt:F1", inputs=binding.constants), binding).inputs == {}


def test_half_a_character_from_the_vendor_stops_no_replay(ledger):
    said = HttpResponse(200, {"content-type": "application/json"}, b'{"text": "half \\ud83d", "chatId": "c"}')
    ledger.add([sample(1)])
    assert replay(ledger, bridge_to(lambda _: said), "flowise").counts.final == 1


def test_an_agents_id_that_is_not_there_stops_a_replay_and_spoils_no_sample(ledger):
    ledger.add(conversations(12, 1))
    lost = replay(ledger, bridge_to(lambda _: json_answer(404, {"message": "no such flow"})), "flowise", concurrency=1)
    assert (lost.made, lost.counts.final) == (10, 0)
    assert lost.stopped.startswith("10 calls in a row got no answer")
    assert replay(ledger, bridge_to(Flowise()), "flowise").counts.final == 12


def test_a_draft_that_nobody_filled_in_is_not_sent(ledger):
    vendor = Flowise()
    bound = {**AGENTS["support"]["on"], "flowise": {"agent": "FILL_IN", "template": "{text}"}}
    ledger.add([sample(1)])
    with pytest.raises(ConfigurationError, match="agent still begins with FILL_IN; say what it is"):
        replay(ledger, bridge_to(vendor, {"support": {"on": bound}}), "flowise")
    assert not vendor.asked


def test_one_conversation_is_one_wherever_its_turns_were_sent(ledger):
    ledger.add([sample(0, "c0", target="support"), sample(1, "c0", target="support@fluxprompt")])
    assert [len(turns) for turns in ledger.conversations("candidate")] == [2]


def test_failures_are_counted_apart(ledger):
    ledger.add([sample(1), sample(2)])
    counts = replay(ledger, bridge_to(Flowise(json_answer(400, {"message": "no"}))), "flowise", concurrency=1).counts
    assert (counts.final, counts.failed) == (2, 1)
