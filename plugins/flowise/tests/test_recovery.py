"""Runs found again: what the real server had stored, played to both bridges (cassettes/flowise/recovery)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

import agentbridge.planning.runs
from agentbridge import (
    Connection,
    HttpRequest,
    HttpResponse,
    Interrupt,
    Invocation,
    Pending,
    Result,
    RetryPolicy,
    UnsupportedFeatureError,
    errors,
)
from agentbridge.testing import MemoryTransport
from agentbridge.wire import NoAnswer
from agentbridge_flowise import Flowise
from agentbridge_flowise.recovery import read

RECORDED = Path(__file__).parents[3] / "cassettes" / "flowise" / "recovery"
JSON = {"content-type": "application/json"}


def recording(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    assert data["provenance"] == "recorded"
    return data


def answer(recorded: dict[str, Any]) -> HttpResponse:
    response = recorded["response"]
    return HttpResponse(response["status"], JSON, json.dumps(response["body"]).encode())


@pytest.fixture
def play(open_bridge):
    """A bridge that hears these answers; its transport."""

    def make(*answers: Any):
        transport = MemoryTransport(answers)
        connections = {"flowise": Connection("flowise", "http://flowise.test", "canary-key-7f3a")}
        bridge = open_bridge(config={}, connections=connections, retry=RetryPolicy(attempts=1))
        bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
        return bridge, transport

    return make


def queried(recorded: dict[str, Any]) -> dict[str, str]:
    """What the recorder asked with."""
    return dict(parse_qsl(urlsplit(recorded["request"]["line"].split()[1]).query))


def asked(stored: dict[str, Any]) -> str:
    """The question of a recorded run: from the call, or from what its execution kept of it."""
    if "prediction" in stored:
        return str(stored["prediction"]["request"]["body"]["question"])
    executions = stored["executions"]["response"]["body"].get("data") or [{"executionData": "[]"}]
    nodes = json.loads(executions[0]["executionData"]) or [{"data": {"input": {"question": "hello"}}}]
    return str(nodes[0]["data"]["input"]["question"])


@pytest.fixture
def recovered(play, monkeypatch):
    """What becomes of a run whose answer was lost, given what the server had stored; it is called as it was recorded."""

    def recover(name: str, *, own_session: bool = True) -> Result | Pending:
        stored = recording(name)
        chat_id, session = queried(stored["chatmessage"])["chatId"], queried(stored["executions"])["sessionId"]
        if not own_session:
            stored = json.loads(json.dumps(stored).replace(session, chat_id))
            session = chat_id
        monkeypatch.setattr(agentbridge.planning.runs, "_fresh_id", lambda: chat_id)
        bridge, _ = play(NoAnswer("timeout"), answer(stored["chatmessage"]), answer(stored["executions"]))
        with pytest.raises(errors.ResponseTimeoutError) as caught:
            bridge.invoke("flowise:flow-1", asked(stored), session_id=None if session == chat_id else session)
        then = attrs.evolve(caught.value.pending, started_at="2026-11-22T04:00:00+00:00")  # before it was recorded
        return bridge.recover(then)

    return recover


# a run that ended well is found as if its answer had arrived

ENDED = [
    "cf_tools", "cf_rag", "cf_conversation", "v1", "af_direct", "af_llm", "af_tools", "af_structured", "af_startonly",
    "af_empty", "af_human", "af_toolhuman",
]  # fmt: skip


@pytest.mark.parametrize("name", ENDED)
def test_a_run_that_ended_is_found_as_if_its_answer_had_arrived(play, recovered, name):
    bridge, _ = play(answer(recording(name)["prediction"]))
    direct = bridge.invoke("flowise:flow-1", "hello")
    found = recovered(name)
    same = ("output", "session_id", "status", "tool_calls", "sources", "usage")
    assert {field: getattr(found, field) for field in same} == {field: getattr(direct, field) for field in same}
    assert found.text.strip() == direct.text.strip()
    assert found.id == direct.id
    assert (found.interrupt and found.interrupt.choices) == (direct.interrupt and direct.interrupt.choices)


def test_the_object_of_an_output_parser_is_found_as_an_object(recovered):
    assert recovered("cf_json").output == {"title": "T", "score": 7}


def test_an_output_parser_that_failed_has_no_answer_here_either(recovered):
    with pytest.raises(errors.MalformedResponseError):
        recovered("cf_json_fail")


def test_a_tool_that_failed_is_raised_here_too(recovered):
    with pytest.raises(errors.ToolExecutionError, match="tool exploded") as caught:
        recovered("cf_failtool")
    assert caught.value.partial.text.startswith("The tool said")


def test_a_streamed_run_is_found_with_what_its_stream_would_have_told(recovered):
    found = recovered("af_llm_stream")
    assert (found.status, found.usage.total_tokens is not None, found.text.startswith("Echo")) == (
        "completed",
        True,
        True,
    )


def test_an_answer_whose_call_failed_afterwards_is_not_lost(recovered):
    """The run ended, its follow-up prompts failed: the call was a 500, no message was stored, the execution has it."""
    assert recovered("af_followup_broken", own_session=False).text.strip()
    assert isinstance(recovered("af_followup_broken"), Pending)  # in a caller's session it might be an earlier run's


STORED = {
    "text": ("hello", "hello"),
    "the whole answer, where its text is empty": ('{"text": "", "question": "EMPTY"}', ""),
    "an answer that is JSON": ('{"text": "hi"}', '{"text": "hi"}'),
    "an answer that only begins like JSON": ("{not json", "{not json"),
    "a fenced answer with its fence closed": ('```json\n{"a": 1}\n```', '```json\n{"a": 1}\n```'),
}


@pytest.mark.parametrize(("content", "output"), STORED.values(), ids=STORED)
def test_what_a_chatflow_stored_is_its_answer_again(content, output):
    message = {"role": "apiMessage", "content": content, "chatId": "c-1"}
    assert read([message], HttpResponse(200, JSON)).output == output


# what still runs, and what failed


@pytest.mark.parametrize(
    "name", ["slow_af_running", "nosession_running", "slow_cf_running", "unknown_chat", "cf_failed"]
)
def test_what_has_not_ended_or_left_no_trace_is_still_pending(recovered, name):
    """A chatflow that failed leaves none: nobody can tell it from one that runs."""
    found = recovered(name)
    assert isinstance(found, Pending)
    assert (found.kind, found.agent) == ("poll", "flow-1")


FAILED = {
    "af_throw": ("Error: NodeVM Execution Error: Error: boom: deliberate failure", "ERROR"),
    "af_llm_fail401": ("Error in LLM node: 401 Incorrect API key provided", "ERROR"),
    "af_failtool": ("tool exploded", "ERROR"),
    "abort_llm_after": ("Error in LLM node: This operation was aborted", "ERROR"),
    "abort_sleep_after": ("Flow execution was cancelled", "TERMINATED"),
}


@pytest.mark.parametrize(("name", "message", "code"), [(name, *row) for name, row in FAILED.items()])
def test_a_run_that_failed_raises_its_own_error(recovered, name, message, code):
    with pytest.raises(errors.ExecutionError) as caught:
        recovered(name)
    assert message in caught.value.message
    assert (caught.value.code, caught.value.may_have_run) == (code, True)


REFUSED = {
    "nokey": errors.AuthenticationError,
    "otherkey": errors.PermissionDeniedError,
    "unknown_flow": errors.NotFoundError,
}


@pytest.mark.parametrize(("name", "error"), REFUSED.items())
def test_a_refusal_is_raised_as_such_and_the_run_stays_known(recovered, name, error):
    with pytest.raises(error) as caught:
        recovered(name)
    assert caught.value.pending.id is not None
    assert caught.value.may_have_run


# a session of the caller's has other runs too


def executions(*states: str, question: str = "hello", created: str = "2026-01-01T00:00:01.000Z") -> dict[str, Any]:
    nodes = [
        {"nodeLabel": "Start", "status": "FINISHED", "data": {"input": {"question": question}}},
        {"nodeLabel": "LLM", "status": "ERROR", "data": {"error": "boom"}},
    ]
    known = {"id": "e", "sessionId": "s-1", "createdDate": created, "executionData": json.dumps(nodes)}
    return {"data": [{**known, "state": state} for state in states], "total": 1}


def shared(*states: str, session: str = "s-1", **stored: str) -> Any:
    mine = Flowise().recover(HttpRequest("POST", "http://f", json={"chatId": "c-1", "question": "hello"}))
    asked = {"startDate": "2026-01-01T00:00:00Z", "sessionId": session}
    request = HttpRequest("GET", f"http://f#{mine.step}", query=asked)
    return read(executions(*states, **stored), HttpResponse(200, JSON, request=request))


def test_a_failure_that_was_asked_something_else_is_another_runs():
    assert isinstance(shared("ERROR", question="another"), Pending)


def test_a_failure_before_the_call_is_another_runs():
    """The second in which it began is asked for one second early."""
    assert isinstance(shared("ERROR", created="2026-01-01T00:00:00.000Z"), Pending)
    assert isinstance(shared("ERROR", created="no time at all"), Pending)


def test_a_failure_of_another_session_is_another_runs():
    assert isinstance(shared("ERROR", session="s-2"), Pending)


def test_a_message_of_another_call_is_not_taken_for_the_answer():
    request = HttpRequest("GET", "http://f", query={"chatId": "c-1"})
    message = {"role": "apiMessage", "content": "somebody else's", "chatId": "c-2"}
    assert isinstance(read([message], HttpResponse(200, JSON, request=request)), Pending)


def test_a_state_that_nobody_knows_is_not_taken_for_an_end():
    request = HttpRequest("GET", "http://f", query={"sessionId": "s-1"})
    assert isinstance(read(executions("QUEUED"), HttpResponse(200, JSON, request=request)), Pending)


def test_a_chat_id_of_the_callers_own_is_refused(play):
    bridge, transport = play(HttpResponse(200, JSON, b"{}"))
    with pytest.raises(errors.UnsupportedFeatureError, match=r"options\['chatId'\].*session_id"):
        bridge.invoke("flowise:flow-1", "hello", options={"flowise": {"chatId": "mine"}})
    assert transport.sent == []


@pytest.mark.parametrize(
    "states", [(), ("INPROGRESS",), ("FINISHED",), ("STOPPED",), ("ERROR", "INPROGRESS"), ("ERROR", "ERROR")]
)
def test_in_a_callers_session_no_other_run_is_taken_for_this_one(states):
    assert isinstance(shared(*states), Pending)


@pytest.mark.parametrize("states", [("ERROR",), ("FINISHED", "ERROR"), ("TERMINATED",)])
def test_in_a_callers_session_the_only_failure_since_the_call_is_its_own(states):
    assert shared(*states).message == "boom"


def test_only_executions_since_the_call_are_asked_for_in_a_callers_session(play):
    bridge, transport = play(
        NoAnswer("timeout"), HttpResponse(200, JSON, b"[]"), HttpResponse(200, JSON, b'{"data": []}')
    )
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        bridge.invoke("flowise:flow-1", "hello", session_id="s-1")
    bridge.recover(caught.value)
    asked = transport.sent[2].request.query
    assert (asked["sessionId"], asked["limit"]) == ("s-1", "5")
    assert asked["startDate"] < caught.value.pending.started_at
    assert "#" in transport.sent[2].request.url  # what it compares by; never sent


def test_a_session_of_its_own_is_asked_for_its_one_execution(play):
    bridge, transport = play(
        NoAnswer("timeout"), HttpResponse(200, JSON, b"[]"), HttpResponse(200, JSON, b'{"data": []}')
    )
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        bridge.invoke("flowise:flow-1", "hello")
    bridge.recover(caught.value)
    chat_id = transport.sent[0].request.json["chatId"]
    assert transport.sent[1].request.query == {"chatId": chat_id, "order": "DESC"}
    assert transport.sent[2].request.query == {
        "agentflowId": "flow-1", "sessionId": chat_id, "page": "1", "limit": "1",
    }  # fmt: skip


@pytest.mark.parametrize("body", [b"{}", b'{"data": 7}', b"7", b'[{"content": "x"}]', b'"x"', b'{"data": [{}]}'])
def test_what_is_neither_messages_nor_executions_is_no_answer(play, body):
    bridge, _ = play(HttpResponse(200, JSON, body))
    with pytest.raises(errors.MalformedResponseError):
        bridge.poll(Pending("poll", "c-1", connection="flowise", agent="flow-1"))


# resuming

V2 = {"elements": [{"type": "agentflowv2-approve-button"}], "mapping": {"approve": "Go", "reject": "Stop"}}
V1 = {
    "elements": [{"type": "approve-button", "label": "Yes"}],
    "mapping": {"approve": "Yes", "reject": "No", "toolCalls": [{"name": "delete"}]},
}


def resumed(data: Any, decision: str, feedback: str | None = None) -> Any:
    return Flowise().resume(Interrupt("?", data=data, resume={"nodeId": "human_0"}), decision, feedback)


def test_an_agentflow_v2_is_resumed_by_human_input():
    assert resumed(V2, "proceed", "go on") == {
        "humanInput": {"type": "proceed", "startNodeId": "human_0", "feedback": "go on"}
    }
    assert resumed(V2, "reject") == {"humanInput": {"type": "reject", "startNodeId": "human_0"}}


@pytest.mark.parametrize(("decision", "label"), [("proceed", "Yes"), ("reject", "No")])
def test_an_agentflow_v1_is_resumed_by_the_label_and_its_action(decision, label):
    assert resumed(V1, decision) == {"question": label, "action": V1}


@pytest.mark.parametrize(
    ("data", "decision", "feedback", "message"),
    [
        (V2, "approve", None, "'proceed' or 'reject', not 'approve'"),
        (V1, "proceed", "go on", "takes a yes or a no only"),
        ({**V1, "mapping": {"toolCalls": []}}, "proceed", None, "no label for 'proceed'"),
    ],
)
def test_a_decision_that_flowise_would_misread_is_refused(data, decision, feedback, message):
    with pytest.raises(UnsupportedFeatureError, match=message):
        resumed(data, decision, feedback)


def test_a_run_is_resumed_in_its_session_under_a_chat_id_of_its_own(play):
    paused = answer(recording("af_human")["prediction"])
    bridge, transport = play(paused, answer(recording("af_direct")["prediction"]))
    first = bridge.invoke(Invocation(target="flowise:flow-1", text="launch"))
    bridge.resume(first, "proceed", feedback="go")
    began, resumed_ = (send.request.json for send in transport.sent)
    assert resumed_["overrideConfig"] == {"sessionId": first.session_id}
    assert resumed_["chatId"] != began["chatId"]
    assert resumed_["humanInput"] == {"type": "proceed", "startNodeId": "humanInputAgentflow_0", "feedback": "go"}
    assert "question" not in resumed_
