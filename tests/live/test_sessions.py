"""Sessions and memory, and several calls at once."""

from __future__ import annotations

import uuid

import pytest

from agentbridge import Message, errors

MODEL = "system:You are a test model."
REMEMBERED = "user:remember 42 | assistant:Echo: remember 42 | user:HISTORY"


@pytest.fixture
def session():
    return f"s-{uuid.uuid4()}"


@pytest.mark.parametrize("flow", ["agentflow_llm", "chatflow_conversation"])
def test_a_session_remembers(live, session, flow):
    live.invoke(flow, "remember 42", session_id=session)
    second = live.invoke(flow, "HISTORY", session_id=session)
    assert second.text.endswith(REMEMBERED)
    assert second.session_id == session


@pytest.mark.parametrize("flow", ["agentflow_llm", "chatflow_conversation"])
def test_a_conversation_goes_on_with_the_session_of_its_first_answer(live, flow):
    first = live.invoke(flow, "remember 42")
    assert live.invoke(flow, "HISTORY", session_id=first.session_id).text.endswith(REMEMBERED)


def test_a_streamed_conversation_goes_on_with_a_call(live, session):
    live.stream("agentflow_llm", "remember 42", session_id=session, seen=[])
    assert live.invoke("agentflow_llm", "HISTORY", session_id=session).text.endswith(REMEMBERED)


@pytest.mark.parametrize("flow", ["agentflow_llm", "chatflow_conversation"])
def test_sessions_know_nothing_of_each_other(live, session, flow):
    live.invoke(flow, "remember 42", session_id=session)
    assert "42" not in live.invoke(flow, "HISTORY", session_id=f"{session}-other").text
    assert "42" not in live.invoke(flow, "HISTORY").text


def test_a_session_is_of_one_flow(live, session):
    live.invoke("agentflow_llm", "remember 42", session_id=session)
    assert "42" not in live.invoke("agentflow_llm_images", "HISTORY", session_id=session).text


@pytest.mark.parametrize("flow", ["agentflow_llm", "chatflow_conversation"])
def test_earlier_turns_can_be_told(live, flow):
    turns = [Message("user", "my name is Ann"), Message("assistant", "hi Ann")]
    text = live.invoke(flow, "HISTORY", messages=turns).text
    assert text.endswith("user:my name is Ann | assistant:hi Ann | user:HISTORY")


def test_turns_of_other_roles_are_refused(live):
    with pytest.raises(errors.UnsupportedFeatureError) as caught:
        live.invoke("agentflow_llm", "hello", messages=[Message("system", "be brief")])
    assert caught.value.feature == "messages"


@pytest.mark.parametrize("flow", ["agentflow_llm", "chatflow_llmchain"])
def test_two_streams_of_one_session_at_once_do_not_mix(connect, session, flow):
    live = connect(serialize_sessions=False)
    first, second = live.together(
        (flow, "SLOW1 a1 a2 a3 a4", {"session_id": session}), (flow, "SLOW1 b1 b2 b3 b4", {"session_id": session})
    )
    for (events, result), letters in ((first, "a1 a2 a3 a4"), (second, "b1 b2 b3 b4")):
        joined = "".join(getattr(event, "text", "") for event in events)
        assert joined == result.text
        assert result.text.endswith(f"SLOW1 {letters}")


def test_calls_of_one_session_take_turns(live, session):
    texts = [f"SLOW1 number {number}" for number in range(3)]
    live.at_once(*[("agentflow_llm", text, {"session_id": session}) for text in texts])
    history = live.stored("agentflow_llm", session, at_least=6)
    assert sorted(history[::2]) == texts
    assert history[1::2] == [f"Echo: {text}" for text in history[::2]]


def test_calls_of_many_sessions_do_not_wait_for_each_other(live, session):
    calls = [("agentflow_llm", f"SLOW2 number {number}", {"session_id": f"{session}-{number}"}) for number in range(5)]
    results = live.at_once(*calls)
    assert [result.text for result in results] == [f"Echo: {text}" for _, text, _ in calls]
    assert max(result.elapsed for result in results) < 6  # one after the other they would take 10 seconds
