"""Answers of every kind of flow."""

from __future__ import annotations

from typing import Any

import pytest

from agentbridge import Result

TRICKY = "line1\n\nline2 data: not-a-frame\r\nsep[\u2028][\x85] caf\u00e9 \u6f22\u5b57 \U0001f642 data:image/png;base64,AAAA end"
CALCULATED = [("calculator", {"input": "6*7"}, "42", None)]


def case(flow: str, text: str | None, answer: str, **more: Any) -> tuple[str, str | None, str, dict[str, Any]]:
    return flow, text, answer, more


CASES = {
    "agentflow with a function": case("agentflow_object", "hi", '{\n  "a": 1,\n  "nested": {\n    "b": [\n      1,\n      2\n    ]\n  }\n}'),
    "agentflow with a model": case("agentflow_llm", "hello", "Echo: hello", usage=(2, 2, 4, "fake-model")),
    "agentflow with line ends of all kinds": case("agentflow_llm", "UNICODE", TRICKY),
    "agentflow with a model that reasons": case("agentflow_think", "hello", "Echo: hello"),
    "agentflow with a model in the middle": case("agentflow_llm_middle", "hello", "final: Echo: hello"),
    "agentflow with a structured answer": case("agentflow_llm_structured", "hello", '{\n  "title": "T",\n  "score": 7\n}'),
    "agentflow with an agent and a tool": case("agentflow_agent_tools", "calc 6*7", "The tool said: 42", tools=CALCULATED, usage=(4, 4, 18, "fake-model")),
    "agentflow with two ends": case("agentflow_parallel", "hello", "branch two"),
    "agentflow with a condition": case("agentflow_deadend", "yes", "it was yes"),
    "agentflow with a condition that leads nowhere": case("agentflow_deadend", "no", " "),
    "agentflow with a start only": case("agentflow_startonly", "hello", " "),
    "agentflow whose function returns nothing": case("agentflow_empty", "hello", ""),
    "agentflow whose model says nothing": case("agentflow_llm", "EMPTY", ""),
    "agentflow whose own words are an error": case("agentflow_error_as_text", "hello", '{\n  "error": "upstream said no",\n  "statusCode": 502\n}'),
    "agentflow with questions to follow": case("agentflow_followup", "hello", "You said: hello | session={session} | chat={chat}"),
    "agentflow with post-processing": case("agentflow_postprocess", "hello", "post:raw hello"),
    "agentflow that only some origins may call": case("agentflow_origins", "hello", "You said: hello | session={session} | chat={chat}"),
    "agentflow that needs a key": case("agentflow_keyed", "hello", "You said: hello | session={session} | chat={chat}"),
    "agentflow of the first version": case("agentflow_v1_sequential", "hello", "Echo: hello"),
    "chatflow with a memory": case("chatflow_conversation", "hello", "Echo: hello"),
    "chatflow with a prompt": case("chatflow_llmchain", "hello", "Echo: Answer: hello"),
    "chatflow whose model says nothing": case("chatflow_llmchain", "EMPTY", ""),
    "chatflow that cannot stream": case("chatflow_nostream", "hello", "Echo: Answer: hello"),
    "chatflow with an output parser": case("chatflow_json", "JSONOUT", '{\n  "title": "T",\n  "score": 7\n}', output={"title": "T", "score": 7}),
    "chatflow with a moderation that agrees": case("chatflow_moderated", "hello", "Echo: Answer: hello"),
    "chatflow with a moderation that refuses": case("chatflow_moderated", "a forbidden word", "Cannot Process! Input violates content moderation policies."),
    "chatflow with an agent and a tool": case("chatflow_toolagent", "calc 6*7", "The tool said: 42", tools=CALCULATED),
    "chatflow with documents": case("chatflow_rag", "hello", "Echo: hello", sources=["The capital of Testland is Mockville."]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_flow_answers(live, name):
    flow, text, answer, expected = CASES[name]
    result = live.invoke(flow, text)

    said = answer.replace("{session}", result.session_id).replace("{chat}", result.raw["chatId"])
    assert (result.text, result.output) == (said, expected.get("output", said))
    assert result.warnings == (("empty answer",) if not said.strip() else ())
    assert result.id == result.raw.get("executionId", result.raw["chatMessageId"])
    assert (result.status, result.interrupt, result.attempts) == ("completed", None, 1)

    tools = [(call.name, call.arguments, call.result, call.error) for call in result.tool_calls]
    assert tools == expected.get("tools", [])
    assert [source.text for source in result.sources] == expected.get("sources", [])
    if "usage" in expected:
        used = result.usage
        assert (used.input_tokens, used.output_tokens, used.total_tokens, used.model) == expected["usage"]
        assert used.duration_ms > 0
    else:
        assert result.usage is None or "agentflow" in flow


def test_a_form_is_filled_in(live):
    result = live.invoke("agentflow_form", inputs={"name": "Ann", "age": 5})
    assert result.text == 'form got: {"name":"Ann","age":"5"} input=name: Ann\nage: 5'


def test_a_field_of_a_form_that_is_missing_is_seen_in_the_answer_only(live):
    assert '"age":"{{$form.age}}"' in live.invoke("agentflow_form", inputs={"name": "Ann"}).text


def test_overrides_that_the_owner_allowed_count(live):
    override = {"vars": {"tone": "LOUD"}}
    result = live.invoke("agentflow_override", "hello", options={"flowise": {"overrideConfig": override}})
    assert '"tone": "LOUD"' in result.text


def test_overrides_that_the_owner_did_not_allow_are_ignored_by_the_server(live):
    override = {"vars": {"tone": "LOUD"}}
    result = live.invoke("agentflow_function", "hello", options={"flowise": {"overrideConfig": override}})
    assert '"tone": "plain"' in result.text


def test_an_override_goes_beside_the_session(live):
    override = {"vars": {"tone": "LOUD"}}
    options = {"flowise": {"overrideConfig": override}}
    result = live.invoke("agentflow_override", "hello", session_id="s-override", options=options)
    assert '"tone": "LOUD"' in result.text
    assert '"sessionId": "s-override"' in result.text


def test_a_copied_endpoint_url_is_as_good_as_an_id(connect, server):
    url = f"{server.base_url}/api/v1/prediction/{server.flows['agentflow_llm']}"
    assert connect(base_url=url).invoke("agentflow_llm", "hello").text == "Echo: hello"
    assert connect().invoke(url, "hello").text == "Echo: hello"


def test_an_answer_survives_its_way_through_json(live):
    result = live.invoke("agentflow_agent_tools", "calc 6*7")
    assert Result.from_dict(result.to_dict()).to_dict() == result.to_dict()
