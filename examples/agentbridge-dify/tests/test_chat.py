"""Chat apps, called through both bridges."""

import json

import pytest

from agentbridge import (
    ExecutionError,
    InvalidRequestError,
    QuotaExceededError,
    RateLimitError,
    ReasoningDelta,
    SourcesFound,
    StepChanged,
    StreamInterruptedError,
    TextDelta,
    ToolCalled,
    UnsupportedFeatureError,
    VendorEvent,
)
from agentbridge.emulator.serving import Served
from agentbridge_dify import emulator_bodies as say
from worlds import World


def test_a_blocking_answer_has_its_conversation_sources_and_usage(world: World) -> None:
    result = world.do("invoke", "dify:chat", "hello there")
    assert (result.text, result.session_id, result.id) == ("Echo: hello there", say.CONVERSATION, say.MESSAGE)
    assert (result.sources[0].title, result.sources[0].text) == ("iPhone List", "6.7 inch")
    assert (result.usage.total_tokens, result.usage.cost, result.usage.duration_ms) == (1161, 0.001289, 500.0)


def test_a_session_is_continued_by_its_conversation_and_user(world: World, vendors: Served) -> None:
    world.do("invoke", "dify:chat", "hi", session_id="conv-7", user_id="abc-123", inputs={"city": "Bern"})
    body = json.loads(vendors.emulators["dify"].seen[-1].body)
    assert body == {
        "inputs": {"city": "Bern"},
        "user": "abc-123",
        "query": "hi",
        "conversation_id": "conv-7",
        "response_mode": "blocking",
    }


def test_a_connections_user_counts_where_the_call_names_none(world: World, vendors: Served) -> None:
    world.do("invoke", "dify:chat", "hi", options={"dify": {"user": "backend", "auto_generate_name": False}})
    body = json.loads(vendors.emulators["dify"].seen[-1].body)
    assert (body["user"], body["auto_generate_name"]) == ("backend", False)


def test_a_stream_says_the_text_in_pieces_and_the_ids_that_stop_takes(world: World) -> None:
    events, result = world.stream("dify:chat", "hello there")
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == result.text == "Echo: hello there"
    assert (result.session_id, result.id) == (say.CONVERSATION, say.MESSAGE)
    ids = [event.data for event in events if isinstance(event, VendorEvent) and event.name == "ids"]
    assert ids == [{"task_id": say.TASK, "message_id": say.MESSAGE, "conversation_id": say.CONVERSATION}]
    assert any(isinstance(event, SourcesFound) for event in events)
    assert not result.synthetic


def test_a_chatflow_shows_its_nodes(world: World) -> None:
    events, result = world.stream("dify:flow", "hi")
    steps = [event for event in events if isinstance(event, StepChanged)]
    assert steps == [StepChanged("LLM", "running"), StepChanged("LLM", "succeeded")]
    assert result.text == "Echo: hi"


def test_an_agent_app_answers_invoke_although_it_only_streams(world: World, vendors: Served) -> None:
    result = world.do("invoke", "dify:agent-app", "hi", options={"dify": {"response_mode": "streaming"}})
    assert (result.text, result.tool_calls[0].result) == ("Echo: hi", "sunny")
    assert world.do("invoke", "dify:agent", "hi").text == "Echo: hi"
    assert json.loads(vendors.emulators["dify"].seen[-1].body)["response_mode"] == "streaming"


def test_blocking_an_agent_app_is_refused_by_dify(world: World) -> None:
    with pytest.raises(InvalidRequestError, match="only supports streaming"):
        world.do("invoke", "dify:agent-app", "hi")


@pytest.mark.parametrize("agent", ["agent-app", "new-agent"])
def test_an_agents_thoughts_and_tools_are_events(world: World, agent: str) -> None:
    events, result = world.stream(f"dify:{agent}", "hi there")
    calls = [event.call for event in events if isinstance(event, ToolCalled)]
    assert [(call.name, call.arguments, call.result) for call in calls] == [("weather", {"city": "Bern"}, "sunny")]
    assert [event.text for event in events if isinstance(event, ReasoningDelta)] == ["I need the weather."]
    assert result.tool_calls == tuple(calls)
    assert dict(result.messages[0].parts[0])["url"] == "https://example.com/cat.png"  # type: ignore[arg-type]


def test_the_closing_message_of_a_new_agent_is_not_said_twice(world: World) -> None:
    events, result = world.stream("dify:new-agent", "hi there")
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == result.text == "Echo: hi there"


def test_a_replaced_answer_is_the_answer(world: World) -> None:
    events, result = world.stream("dify:replaced", "hi")
    assert result.text == "Let us talk of something else."
    assert any(isinstance(event, VendorEvent) and event.name == "message_replace" for event in events)


@pytest.mark.parametrize("agent", ["error-in-stream", "flow-failed"])
def test_an_error_event_in_a_200_is_raised_with_what_was_said(world: World, agent: str) -> None:
    with pytest.raises(ExecutionError) as caught:
        world.stream(f"dify:{agent}", "hi")
    error = caught.value
    assert (error.status, error.code) == (200, "completion_request_error")
    assert (error.retryable, error.may_have_run) == (False, True)
    assert error.partial is not None
    assert error.partial.text == "Echo:"


def test_a_stream_without_its_last_event_is_an_error(world: World) -> None:
    with pytest.raises(StreamInterruptedError) as caught:
        world.stream("dify:breaks-off", "hi")
    assert caught.value.partial is not None
    assert caught.value.partial.text == "Echo: hi"


def test_a_submitted_run_that_breaks_off_is_an_error(world: World) -> None:
    with pytest.raises(StreamInterruptedError):
        world.do("submit", "dify:breaks-off", "hi")


def test_a_providers_quota_is_a_quota_although_it_is_a_400(world: World) -> None:
    with pytest.raises(QuotaExceededError) as caught:
        world.do("invoke", "dify:quota", "hi")
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (400, "provider_quota_exceeded", False)


def test_too_many_requests_is_worth_another_try(world: World) -> None:
    with pytest.raises(RateLimitError) as caught:
        world.do("invoke", "dify:busy", "hi")
    assert (caught.value.retryable, caught.value.may_have_run) == (True, False)


def test_a_paused_chatflow_is_resumed_with_a_decision(world: World, vendors: Served) -> None:
    _, paused = world.stream("dify:paused", "hi", user_id="abc-123")
    assert (paused.status, paused.interrupt.question) == ("waiting_for_input", "Please review the draft.")  # type: ignore[union-attr]
    assert paused.interrupt.choices == ("approve", "reject")  # type: ignore[union-attr]
    result = world.do("resume", paused, "reject", feedback="too long")
    assert (result.text, result.session_id) == ("reject: too long", say.CONVERSATION)
    sent = [seen for seen in vendors.emulators["dify"].seen if "/form/" in seen.path][-1]
    assert json.loads(sent.body) == {"inputs": {"comment": "too long"}, "action": "reject", "user": "abc-123"}
    assert say.RUN not in f"{sent.path} {sent.query} {dict(sent.headers)}"


def test_an_unknown_response_mode_is_refused_before_anything_is_sent(world: World) -> None:
    with pytest.raises(UnsupportedFeatureError, match="response_mode"):
        world.do("invoke", "dify:chat", "hi", options={"dify": {"response_mode": "fast"}})
