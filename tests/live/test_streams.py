"""Streams of every kind of flow, their failures, and what becomes of one that is left."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from agentbridge import Timeouts, errors, events

WRAPPED = "Error: predictionsServices.buildChatflow - "
TRICKY = "line1\n\nline2 data: not-a-frame\r\nsep[\u2028][\x85] caf\u00e9 \u6f22\u5b57 \U0001f642 data:image/png;base64,AAAA end"
CALCULATED = [("calculator", {"input": "6*7"}, "42", None)]
SAID = "You said: hello | session={session} | chat={session}"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


def case(flow: str, text: str, answer: str, **more: Any) -> tuple[str, str, str, dict[str, Any]]:
    return flow, text, answer, more


# `tokens`: the joined pieces, where they are not the final text
STREAMED = {
    "agentflow with a reply": case("agentflow_direct", "hello", SAID),
    "agentflow with a function": case("agentflow_object", "hello", '{\n  "a": 1,\n  "nested": {\n    "b": [\n      1,\n      2\n    ]\n  }\n}'),
    "agentflow with a model": case("agentflow_llm", "hello", "Echo: hello", usage=4),
    "agentflow with line ends of all kinds": case("agentflow_llm", "UNICODE", TRICKY),
    "agentflow with a model that reasons": case("agentflow_think", "hello", "Echo: hello", reasoning="Let me think about it."),
    "agentflow with a model in the middle": case("agentflow_llm_middle", "hello", "final: Echo: hello"),
    "agentflow with a structured answer": case("agentflow_llm_structured", "hello", '{\n  "title": "T",\n  "score": 7\n}'),
    "agentflow with an agent and a tool": case("agentflow_agent_tools", "calc 6*7", "The tool said: 42", tools=CALCULATED, usage=18),
    "agentflow with two ends": case("agentflow_parallel", "hello", "branch two", tokens="branch onebranch two"),
    "agentflow with a condition": case("agentflow_deadend", "yes", "it was yes"),
    "agentflow with a start only": case("agentflow_startonly", "hello", " ", tokens=""),
    "agentflow whose function returns nothing": case("agentflow_empty", "hello", ""),
    "agentflow whose own words are an error": case("agentflow_error_as_text", "hello", '{\n  "error": "upstream said no",\n  "statusCode": 502\n}', tokens='{"error":"upstream said no","statusCode":502}'),
    "agentflow with questions to follow": case("agentflow_followup", "hello", SAID),
    "agentflow that needs a key": case("agentflow_keyed", "hello", SAID),
    "agentflow of the first version": case("agentflow_v1_sequential", "hello", "Echo: hello"),
    "chatflow with a memory": case("chatflow_conversation", "hello", "Echo: hello"),
    "chatflow with a prompt": case("chatflow_llmchain", "hello", "Echo: Answer: hello"),
    "chatflow whose model says nothing": case("chatflow_llmchain", "EMPTY", ""),
    "chatflow with a moderation that refuses": case("chatflow_moderated", "a forbidden word", "Cannot Process! Input violates content moderation policies."),
    "chatflow with an agent and a tool": case("chatflow_toolagent", "calc 6*7", "The tool said: 42", tools=CALCULATED),
    "chatflow with documents": case("chatflow_rag", "hello", "Echo: hello", sources=["The capital of Testland is Mockville."]),
}  # fmt: skip


def joined(seen: list[Any], kind: Any = events.TextDelta) -> str:
    return "".join(event.text for event in seen if isinstance(event, kind))


@pytest.mark.parametrize("name", STREAMED)
def test_a_flow_streams(live, name):
    flow, text, answer, expected = STREAMED[name]
    seen: list[Any] = []
    result = live.stream(flow, text, seen=seen)

    said = answer.replace("{session}", result.session_id)
    assert (result.text, joined(seen)) == (said, expected.get("tokens", said).replace("{session}", result.session_id))
    assert result.warnings == (("empty answer",) if not said.strip() else ())
    assert (result.status, result.synthetic, result.attempts) == ("completed", False, 1)
    assert (type(seen[0]), seen[-1]) == (events.Started, events.Completed(result))
    assert joined(seen, events.ReasoningDelta) == expected.get("reasoning", "")

    tools = [(call.name, call.arguments, call.result, call.error) for call in result.tool_calls]
    assert tools == expected.get("tools", [])
    assert [event.call for event in seen if isinstance(event, events.ToolCalled)] == list(result.tool_calls)
    assert [source.text for source in result.sources] == expected.get("sources", [])
    assert "usage" not in expected or result.usage.total_tokens == expected["usage"]


def test_the_pieces_come_while_the_agent_speaks(live):
    seen: list[Any] = []
    started = time.monotonic()
    live.leave("agentflow_llm", "SLOW3 one two three four five")
    first = time.monotonic() - started
    result = live.stream("agentflow_llm", "SLOW3 one two three four five", seen=seen)
    assert first < 1.5
    assert result.elapsed > 2.5
    assert sum(isinstance(event, events.TextDelta) for event in seen) > 5


def test_the_steps_of_an_agentflow_are_seen(live):
    seen: list[Any] = []
    live.stream("agentflow_llm_middle", "hello", seen=seen)
    steps = [(event.name, event.status) for event in seen if isinstance(event, events.StepChanged)]
    assert steps == [
        (name, status) for name in ("Start", "LLM", "Direct Reply") for status in ("INPROGRESS", "FINISHED")
    ]


def test_a_form_is_filled_in_and_streams(live):
    seen: list[Any] = []
    result = live.stream("agentflow_form", inputs={"name": "Ann", "age": 5}, seen=seen)
    assert result.text == joined(seen) == 'form got: {"name":"Ann","age":"5"} input=name: Ann\nage: 5'


NOT_STREAMABLE = {
    "post-processing": case("agentflow_postprocess", "hello", "post:raw hello"),
    "a model that does not stream": case("chatflow_nostream", "hello", "Echo: Answer: hello"),
    "an output parser": case("chatflow_json", "JSONOUT", '{\n  "title": "T",\n  "score": 7\n}'),
}


@pytest.mark.parametrize("name", NOT_STREAMABLE)
def test_a_flow_that_cannot_stream_gives_the_same_events(live, name):
    flow, text, answer, _ = NOT_STREAMABLE[name]
    seen: list[Any] = []
    result = live.stream(flow, text, seen=seen)
    assert (result.text, joined(seen), result.synthetic) == (answer, answer, True)


RAN = {
    "a function throws": ("agentflow_throw", "hello", "Error: NodeVM Execution Error: Error: boom: deliberate failure", ""),
    "the model refuses the question": ("agentflow_llm", "FAIL400", "Error in LLM node: 400 This model's maximum context", ""),
    "the model's connection breaks": ("agentflow_llm", "DROP this one", "Error in LLM node: terminated", "Echo: DROP "),
    "a chatflow's connection to its model breaks": ("chatflow_llmchain", "DROP this one", "terminated", "Echo: Answer: "),
    "a tool throws": ("agentflow_failtool", "usefail", "Error in Agent node: NodeVM Execution Error: Error: tool exploded", ""),
    "a first agentflow's model refuses the question": ("agentflow_v1_sequential", "FAIL400", "Error buildAgentGraph - Error: 400", ""),
    "the questions to follow cannot be made": ("agentflow_followup_broken", "hello", "fetch failed", SAID),
}  # fmt: skip


@pytest.mark.parametrize("name", RAN)
def test_a_run_that_failed_in_its_stream_is_an_execution_error(live, name):
    flow, text, message, partial = RAN[name]
    session = str(uuid.uuid4())
    seen: list[Any] = []
    with pytest.raises(errors.ExecutionError) as caught:
        live.stream(flow, text, session_id=session, seen=seen)
    error = caught.value
    assert error.message.startswith(WRAPPED)
    assert message in error.message
    assert (error.status, error.retryable, error.may_have_run, error.attempts) == (200, False, True, 1)
    assert error.partial.text == joined(seen)
    assert error.partial.text.startswith(partial.partition("{")[0])
    assert not any(isinstance(event, events.Completed) for event in seen)


def test_a_tool_that_failed_in_a_chatflow_is_a_tool_execution_error_at_the_end_of_the_stream(live):
    seen: list[Any] = []
    with pytest.raises(errors.ToolExecutionError) as caught:
        live.stream("chatflow_failtool", "usefail", seen=seen)
    assert caught.value.partial.text == joined(seen) == "The tool said: NodeVM Execution Error: Error: tool exploded"


def test_a_refused_key_is_an_authentication_error_in_a_stream_too(connect):
    with pytest.raises(errors.AuthenticationError) as caught:
        connect(api_key="not-a-key").stream("agentflow_keyed", "hello", seen=[])
    assert (caught.value.status, caught.value.may_have_run) == (200, False)


def test_an_output_parser_that_failed_is_no_answer_of_a_stream(live):
    with pytest.raises(errors.MalformedResponseError):
        live.stream("chatflow_json", "hello", seen=[])


NEVER_ANSWERED = {
    "an unknown flow": (UNKNOWN, "hello"),
    "an id that is none": ("not-a-flow-id", "hello"),
    "a flow that cannot stream and fails": ("agentflow_postprocess", "THROW"),
    "a chatflow that cannot stream and fails": ("chatflow_nostream", "FAIL400"),
}


@pytest.mark.parametrize("name", NEVER_ANSWERED)
def test_a_stream_that_the_server_never_answers_is_left_in_time(live, name):
    flow, text = NEVER_ANSWERED[name]
    seen: list[Any] = []
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        live.stream(flow, text, seen=seen, timeouts=Timeouts(answer=1))
    assert (caught.value.status, caught.value.attempts, seen) == (None, 1, [])


def test_the_total_time_ends_a_stream_with_what_came(live):
    seen: list[Any] = []
    with pytest.raises(errors.DeadlineExceededError) as caught:
        live.stream("agentflow_llm", "SLOW4 one two three four", seen=seen, timeouts=Timeouts(total=1.5))
    assert caught.value.partial.text == joined(seen)
    assert joined(seen).startswith("Echo: ")


def test_a_stream_without_events_for_too_long_is_left(live):
    with pytest.raises(errors.ResponseTimeoutError):
        live.stream("agentflow_llm", "WAIT3", seen=[], timeouts=Timeouts(content=1))


@pytest.mark.parametrize("flow", ["agentflow_llm", "chatflow_llmchain"])
def test_the_server_finishes_a_stream_that_was_left(live, flow):
    session = str(uuid.uuid4())
    seen = live.leave(flow, "SLOW1 one two three", session_id=session)
    assert joined(seen) == "Echo: "
    question, answer = live.stored(flow, session, at_least=2)
    assert (question, answer.startswith("Echo: ")) == ("SLOW1 one two three", True)
    assert answer.endswith("SLOW1 one two three")
