"""Runs whose answer was lost, runs begun without waiting: found again, never sent twice."""

from __future__ import annotations

import datetime
import time
import uuid
from typing import Any

import attrs
import pytest
from relay import Relay

from agentbridge import AgentBridgeError, Pending, Timeouts, errors

SLOW = "SLOW2 one two three"
ANSWERS = {
    "agentflow_llm": f"Echo: {SLOW}",
    "chatflow_llmchain": f"Echo: Answer: {SLOW}",
    "agentflow_v1_sequential": f"Echo: {SLOW}",
}
SOON = Timeouts(answer=0.6)
UNKNOWN = "00000000-0000-4000-8000-000000000000"


OLDER = "its execution is older than the call that resumed it"


def gapped(cases: Any, gaps: dict[str, str]) -> list[Any]:
    """The names of all cases; those that the library does not get right yet are marked."""
    return [
        pytest.param(name, marks=pytest.mark.xfail(reason=gaps[name], raises=(AssertionError, AgentBridgeError)))
        if name in gaps
        else name
        for name in cases
    ]


@pytest.fixture
def session():
    return f"s-{uuid.uuid4()}"


@pytest.fixture
def relay(server):
    relay = Relay(server.base_url)
    yield relay
    relay.close()


@pytest.fixture
def lose(connect, relay):
    """Makes a call on a bridge whose network loses something of it; the bridge and the error."""

    def make(what: str, flow: str, *arguments: Any, streamed: bool = False, **fields: Any) -> tuple[Any, Any]:
        live = connect(base_url=relay.url)
        relay.lose = what
        with pytest.raises(errors.TransportError) as caught:
            if streamed:
                live.stream(flow, *arguments, seen=[], **fields)
            else:
                live.invoke(flow, *arguments, **fields)
        relay.lose = "nothing"
        assert caught.value.may_have_run
        return live, caught.value

    return make


# after the client's own timeout


@pytest.mark.parametrize("own", ["no session", "a session"])
@pytest.mark.parametrize("flow", ANSWERS)
def test_a_run_is_found_again_after_a_timeout(live, session, flow, own):
    given = {"session_id": session} if own == "a session" else {}
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        live.invoke(flow, SLOW, timeouts=SOON, **given)
    assert caught.value.pending is not None

    running = live.recover(caught.value)
    assert isinstance(running, Pending)
    result = live.wait(running)

    assert (result.text, result.status) == (ANSWERS[flow], "completed")
    assert (result.provider, result.connection, result.session_id) == (
        "flowise",
        "flowise",
        session if given else running.id,
    )
    assert live.stored(flow, result.session_id) == [SLOW, ANSWERS[flow]]


def test_a_run_is_picked_up_by_another_process(connect, live):
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        live.invoke("agentflow_llm", SLOW, timeouts=SOON)
    kept = caught.value.pending.to_dict()
    assert connect().wait(Pending.from_dict(kept)).text == f"Echo: {SLOW}"


def test_a_run_that_is_over_is_recovered_at_once(live):
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        live.invoke("agentflow_llm", SLOW, timeouts=SOON)
    first = live.wait(caught.value.pending)
    again = live.recover(caught.value)
    assert (again.text, again.id, again.usage) == (first.text, first.id, first.usage)


@pytest.mark.parametrize("own", ["no session", "a session"])
def test_a_run_that_fails_after_the_timeout_raises_its_own_error(live, session, own):
    given = {"session_id": session} if own == "a session" else {}
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        live.invoke("agentflow_llm", "DROP SLOW6 one two", timeouts=SOON, **given)
    assert isinstance(live.recover(caught.value), Pending)
    with pytest.raises(errors.ExecutionError) as failed:
        live.wait(caught.value.pending)
    assert failed.value.message == "Error in LLM node: terminated"
    assert failed.value.may_have_run


def test_a_chatflow_that_fails_after_the_timeout_leaves_no_trace(live):
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        live.invoke("chatflow_llmchain", "DROP SLOW6 one two", timeouts=SOON)
    with pytest.raises(errors.ResponseTimeoutError) as given_up:
        live.wait(caught.value.pending, timeouts=Timeouts(answer=3))
    assert given_up.value.pending == caught.value.pending


@pytest.mark.parametrize("own", ["no session", "a session"])
def test_a_stream_whose_time_was_up_is_found_again(live, session, own):
    given = {"session_id": session} if own == "a session" else {}
    with pytest.raises(errors.DeadlineExceededError) as caught:
        live.stream("agentflow_llm", SLOW, seen=[], timeouts=Timeouts(total=0.6), **given)
    assert isinstance(live.recover(caught.value), Pending)
    assert live.wait(caught.value.pending).text == f"Echo: {SLOW}"


# after a lost connection


@pytest.mark.parametrize("flow", ["agentflow_llm", "chatflow_llmchain"])
def test_a_stream_that_broke_in_the_middle_is_found_again(lose, flow):
    live, error = lose("the rest of the stream", flow, SLOW, streamed=True)
    assert type(error) is errors.StreamInterruptedError
    assert error.partial.text.startswith("Echo: ")
    assert isinstance(live.recover(error), Pending)
    assert live.wait(error.pending).text == ANSWERS[flow]


