"""What FlowGent's answers tell of tools, and noise: bodies like the documented ones, with anything in them."""

from __future__ import annotations

import json

import pytest
from flowgent_answers import ANSWER, METADATA, QUESTION, assistant, read, success, text, tool_call, tool_result
from hypothesis import given, strategies as st

from agentbridge import Fault, Pending, ToolCall


@pytest.mark.parametrize(
    ("result", "error"),
    [
        ({"error": "timed out"}, "timed out"),
        ({"error": {"message": "timed out", "code": 1}}, "timed out"),
        ({"error": {"code": 1}}, '{"code": 1}'),
        ({"error": True, "message": "timed out"}, "timed out"),
        ({"isError": True}, '{"isError": true}'),
        ({"isError": True, "content": [text("timed out")]}, '[{"type": "text", "text": "timed out"}]'),
        ({"success": False, "message": "timed out"}, "timed out"),
        ({"success": "false", "message": "timed out"}, "timed out"),
        ('{"error": "timed out"}', "timed out"),
        ({"success": False, "message": "timed out", "content": "x"}, "timed out"),
        ({"error": None, "isError": False, "success": True}, None),
        ({"error": "", "state": "shipped"}, None),
        ("Error: timed out", None),  # prose is not searched
        ([{"error": "x"}], None),
        (None, None),
        ("{broken", None),
    ],
)
def test_what_a_tools_result_says_of_its_failure(result, error):
    [call] = read(success(assistant(tool_call()), tool_result(result), assistant(text("Sorry.")))).tool_calls
    assert (call.error, call.result) == (error, result)


def test_a_failure_beside_the_result():
    flagged = tool_result("timed out", isError=True)
    assert read(success(assistant(tool_call()), flagged, ANSWER)).tool_calls[0].error == "timed out"
    thrown = {"role": "tool", "content": [{"type": "tool-error", "toolName": "lookup", "error": "timed out"}]}
    assert read(success(assistant(tool_call()), thrown, ANSWER)).tool_calls[-1].error == "timed out"


def test_calls_are_joined_by_id_and_stay_in_order():
    history = [
        assistant(tool_call("c1", "first"), tool_call("c2", "second")),
        tool_result(2, "c2", "second"),
        tool_result(1, "c1", "first"),
        tool_result(3, None, "third"),
        ANSWER,
    ]
    calls = read(success(*history)).tool_calls
    assert [(call.name, call.id, call.result) for call in calls] == [
        ("first", "c1", 1), ("second", "c2", 2), ("third", None, 3),
    ]  # fmt: skip


def test_tools_of_earlier_turns_are_not_of_this_run():
    earlier = [assistant(tool_call()), tool_result({"error": "timed out"})]
    assert read(success(QUESTION, *earlier, ANSWER, QUESTION, ANSWER)).tool_calls == ()


@pytest.mark.parametrize("empty", [{}, [], None])
def test_no_reported_tools(empty):
    result = read(success(QUESTION, ANSWER, metadata={**METADATA, "tool_calls": empty}))
    assert (result.tool_calls, result.warnings) == ((), ())


@pytest.mark.parametrize(
    "reported",
    [
        [{"toolName": "lookup", "toolCallId": "c1", "args": {"a": 1}, "result": {"error": "timed out"}}],
        [{"name": "lookup", "id": "c1", "arguments": {"a": 1}, "result": {"error": "timed out"}}],
        {"name": "lookup", "id": "c1", "arguments": {"a": 1}, "result": {"error": "timed out"}},
        {"lookup": {"id": "c1", "arguments": {"a": 1}, "result": {"error": "timed out"}}},
        {"c1": {"name": "lookup", "id": "c1", "arguments": {"a": 1}, "result": {"error": "timed out"}}},
    ],
)
def test_reported_tools_in_any_recognisable_form(reported):
    result = read(success(QUESTION, ANSWER, metadata={**METADATA, "tool_calls": reported}))
    assert result.tool_calls == (ToolCall("lookup", {"a": 1}, {"error": "timed out"}, "timed out", "c1"),)
    assert result.warnings == ()


def test_a_reported_tool_that_is_in_the_history_too_is_one_call():
    history = [QUESTION, assistant(tool_call()), tool_result("ok"), ANSWER]
    for entry in ({"name": "lookup", "id": "call_1"}, {"name": "lookup"}):
        result = read(success(*history, metadata={**METADATA, "tool_calls": [entry]}))
        assert result.tool_calls == (ToolCall("lookup", {"order": 7}, "ok", None, "call_1"),)


@pytest.mark.parametrize("odd", ["two", 2, [1, "x"], {"total": 2}, {"total": {"count": 1}}, [{"count": 1}]])
def test_reported_tools_in_an_unknown_form_are_a_warning(odd):
    result = read(success(QUESTION, ANSWER, metadata={**METADATA, "tool_calls": odd}))
    assert (result.text, result.tool_calls) == (ANSWER["content"], ())
    assert result.warnings == ("metadata.tool_calls is not understood and left out",)


