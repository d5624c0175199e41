"""What Flowise's answers mean, field by field: what the recorded ones and the contract's do not tell apart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentbridge import (
    Fault,
    FaultKind,
    HttpResponse,
    Interrupt,
    Result,
    Source,
    ToolCall,
    UnsupportedFeatureError,
    Usage,
)
from agentbridge.drift import Drift, Drifts, watched_by
from agentbridge_flowise import Flowise, answer, failures, pauses

WRAPPED = "Error: predictionsServices.buildChatflow - "
IDS = {"chatId": "c-1", "chatMessageId": "m-1", "sessionId": "s-1"}
PAUSED = {"elements": [{"type": "agentflowv2-approve-button"}, None, {}], "data": {"nodeId": "n-1"}}


def read(status: int = 200, **body: Any) -> Any:
    return Flowise().read(HttpResponse(status, {"Content-Type": "application/json"}, json.dumps(body).encode()))


def failed(status: int, message: str) -> Fault:
    return read(status, statusCode=status, success=False, message=message)


def node(status: str = "FINISHED", error: Any = None, **output: Any) -> dict[str, Any]:
    return {"nodeLabel": "LLM", "status": status, "data": {"output": output, "error": error}}


def counted(**tokens: int | None) -> dict[str, Any]:
    return node(usageMetadata=tokens)


# failures


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (f"{WRAPPED}Unauthorized", FaultKind.AUTHENTICATION),
        (f"{WRAPPED}Unauthorized access to a tool", FaultKind.EXECUTION),
        (f"{WRAPPED}Predictions limit exceeded", FaultKind.QUOTA_EXCEEDED),
        (f"{WRAPPED}boom", FaultKind.EXECUTION),
        ("Error: chatflowsService.getChatflowById - Chatflow x not found in the database!", FaultKind.NOT_FOUND),
        ("boom", FaultKind.UNKNOWN),
    ],
)
def test_a_500_means_what_its_sentence_says(message, kind):
    fault = failed(500, message)
    assert (fault.kind, fault.message, fault.code) == (kind, message, "500")


def test_any_other_status_means_itself_whatever_its_sentence_says():
    fault = failed(404, f"{WRAPPED}Unauthorized")
    assert (fault.kind, fault.message, fault.code) == (FaultKind.NOT_FOUND, f"{WRAPPED}Unauthorized", "404")


@pytest.mark.parametrize(
    ("status", "content_type", "content", "kind", "message"),
    [
        (429, "text/html; charset=utf-8", b"Slow down!", FaultKind.RATE_LIMITED, "Slow down!"),
        (401, "text/html", b"Unauthorized", FaultKind.AUTHENTICATION, "Unauthorized"),
        (401, "application/json", b'{"error": "No!"}', FaultKind.AUTHENTICATION, "No!"),
        (403, "application/json", b'{"message": "No!"}', FaultKind.PERMISSION, "No!"),
    ],
)
def test_a_refusal_says_why_in_one_of_its_forms(status, content_type, content, kind, message):
    refused = failures.in_answer(HttpResponse(status, {"content-type": content_type}, content))
    assert (refused.kind, refused.message) == (kind, message)


@pytest.mark.parametrize(
    ("status", "content_type", "content"),
    [
        (429, "application/json", b"Slow down!"),
        (500, "text/html", b"Slow down!"),
        (401, "text/html", b"Who are you?"),
        (403, "text/html", b"Unauthorized"),
    ],
)
def test_prose_is_no_refusal_where_no_document_knows_it(status, content_type, content):
    with pytest.raises(ValueError):
        failures.in_answer(HttpResponse(status, {"content-type": content_type}, content))


def test_an_error_in_a_stream_is_a_failed_run_unless_a_sentence_says_more():
    partial = Result(text="half", output="half")
    assert failures.in_stream("boom", partial) == Fault(FaultKind.EXECUTION, "boom", partial=partial)
    refused = f"{WRAPPED}Unauthorized"
    assert failures.in_stream(refused, None) == Fault(FaultKind.AUTHENTICATION, refused)


@pytest.mark.parametrize("status", ["ERROR", "TERMINATED", "TIMEOUT"])
@pytest.mark.parametrize(("error", "said"), [("boom", "boom"), (None, "no message")])
def test_a_last_node_that_failed_is_a_failed_run_with_what_it_said(status, error, said):
    fault = read(text="half", **IDS, agentFlowExecutedData=[node(), node(status, error), None])
    assert (fault.kind, fault.code, fault.message) == (
        FaultKind.EXECUTION, status, f"node 'LLM' ended as {status}: {said}",
    )  # fmt: skip
    assert fault.partial.text == "half"


def test_a_failed_node_that_is_not_the_last_is_the_flows_own_business():
    assert read(text="hi", **IDS, agentFlowExecutedData=[node("ERROR", "boom"), node()]).text == "hi"


def test_a_failed_node_without_data_has_no_message():
    fault = read(text="half", **IDS, agentFlowExecutedData=[{"nodeLabel": "LLM", "status": "ERROR"}])
    assert fault.message == "node 'LLM' ended as ERROR: no message"


# the answer and its ids


@pytest.mark.parametrize(
    ("body", "output", "text"),
    [
        ({"text": "hi"}, "hi", "hi"),
        ({"text": ""}, "", ""),
        ({"text": {"größe": 1}}, {"größe": 1}, '{\n  "größe": 1\n}'),
        ({"json": {"größe": 1}}, {"größe": 1}, '{\n  "größe": 1\n}'),
        ({"json": [1], "text": "beside it"}, [1], "[\n  1\n]"),
    ],
)
def test_text_or_json_is_the_answer(body, output, text):
    result = read(**body, **IDS)
    assert (result.output, result.text) == (output, text)


@pytest.mark.parametrize(
    "body",
    [{}, {"text": None}, {"text": {}}, {"text": []}, {"json": {}}, {"json": []}, {"json": {}, "text": "beside it"}],
)
def test_an_empty_container_is_no_proof_of_an_answer(body):
    with pytest.raises(ValueError, match=r".*"):
        read(**body, **IDS)


def test_a_run_is_named_by_its_execution_else_by_its_message():
    assert (read(text="hi", **IDS).id, read(text="hi", **IDS, executionId="e-1").id) == ("m-1", "e-1")
    assert (read(text="hi", **IDS).session_id, read(text="hi", chatId="c-1").session_id) == ("s-1", "c-1")


def test_the_error_handlers_body_is_a_failure_also_inside_a_200():
    assert failed(200, "boom").kind is FaultKind.UNKNOWN
    assert read(text="hi", **IDS, success=False).text == "hi"
    assert read(text="hi", **IDS, success=True, statusCode=500).text == "hi"


@pytest.mark.parametrize("name", ["sessionId", "chatMessageId", "executionId"])
def test_an_optional_field_that_cannot_be_read_is_a_warning(name):
    assert read(**{"text": "hi", **IDS, name: {}}).warnings == (f"{name} of the answer is unreadable and left out",)


# tools and sources


def test_tools_and_documents_are_told_at_the_top_in_each_step_and_in_each_node():
    body = {
        **told("top"),
        "agentReasoning": [None, told("step"), {"usedTools": [None], "sourceDocuments": [None]}],
        "agentFlowExecutedData": [None, {}, {"data": {}}, node(**told("node")), node()],
    }
    result = read(text="hi", **IDS, **body)
    assert [tool.name for tool in result.tool_calls] == ["top", "step", "node"]
    assert [source.text for source in result.sources] == ["top", "step", "node"]


def told(name: str) -> dict[str, Any]:
    return {"usedTools": [{"tool": name}], "sourceDocuments": [{"pageContent": name}]}


@pytest.mark.parametrize(
    ("error", "said"),
    [(None, None), ("", None), (False, None), ("boom", "boom"), ({}, "{}"), ({"größe": 1}, '{"größe": 1}')],
)
def test_a_tool_failed_where_the_vendor_gives_an_error(error, said):
    [call] = read(
        text="hi", **IDS, usedTools=[{"tool": "crm", "toolInput": {"a": 1}, "toolOutput": "x", "error": error}]
    ).tool_calls
    assert call == ToolCall("crm", {"a": 1}, "x", said)


def test_a_tool_without_a_name_is_one():
    assert read(text="hi", **IDS, usedTools=[{"toolOutput": "x"}]).tool_calls == (ToolCall("", None, "x"),)


@pytest.mark.parametrize(
    ("metadata", "title", "url"),
    [
        (None, None, None),
        ({}, None, None),
        ({"source": "notes.txt"}, "notes.txt", None),
        ({"source": "http://a.example/b"}, "http://a.example/b", "http://a.example/b"),
        ({"source": "https://a.example/b"}, "https://a.example/b", "https://a.example/b"),
        ({"source": 7}, None, None),
    ],
)
def test_a_document_has_a_url_only_where_its_source_is_one(metadata, title, url):
    result = read(text="hi", **IDS, sourceDocuments=[{"pageContent": "page", "metadata": metadata}])
    assert result.sources == (Source("page", title=title, url=url, metadata=metadata or {}),)


def left_out(name: str) -> str:
    return f"{name} of the answer is unreadable and left out"


@pytest.mark.parametrize(
    ("body", "warnings"),
    [
        ({"usedTools": "none"}, ["usedTools"]),
        ({"usedTools": {}}, ["usedTools"]),
        ({"usedTools": ["crm", None, {"tool": "a"}, 7]}, ["usedTools", "usedTools"]),
        ({"usedTools": [{"tool": {"a": 1}}, {"tool": True}]}, ["tool", "tool"]),
        ({"sourceDocuments": [{"metadata": {}}, {"pageContent": None}, {"pageContent": "b"}]}, ["sourceDocuments"] * 2),
        ({"sourceDocuments": [{"pageContent": "b", "metadata": "notes.txt"}]}, ["metadata"]),
        ({"agentReasoning": ["thought", {"usedTools": 1, "sourceDocuments": "x"}]},
         ["agentReasoning", "usedTools", "sourceDocuments"]),
        ({"agentFlowExecutedData": ["node", {"data": 1}]}, ["agentFlowExecutedData", "data"]),
        ({"agentFlowExecutedData": ""}, ["agentFlowExecutedData"]),
        ({"agentFlowExecutedData": False}, ["agentFlowExecutedData"]),
    ],
)  # fmt: skip
def test_what_cannot_be_read_of_steps_tools_and_documents_is_a_warning_and_the_rest_is_kept(body, warnings):
    result = read(text="hi", **IDS, **body)
    assert result.text == "hi"
    assert sorted(result.warnings) == sorted(map(left_out, warnings))
    assert {call.name for call in result.tool_calls} <= {"a", ""}
    assert {source.text for source in result.sources} <= {"b"}


@pytest.mark.parametrize(("name", "said"), [(7, "7"), (1.5, "1.5"), (True, ""), (None, ""), (["a"], "")])
def test_a_number_may_stand_where_a_tool_has_its_name(name, said):
    [call] = read(text="hi", **IDS, usedTools=[{"tool": name}]).tool_calls
    assert call.name == said


def test_a_number_may_stand_where_a_document_has_its_text():
    assert read(text="hi", **IDS, sourceDocuments=[{"pageContent": 7}]).sources == (Source("7"),)


@pytest.mark.parametrize(
    ("body", "drifted"),
    [
        ({"chat_id": "c-1", "text": "hi"}, "Prediction.chat_id"),
        ({"chatId": "c-1", "usedTools": [{"output": 1}]}, "UsedTool.output"),
        ({"chatId": "c-1", "sourceDocuments": [{"pageContent": "a", "score": 1}]}, "SourceDocument.score"),
        ({"chatId": "c-1", "agentReasoning": [{"mood": 1}]}, "Reasoning.mood"),
    ],
)
def test_what_a_vendor_calls_otherwise_is_seen_though_the_answer_is_refused(body, drifted):
    drifts = Drifts()
    with pytest.raises(ValueError):
        watched_by(drifts, lambda: read(**body))
    assert drifts.seen() == (Drift("field", drifted, 1),)


# usage


def test_usage_is_summed_over_the_nodes_that_report_it():
    nodes = [
        node(
            usageMetadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
            timeMetadata={"delta": 10}, responseMetadata={"model_name": "small"},
        ),
        node(
            usageMetadata={"input_tokens": 10, "output_tokens": 20, "total_tokens": 30},
            timeMetadata={"delta": 5}, responseMetadata={"model_name": "large"},
        ),
        node(responseMetadata={}, timeMetadata={}),
        {},
        {"data": {}},
    ]  # fmt: skip
    usage = read(text="hi", **IDS, agentFlowExecutedData=nodes).usage
    assert usage == Usage(input_tokens=11, output_tokens=22, total_tokens=33, duration_ms=15, model="large")


def test_what_no_node_reports_is_unknown():
    assert read(text="hi", **IDS, agentFlowExecutedData=[node(timeMetadata={"delta": 5})]).usage is None
    usage = read(text="hi", **IDS, agentFlowExecutedData=[counted(input_tokens=0), counted(total_tokens=None)]).usage
    assert usage == Usage(input_tokens=0)


# pauses


def test_a_paused_run_waits_for_what_its_buttons_say():
    result = read(text="\n\nGo? ", **IDS, executionId="e-1", action=PAUSED)
    resume = {"chatId": "c-1", "sessionId": "s-1", "nodeId": "n-1", "executionId": "e-1"}
    assert result.status == "waiting_for_input"
    assert result.interrupt == Interrupt("Go?", ("proceed",), data=PAUSED, resume=resume)


@pytest.mark.parametrize(
    ("types", "choices"),
    [
        (["agentflowv2-approve-button", "agentflowv2-reject-button"], ("proceed", "reject")),
        (["reject-button"], ("reject",)),
        ([], ()),
    ],
)
def test_the_choices_of_a_pause_are_its_buttons(types, choices):
    action = {"elements": [{"type": kind} for kind in types]}
    assert read(text="Go?", **IDS, action=action).interrupt.choices == choices


def test_a_pause_that_cannot_be_read_is_one_all_the_same():
    interrupt = read(text="Go?", chatId="c-1", action="wait").interrupt
    resume = {"chatId": "c-1", "sessionId": "c-1", "nodeId": None, "executionId": None}
    assert interrupt == Interrupt("Go?", (), data="wait", resume=resume)


def test_an_answer_that_waits_for_nothing_has_no_interrupt():
    result = read(text="hi", **IDS, action=None)
    assert (result.status, result.interrupt) == ("completed", None)


V2 = Interrupt("Go?", data={"mapping": {"approve": "Yes"}}, resume={"nodeId": "n-1"})
V1 = Interrupt("Go?", data={"mapping": {"approve": "Yes", "reject": "No", "toolCalls": []}})


@pytest.mark.parametrize(
    ("interrupt", "decision", "feedback", "options"),
    [
        (V2, "proceed", None, {"humanInput": {"type": "proceed", "startNodeId": "n-1"}}),
        (V2, "reject", "no", {"humanInput": {"type": "reject", "startNodeId": "n-1", "feedback": "no"}}),
        (Interrupt("Go?"), "proceed", None, {"humanInput": {"type": "proceed"}}),
        (Interrupt("Go?", data="wait"), "reject", None, {"humanInput": {"type": "reject"}}),
        (V1, "proceed", None, {"question": "Yes", "action": V1.data}),
        (V1, "reject", None, {"question": "No", "action": V1.data}),
    ],
)
def test_a_run_is_resumed_in_the_form_of_its_flow(interrupt, decision, feedback, options):
    assert pauses.resume(interrupt, decision, feedback) == options


@pytest.mark.parametrize(
    ("interrupt", "decision", "feedback", "said"),
    [
        (V2, "yes", None, ("decision", "a run is resumed by 'proceed' or 'reject', not 'yes'")),
        (V1, "proceed", "ok", ("feedback", "an Agentflow V1 takes a yes or a no only. Leave it out")),
        (
            Interrupt("Go?", data={"mapping": {"approve": "Yes", "toolCalls": []}}), "reject", None,
            ("decision", "this run has no label for 'reject'. Continue it in Flowise"),
        ),
    ],
)  # fmt: skip
def test_what_a_run_cannot_be_resumed_with_is_refused(interrupt, decision, feedback, said):
    with pytest.raises(UnsupportedFeatureError) as caught:
        pauses.resume(interrupt, decision, feedback)
    assert caught.value.args == said


@pytest.mark.parametrize(
    ("nodes", "text"),
    [
        ([{"data": {"output": {"content": "first"}}}, {"data": {"output": {"content": "last"}}}], "last"),
        ([{"data": {"output": {"content": {"größe": 1}}}}], '{\n  "größe": 1\n}'),
        ([{"data": {"output": {}}}], " "),
        ([{"data": None}], " "),
        ([], " "),
    ],
)
def test_the_final_text_of_a_stream_is_the_content_of_the_last_node(nodes, text):
    assert answer.final_text(nodes) == text
