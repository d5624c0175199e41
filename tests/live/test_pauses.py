"""Runs that pause for a human, and go on."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from agentbridge import errors, events

WRAPPED = "Error: predictionsServices.buildChatflow - "
CALCULATED = [("calculator", {"input": "6*7"}, "42", None)]


def human(decision: str, **more: Any) -> dict[str, Any]:
    """The options that resume a run by hand."""
    return {"flowise": {"humanInput": {"type": decision, **more}}}


@pytest.mark.parametrize("streamed", [False, True], ids=["called", "streamed"])
def test_a_run_pauses_for_a_human(live, streamed):
    seen: list[Any] = []
    more = {"seen": seen} if streamed else {}
    result = (live.stream if streamed else live.invoke)("agentflow_human", "launch", **more)
    assert (result.status, result.text) == ("waiting_for_input", "\n\nProceed with: launch?")
    assert (result.interrupt.question, result.interrupt.choices) == ("Proceed with: launch?", ("proceed", "reject"))
    assert result.interrupt.resume["nodeId"] == "humanInputAgentflow_0"
    assert not streamed or any(isinstance(event, events.VendorEvent) and event.name == "action" for event in seen)


@pytest.mark.parametrize("decision", ["proceed", "reject"])
def test_a_run_goes_on_by_options(live, decision):
    paused = live.invoke("agentflow_human", "launch")
    options = human(decision, startNodeId=paused.interrupt.resume["nodeId"], feedback="go")
    result = live.invoke("agentflow_human", session_id=paused.session_id, options=options)
    assert (result.status, result.text) == ("completed", f"{'approved' if decision == 'proceed' else 'rejected'}: ")
    assert result.id == paused.id


def test_a_run_that_was_resumed_cannot_be_resumed_again(live):
    paused = live.invoke("agentflow_human", "launch")
    live.invoke("agentflow_human", session_id=paused.session_id, options=human("proceed"))
    with pytest.raises(errors.ExecutionError) as caught:
        live.invoke("agentflow_human", session_id=paused.session_id, options=human("proceed"))
    expected = f"Cannot resume execution {paused.id} because it is in 'FINISHED' state"
    assert caught.value.message.startswith(WRAPPED + expected)


def test_a_session_that_never_paused_cannot_be_resumed(live):
    session = str(uuid.uuid4())
    with pytest.raises(errors.ExecutionError) as caught:
        live.invoke("agentflow_human", session_id=session, options=human("proceed"))
    assert caught.value.message == f"{WRAPPED}No previous execution found for session {session}"


def test_an_agent_asks_before_it_uses_a_tool(live):
    paused = live.invoke("agentflow_agent_tools_human", "calc 6*7")
    assert (paused.status, paused.interrupt.choices) == ("waiting_for_input", ("proceed", "reject"))
    assert '"name": "calculator"' in paused.interrupt.question
    options = human("proceed", startNodeId=paused.interrupt.resume["nodeId"])
    result = live.invoke("agentflow_agent_tools_human", session_id=paused.session_id, options=options)
    assert (result.status, result.text, result.id) == ("completed", "The tool said: 42", paused.id)
    assert [(call.name, call.arguments, call.result, call.error) for call in result.tool_calls] == CALCULATED