def case(flow: str, text: str | None = None, **fields: Any) -> tuple[str, str | None, dict[str, Any]]:
    return flow, text, fields


LOST = {
    "agentflow with a function": case("agentflow_object", "hello"),
    "agentflow with a model": case("agentflow_llm", "hello"),
    "agentflow with a structured answer": case("agentflow_llm_structured", "hello"),
    "agentflow with an agent and a tool": case("agentflow_agent_tools", "calc 6*7"),
    "agentflow with two ends": case("agentflow_parallel", "hello"),
    "agentflow with a start only": case("agentflow_startonly", "hello"),
    "agentflow whose function returns nothing": case("agentflow_empty", "hello"),
    "agentflow whose own words are an error": case("agentflow_error_as_text", "hello"),
    "agentflow with a form": case("agentflow_form", inputs={"name": "Ann", "age": 5}),
    "agentflow of the first version": case("agentflow_v1_sequential", "hello"),
    "chatflow with a memory": case("chatflow_conversation", "hello"),
    "chatflow whose model says nothing": case("chatflow_llmchain", "EMPTY"),
    "chatflow with an output parser": case("chatflow_json", "JSONOUT"),
    "chatflow with a moderation that refuses": case("chatflow_moderated", "a forbidden word"),
    "chatflow with an agent and a tool": case("chatflow_toolagent", "calc 6*7"),
    "chatflow with documents": case("chatflow_rag", "hello"),
}
SAME = ("text", "output", "status", "interrupt", "tool_calls", "sources", "warnings")


@pytest.mark.parametrize("own", ["no session", "a session"])
@pytest.mark.parametrize("name", LOST)
def test_the_answer_that_was_lost_is_recovered_whole(lose, session, name, own):
    flow, text, fields = LOST[name]
    given = {"session_id": session} if own == "a session" else {}
    live, error = lose("the answer", flow, *([text] if text else []), **fields, **given)
    recovered = live.recover(error)
    called = live.invoke(flow, *([text] if text else []), **fields)

    assert {field: getattr(recovered, field) for field in SAME} == {field: getattr(called, field) for field in SAME}
    assert (recovered.usage is None) == (called.usage is None)
    assert recovered.usage is None or recovered.usage.total_tokens == called.usage.total_tokens
    assert recovered.session_id == (session if given else error.pending.id)


FAILED = {
    "a function threw": ("agentflow_throw", "hello", "Error: NodeVM Execution Error: Error: boom: deliberate failure"),
    "the model refused the question": ("agentflow_llm", "FAIL400", "Error in LLM node: 400 This model's maximum"),
    "the model refused its key": ("agentflow_llm", "FAIL401", "Error in LLM node: 401 Incorrect API key provided"),
    "a tool threw": ("agentflow_failtool", "usefail", "Error in Agent node: NodeVM Execution Error: Error: tool"),
}


@pytest.mark.parametrize("own", ["no session", "a session"])
@pytest.mark.parametrize("name", FAILED)
def test_the_failure_that_was_lost_is_raised(lose, session, name, own):
    flow, text, message = FAILED[name]
    given = {"session_id": session} if own == "a session" else {}
    live, error = lose("the answer", flow, text, **given)
    with pytest.raises(errors.ExecutionError) as caught:
        live.recover(error)
    assert caught.value.message.startswith(message)
    assert caught.value.may_have_run


def test_a_failed_tool_that_was_lost_is_raised(lose):
    live, error = lose("the answer", "chatflow_failtool", "usefail")
    with pytest.raises(errors.ToolExecutionError) as caught:
        live.recover(error)
    assert "tool exploded" in caught.value.partial.text
    assert live.recover(error, tool_errors="report").tool_calls[0].error is not None


def test_a_failed_output_parser_that_was_lost_is_raised(lose):
    live, error = lose("the answer", "chatflow_json", "hello")
    with pytest.raises(errors.MalformedResponseError):
        live.recover(error)


def test_what_never_arrived_is_not_taken_for_another_run_of_the_session(lose, session):
    live, error = lose("the request", "agentflow_llm", "hello", session_id=session)
    with pytest.raises(errors.ExecutionError):
        live.invoke("agentflow_llm", "FAIL400", session_id=session)
    live.invoke("agentflow_llm", "another", session_id=session)
    assert isinstance(live.recover(error), Pending)


def test_a_failure_before_a_lost_call_is_not_taken_for_its_own(connect, lose, session):
    with pytest.raises(errors.ExecutionError):
        connect().invoke("agentflow_llm", "FAIL400", session_id=session)
    live, error = lose("the request", "agentflow_llm", "hello", session_id=session)
    assert isinstance(live.recover(error), Pending)


# what has nothing to find


def failed(ask) -> AgentBridgeError:
    with pytest.raises(AgentBridgeError) as caught:
        ask()
    return caught.value