@pytest.mark.parametrize(
    "reported",
    [[{"error": "timed out"}], {"error": "timed out"}, {"function": {"name": "lookup"}, "error": "timed out"}],
)
def test_a_reported_failure_counts_though_nobody_knows_of_which_tool(reported):
    result = read(success(QUESTION, ANSWER, metadata={**METADATA, "tool_calls": reported}))
    assert [(call.name, call.error) for call in result.tool_calls] == [("", "timed out")]
    assert result.warnings == ()


@pytest.mark.parametrize("content", ['{"error": "timed out"}', {"isError": True, "message": "timed out"}])
def test_a_failure_that_is_all_that_a_tools_turn_says(content):
    result = read(success(QUESTION, {"role": "tool", "content": content}, ANSWER))
    assert [(call.name, call.error) for call in result.tool_calls] == [("", "timed out")]
    assert result.text == ANSWER["content"]


@pytest.mark.parametrize(
    "turn", [{"role": "tool", "content": "timed out"}, {"role": "user", "content": '{"error": "x"}'}]
)
def test_a_turn_that_tells_of_no_failed_tool_is_no_call(turn):
    assert read(success(QUESTION, turn, ANSWER)).tool_calls == ()


def test_reported_tools_without_an_id_that_the_history_does_not_name_are_calls_of_their_own():
    reported = [{"name": "search"}, {"name": "mail"}]
    result = read(success(QUESTION, ANSWER, metadata={**METADATA, "tool_calls": reported}))
    assert [call.name for call in result.tool_calls] == ["search", "mail"]


def test_a_part_without_a_name_is_a_call_without_one():
    nameless = {"type": "tool-call", "toolCallId": "c1", "args": {}}
    assert read(success(assistant(nameless), ANSWER)).tool_calls == (ToolCall("", {}, id="c1"),)


def test_what_cannot_be_read_of_a_tool_is_a_warning():
    left_out = ("toolCallId of the answer is unreadable and left out",)
    assert read(success(assistant(tool_call({})), ANSWER)).warnings == left_out
    reported = {**METADATA, "tool_calls": [{"toolName": "lookup", "toolCallId": {}}]}
    assert read(success(ANSWER, metadata=reported)).warnings == left_out


SCALARS = st.none() | st.booleans() | st.integers(-10, 700) | st.floats() | st.text(max_size=5)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))


def like(sample, **fields):
    """The sample with some of its fields replaced, by values of their own kind or by anything."""
    changes = st.fixed_dictionaries({}, optional={name: values | JSON for name, values in fields.items()})
    return changes.map(lambda change: {**sample, **change})


RESULTS = like({}, error=JSON, isError=st.booleans(), success=st.booleans())
PARTS = (
    like(text("Hi"), text=st.text(max_size=5), type=st.just("image"))
    | like(tool_call(), toolCallId=st.just("c2"), toolName=JSON, args=JSON)
    | like(tool_result(1)["content"][0], toolCallId=st.just("c2"), toolName=JSON, result=RESULTS)
)
ROLES = st.sampled_from(["user", "assistant", "tool", "system"])
TURNS = like(ANSWER, role=ROLES, content=st.text(max_size=5) | st.lists(PARTS, max_size=3))
REPORTED = st.lists(PARTS, max_size=2) | st.dictionaries(st.text(max_size=3), PARTS, max_size=2)
METADATAS = like(METADATA, id=JSON, model=JSON, used_credits=JSON, thread_id=JSON, tool_calls=REPORTED)
BODIES = like(
    success(QUESTION, ANSWER)["body"],
    conversation_history=st.lists(TURNS, max_size=4),
    metadata=METADATAS,
    error=JSON,
    message=JSON,
)
ANSWERS = like(
    success(QUESTION, ANSWER),
    statusCode=st.sampled_from([200, "200", 201, 402, "503", True, None]),
    body=BODIES | BODIES.map(json.dumps),
    error=JSON,
    status=st.just("processing"),
)


@given(body=JSON | ANSWERS, status=st.sampled_from([200, 202, 204, 302, 400, 401, 402, 500, 503]))
def test_whatever_comes_is_an_answer_with_its_proof_or_no_answer(body, status):
    try:
        value = read(body, status)
    except ValueError:
        return  # guarded by the core: a MalformedResponseError, or the status's own error
    if isinstance(value, Fault):
        assert isinstance(value.message, str)
        assert value.message.strip()
        return
    assert status in range(200, 300)
    assert str(body.get("statusCode", 200)).strip() in {"200", "200.0", "201", "None"}
    if isinstance(value, Pending):
        assert value.kind == "callback"
        return
    assert isinstance(value.text, str)
    inner = json.loads(body["body"]) if isinstance(body["body"], str) else body["body"]
    assert any(isinstance(turn, dict) and turn.get("role") == "assistant" for turn in inner["conversation_history"])
    assert all(isinstance(call, ToolCall) and isinstance(call.error, str | None) for call in value.tool_calls)
