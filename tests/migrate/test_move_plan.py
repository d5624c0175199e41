"""A plan says of every field what a move would do to it, proven by the bridge, and sends nothing."""

from __future__ import annotations

import json

import attrs
import pytest
from hypothesis import given, settings, strategies as st
from moving import Flowise, bridge_to, conversations, sample

from agentbridge import SHARED, ConfigurationError, File, Invocation, Message, Result, Usage
from agentbridge.migrate import Answer, Sample, plan, requests


@pytest.fixture
def bridge():
    with bridge_to(lambda _: pytest.fail("something was sent")) as bridge:
        yield bridge


def fields(made):
    return {(one.field, one.how): one.count for one in made.fields}


def route(made, field):
    (one,) = [one for one in made.fields if one.field == field]
    return one


def test_a_template_joins_what_it_names_into_the_text(bridge):
    made = plan([sample(1)], bridge, "flowgent")
    assert fields(made) == {("text", "joined into the text"): 1, ("inputs.vendor", "joined into the text"): 1}
    assert (made.ok, made.samples, made.calls, made.credits) == (True, 1, 1, None)


def test_inputs_are_carried_as_they_are_or_renamed(bridge):
    made = plan([sample(1)], bridge, "promptitude")
    assert fields(made) == {("text", "converted"): 1, ("inputs.vendor", "as is"): 1}
    assert route(made, "text").detail == "input message"
    renamed = attrs.evolve(sample(1).invocation, target="promptitude:P1", inputs={"message": "hi", "vendor": "ACME"})
    made = plan([attrs.evolve(sample(1), invocation=renamed)], bridge, "fluxprompt")
    assert route(made, "inputs.vendor").detail == "input varVendor"


def test_what_a_vendor_has_no_place_for_is_impossible_with_the_errors_line(bridge):
    made = plan([sample(1, user_id="u"), sample(2), sample(3, files=(File("a.txt", b"x"),))], bridge, "flowgent")
    assert fields(made)["user_id", "impossible"] == 1
    assert "flowgent cannot carry 'user_id'" in route(made, "user_id").remedy
    assert "flowgent cannot carry 'files'" in route(made, "files").remedy
    assert (made.ok, made.calls, made.samples) == (False, 1, 3)


def test_a_misspelt_connection_is_named_with_the_one_that_was_meant(bridge):
    (field,) = (one for one in plan([sample(1)], bridge, "flowgnt").fields if one.how == "impossible")
    assert (
        "is not bound to 'flowgnt' (bound to: fluxprompt, flowise, flowgent, promptitude). Did you mean 'flowgent'?"
        in field.remedy
    )


def test_what_the_bridge_leaves_out_by_its_settings_is_dropped():
    with bridge_to(None, on_unsupported="drop") as bridge:
        made = plan([sample(1, user_id="u")], bridge, "flowgent")
    assert route(made, "user_id").how == "dropped"
    assert made.ok


def test_several_impossible_fields_are_all_named(bridge):
    made = plan([sample(1, user_id="u", files=(File("a.txt", b"x"),))], bridge, "flowgent")
    assert {field for field, how in fields(made) if how == "impossible"} == {"user_id", "files"}


def test_an_input_that_is_not_bound_is_impossible(bridge):
    made = plan([sample(1, inputs={"varText": "q", "varVendor": "v", "odd": 1})], bridge, "flowgent")
    assert "does not map it" in route(made, "inputs.odd").remedy


def test_values_that_a_template_needs_and_calls_do_not_say_are_missing(bridge):
    made = plan([sample(number, inputs={"varText": "q"}) for number in range(7)], bridge, "flowgent")
    (missing,) = made.missing
    assert (missing.what, missing.count) == ("template value vendor", 7)
    assert missing.samples == ("s0", "s1", "s2", "s3", "s4")
    assert made.calls == 0


def test_inputs_of_the_new_vendor_that_calls_do_not_fill_are_missing_but_no_hindrance(bridge):
    made = plan([sample(1, inputs={"varVendor": "v"})], bridge, "promptitude")
    assert [one.what for one in made.missing] == ["input message (text)"]
    assert made.ok


