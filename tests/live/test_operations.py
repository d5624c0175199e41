"""Flowise's other endpoints against the real server: each of them at least once, in both worlds."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest

from agentbridge import File, errors
from agentbridge_flowise import operations as op
from agentbridge_flowise.operations import OPERATIONS

SLOW = "SLOW4 one two three four"
UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def flow(server):
    return server.flows


@pytest.fixture
def call(live):
    """Calls an operation, and notes which."""

    def call(operation: Any) -> Any:
        return live.call(operation)

    return call


def test_the_server_says_that_it_is_there_and_which_it_is(call, server):
    assert call(op.Ping()) == "pong"
    assert call(op.GetVersion()) == server.version
    assert call(op.VerifyKey()) == "OK"


def test_flows_are_listed_and_read(call, flow):
    agent_id = flow["agentflow_llm"]
    assert agent_id in {each.id for each in call(op.ListFlows(type="AGENTFLOW")).flows}
    assert call(op.ListFlows(page=1, limit=2)).total >= 2
    assert call(op.GetFlow(agent_id)).id == agent_id
    assert flow["agentflow_keyed"] in {each.id for each in call(op.ListKeyFlows()).flows}


@pytest.mark.parametrize(("name", "streams"), [("agentflow_llm", True), ("chatflow_nostream", False)])
def test_it_is_known_which_flows_stream(call, flow, name, streams):
    assert call(op.CanStream(flow[name])) is streams


def test_it_is_known_what_uploads_a_flow_takes(call, flow):
    assert call(op.GetUploadRules(flow["agentflow_llm_images"])) is not None


def test_messages_and_executions_are_those_of_a_run(call, live, flow):
    result = live.invoke("agentflow_llm", "hello")
    agent_id = flow["agentflow_llm"]
    messages = call(op.ListMessages(agent_id, session_id=result.session_id)).messages
    assert {message.role for message in messages} == {"user", "assistant"}
    (execution,) = call(op.ListExecutions(agent_id=agent_id, session_id=result.session_id)).executions
    assert (execution.id, execution.state) == (result.id, "FINISHED")
    assert call(op.GetExecution(result.id)).id == result.id


def test_a_run_is_aborted_by_its_pending(call, live):
    pending = live.submit("agentflow_llm", SLOW)
    assert call(op.Abort(pending)) is None
    with pytest.raises(errors.ExecutionError, match="aborted|cancelled"):
        live.wait(pending)


def test_an_answer_is_rated_and_the_rating_is_found_and_changed(call, live, flow):
    result = live.invoke("chatflow_conversation", "hello")
    given = call(op.GiveFeedback(result, "THUMBS_UP", comment="well done"))
    call(op.UpdateFeedback(given.id, "THUMBS_DOWN", comment="not so well"))
    found = call(op.ListFeedback(flow["chatflow_conversation"], chat_id=result.raw["chatId"])).feedback
    assert [(each.rating, each.comment) for each in found] == [("THUMBS_DOWN", "not so well")]


def test_a_lead_is_stored(call, flow):
    lead = call(op.CreateLead(flow["chatflow_conversation"], contact_name="Ann", email="ann@example.com"))
    assert lead.id


def test_a_file_is_attached_before_a_call(call, flow):
    attached = call(op.AttachFiles(flow["agentflow_llm"], str(uuid.uuid4()), [File("note.txt", b"plum")]))
    assert "plum" in str(attached.attachments[0])


def test_documents_are_upserted(call, flow):
    assert call(op.UpsertDocuments(flow["chatflow_rag"])) is not None


@pytest.mark.parametrize("operation", [op.GetFlow(UNKNOWN), op.GetExecution(UNKNOWN), op.CanStream(UNKNOWN)], ids=repr)
def test_what_is_not_there_is_an_error(call, operation):
    with pytest.raises(errors.ProviderError):
        call(operation)


def test_without_a_key_what_needs_one_is_refused(connect, flow):
    with pytest.raises(errors.AuthenticationError):
        connect(api_key=None).call(op.ListFlows())


def test_every_operation_is_called_here(live):
    called = {name for name in vars(op) if name in Path(__file__).read_text()}
    assert {operation.__name__ for operation in OPERATIONS} <= called