def test_nothing_is_looked_for_where_nothing_ran(live, connect):
    refused = failed(lambda: connect(api_key="not-a-key").invoke("agentflow_keyed", "hello"))
    ran = failed(lambda: live.invoke("agentflow_throw", "hello"))
    for error in (refused, ran):
        with pytest.raises(errors.ConfigurationError):
            live.recover(error)


def test_a_flow_that_is_not_there_is_found_out(live):
    error = failed(lambda: live.stream(UNKNOWN, "hello", seen=[], timeouts=SOON))
    with pytest.raises(errors.NotFoundError):
        live.recover(error)


@pytest.mark.parametrize(
    ("whose", "kind"),
    [("nobody's", "AuthenticationError"), ("a wrong", "AuthenticationError"), ("another's", "PermissionDeniedError")],
)
def test_finding_a_run_needs_a_key_that_may_see_executions(connect, server, whose, kind):
    key = {"nobody's": None, "a wrong": "not-a-key", "another's": server.other_api_key}[whose]
    live = connect(api_key=key)
    error = failed(lambda: live.invoke("agentflow_llm", SLOW, timeouts=SOON))
    assert type(error) is errors.ResponseTimeoutError
    assert type(failed(lambda: live.recover(error))) is getattr(errors, kind)


# begun without waiting


@pytest.mark.parametrize("flow", ANSWERS)
def test_a_run_that_is_submitted_is_waited_for_later(live, flow):
    started = time.monotonic()
    pending = live.submit(flow, SLOW)
    assert time.monotonic() - started < 1.5
    assert isinstance(live.poll(pending), Pending)
    assert live.wait(pending).text == ANSWERS[flow]
    assert live.poll(pending).text == ANSWERS[flow]


def test_a_submitted_run_that_fails_raises_its_own_error_later(live):
    pending = live.submit("agentflow_llm", "DROP SLOW6 one two")
    with pytest.raises(errors.ExecutionError) as caught:
        live.wait(pending)
    assert caught.value.message == "Error in LLM node: terminated"


def test_a_flow_that_cannot_stream_is_submitted_and_answers_at_once(live):
    pending = live.submit("chatflow_nostream", "hello")
    assert pending.result.text == "Echo: Answer: hello"
    assert live.wait(pending).text == "Echo: Answer: hello"


def test_a_submitted_run_that_pauses_is_waited_for_and_goes_on(live):
    paused = live.wait(live.submit("agentflow_human", "launch"))
    assert (paused.status, paused.interrupt.choices) == ("waiting_for_input", ("proceed", "reject"))
    assert live.resume(paused, "proceed").text == "approved: "


def test_what_is_refused_at_once_is_not_pending(connect):
    with pytest.raises(errors.AuthenticationError):
        connect(api_key="not-a-key").submit("agentflow_keyed", "hello")


# pauses


PAUSES = {"agentflow_human": ("launch", "approved: "), "agentflow_agent_tools_human": ("calc 6*7", "The tool said: 42")}


@pytest.mark.parametrize("flow", PAUSES)
def test_a_pause_that_was_lost_is_recovered_and_goes_on(lose, flow):
    text, answer = PAUSES[flow]
    live, error = lose("the answer", flow, text)
    paused = live.recover(error)
    assert paused.status == "waiting_for_input"
    assert live.resume(paused, "proceed").text == answer


@pytest.mark.parametrize("flow", PAUSES)
def test_the_answer_to_a_resume_that_was_lost_is_recovered(connect, relay, flow):
    text, answer = PAUSES[flow]
    live = connect(base_url=relay.url)
    paused = live.invoke(flow, text)
    relay.lose = "the answer"
    lost = failed(lambda: live.resume(paused, "proceed"))
    relay.lose = "nothing"
    assert live.recover(lost).text == answer
    assert live.recover(lost).id == paused.id


def test_a_resume_is_found_again_while_it_runs(live):
    paused = live.invoke("agentflow_agent_tools_human", "calc 6*7 SLOW2")
    lost = failed(lambda: live.resume(paused, "proceed", timeouts=SOON))
    assert isinstance(live.recover(lost), Pending)
    assert live.wait(lost.pending).text == "The tool said: 42"


@pytest.mark.parametrize(
    "pause",
    gapped(["at once", "after an hour"], dict.fromkeys(["at once", "after an hour"], OLDER)),
)
def test_a_resume_that_fails_raises_its_own_error_later(live, pause):
    paused = live.invoke("agentflow_agent_tools_human", "calc 6*7 DROP SLOW4")
    lost = failed(lambda: live.resume(paused, "proceed", timeouts=SOON)).pending
    if pause == "after an hour":  # as if the human had taken that long
        began = datetime.datetime.fromisoformat(lost.started_at) + datetime.timedelta(hours=1)
        lost = attrs.evolve(lost, started_at=began.isoformat())
    with pytest.raises(errors.ExecutionError) as caught:
        live.wait(lost, timeouts=Timeouts(answer=5))
    assert caught.value.message == "Error in Agent node: terminated"