def test_a_call_whose_file_was_too_large_to_capture_is_impossible(bridge):
    made = plan([sample(1, files=(File("large.pdf"),))], bridge, "flowise")
    assert "File 'large.pdf' needs either content or path" in route(made, "the call").remedy


def test_options_metadata_and_callbacks_are_told_apart(bridge):
    said = {"options": {"fluxprompt": {"a": 1}, "flowgent": {"b": 2}}, "metadata": {"who": "me"}}
    made = plan([sample(1, callback_url="https://caller.example/x", **said)], bridge, "flowgent")
    hows = dict(fields(made).keys())
    assert hows["options.fluxprompt"] == "dropped"
    assert hows["options.flowgent"] == "as is"
    assert hows["metadata"] == "as is"
    assert hows["callback_url"] == "dropped"
    assert made.ok


@pytest.mark.parametrize(
    ("to", "sessions", "how"),
    [
        ("flowgent", "mapped", "converted"),
        ("flowgent", "fresh", "dropped"),
        ("flowgent", "same-id", "as is"),
        ("flowgent", "inline-history", "converted"),
        ("promptitude", "mapped", "dropped"),
        ("promptitude", "inline-history", "joined into the text"),
    ],
)
def test_sessions_go_by_their_treatment(bridge, to, sessions, how):
    made = plan(conversations(2, 3), bridge, to, sessions=sessions)
    assert fields(made)["session_id", how] == 6
    assert made.conversations == 2
    assert len(made.notes) == 1


def test_an_old_session_cannot_be_sent_to_a_vendor_without_sessions(bridge):
    made = plan(conversations(2, 1), bridge, "promptitude", sessions="same-id")
    assert fields(made)["session_id", "impossible"] == 2
    assert made.notes[-1].startswith("no conversation has more than one turn")


def test_a_memory_that_all_share_is_impossible_elsewhere(bridge):
    assert route(plan([sample(1, SHARED)], bridge, "flowgent"), "session_id").how == "impossible"
    assert route(plan([sample(1, SHARED)], bridge, "fluxprompt"), "session_id").how == "as is"


def test_earlier_turns_of_a_call_itself(bridge):
    turns = (Message("user", "a"), Message("assistant", "b"))
    assert route(plan([sample(1, messages=turns)], bridge, "flowgent"), "messages").how == "as is"
    assert route(plan([sample(1, messages=turns)], bridge, "promptitude"), "messages").how == "impossible"


def test_an_agent_that_is_not_bound_is_named_with_the_remedy(bridge):
    made = plan([sample(1, target="fluxprompt:other")], bridge, "flowgent")
    (one,) = made.fields
    assert (one.agent, one.field, one.how) == ("fluxprompt:other", "the call", "impossible")
    assert "no portable agent stands for 'fluxprompt:other'" in one.remedy


def test_a_whole_target_needs_no_portable_agent(bridge):
    said = attrs.evolve(sample(1).invocation, target="promptitude:x", text="hi", inputs={})
    made = plan([attrs.evolve(sample(1), invocation=said)], bridge, "flowgent:7")
    assert fields(made) == {("text", "as is"): 1}
    assert made.ok


def test_credits_are_said_or_those_of_the_candidates_own_calls(bridge):
    assert plan(conversations(2, 2), bridge, "flowgent", credits_per_call=2.5).credits == 10
    known = Answer.of(Result(text="x", output="x", provider="flowgent", usage=Usage(credits=3)))
    samples = [*conversations(2, 2), attrs.evolve(sample(9), answer=known)]
    assert plan(samples, bridge, "flowgent").credits == 15


def test_a_draft_that_is_not_filled_in_is_named():
    drafted = {"agent": "FILL_IN", "text": "FILL_IN_text", "inputs": {"vendor": "FILL_IN_vendor"}}
    agents = {"support": {"on": {"fluxprompt": {"agent": "F1"}, "promptitude": drafted}}}
    with bridge_to(None, agents) as bridge:
        made = plan([sample(1, inputs={"vendor": "x"})], bridge, "promptitude")
    assert [one.rpartition(" ")[2] for one in made.unfilled] == ["agent", "text", "inputs.vendor"]
    assert not made.ok


def test_a_treatment_that_is_none_is_refused(bridge):
    with pytest.raises(ConfigurationError, match="sessions is one of"):
        plan([], bridge, "flowgent", sessions="none")
    with pytest.raises(ConfigurationError, match="sessions is one of"):
        list(requests([], bridge, "flowgent", sessions="none"))


def test_requests_are_those_that_a_replay_sends(bridge):
    samples = [*conversations(1, 2), sample(7, user_id="u")]
    shown = {one.id: text for one, text in requests(samples, bridge, "flowgent")}
    assert '"messages": "Vendor: ACME\\n\\nquestion 0"}' in shown["s0"]
    assert '"thread_id": "NEW-SESSION"' in shown["s1"]
    assert "flow-key" not in "".join(shown.values())
    assert shown["s7"].startswith("# flowgent cannot carry 'user_id'")
    (_, second) = [text for _, text in requests(samples[:2], bridge, "flowgent", sessions="inline-history")]
    assert '{"role": "assistant", "content": "answer 0"}' in second


def test_a_plan_is_plain_json_and_plain_text(bridge):
    made = plan([*conversations(2, 2), sample(9, user_id="u", inputs={"varText": "q"})], bridge, "flowgent")
    assert json.loads(json.dumps(made.to_dict()))["calls"] == 4
    text = made.to_text()
    assert "support  user_id        impossible            1" in text
    assert "support: template value vendor, calls: 1 (s9)" in text
    assert "4 of 5 calls can be made at flowgent; credits: not known" in text


WORDS = st.sampled_from(["a", "b", "{vendor}"])
CALLS = st.fixed_dictionaries(
    {"inputs": st.dictionaries(st.sampled_from(["varText", "varVendor", "odd"]), WORDS)},
    optional={
        "text": WORDS,
        "messages": st.just((Message("user", "a"),)),
        "files": st.just((File("a.txt", b"x"),)),
        "session_id": st.just("s"),
        "user_id": WORDS,
        "callback_url": st.just("https://caller.example"),
        "options": st.just({"fluxprompt": {"a": 1}}),
        "target": st.sampled_from(["support", "support@flowise", "fluxprompt:other"]),
    },
)


@pytest.mark.parametrize("to", ["flowgent", "flowise", "promptitude", "fluxprompt", "flowgent:7"])
@pytest.mark.parametrize("sessions", ["mapped", "inline-history", "same-id"])
@settings(max_examples=40, deadline=None)
@given(said=CALLS)
def test_a_field_is_impossible_exactly_where_the_bridge_refuses_the_call(to, sessions, said):
    fields = {name: value for name, value in said.items() if name != "session_id"}
    one = sample(1, said.get("session_id"), **fields)
    with bridge_to(None) as bridge:
        made = plan([one], bridge, to, sessions=sessions)
        ((_, shown),) = requests([one], bridge, to, sessions=sessions)
    impossible = [route for route in made.fields if route.how == "impossible"]
    assert bool(impossible) == (made.calls == 0) == shown.startswith("# ")
    assert len({route.field for route in made.fields}) == len(made.fields)


def test_what_is_no_field_is_the_call():
    with bridge_to(None) as bridge:
        made = plan([sample(1)], bridge, "nowhere:x")
    assert made.fields[-1].field == "the call"


def test_agents_that_have_sessions_of_one_name_share_no_conversation():
    agents = {name: {"default": "flowgent", "on": {"flowgent": {"agent": name}}} for name in ("support", "sales")}
    samples = [Sample(id=name, session="u-1", invocation=Invocation(target=name, text=name)) for name in agents]
    with bridge_to(Flowise(), agents) as bridge:
        assert plan(samples, bridge, "flowgent").conversations == 0
        shown = {one.id: text for one, text in requests(samples, bridge, "flowgent", sessions="inline-history")}
    assert '"messages": "sales"' in shown["sales"]


def test_turns_that_were_sent_to_an_agent_at_two_vendors_are_one_conversation(bridge):
    targets = ("support", "support@fluxprompt")
    samples = [Sample(id=name, session="u-1", invocation=Invocation(target=name, text="hi")) for name in targets]
    assert plan(samples, bridge, "flowgent").conversations == 1
