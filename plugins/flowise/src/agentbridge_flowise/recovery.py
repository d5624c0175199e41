"""Finds a run again whose answer was lost, by the `chatId` that every call sends anew.

Its messages are asked for first: they are stored when a run has ended well or paused, and name the `chatId`. Where there
are none, the executions tell whether an Agentflow V2 still runs or failed; chatflows and V1 leave no trace before their
end, so one that failed looks like one that runs (T: slow_cf_running, cf_failed).
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from urllib.parse import quote

from agentbridge import Fault, FaultKind, HttpRequest, HttpResponse, Pending, Result, UnsupportedFeatureError
from agentbridge.reading import decode_json

from . import answer, wire

POLL_AFTER = 2.0  # seconds; nothing is documented
_EXECUTIONS = "executions"
_CLOCKS = dt.timedelta(seconds=5)  # how far the server's clock may be behind ours; its times are whole seconds
_MOST = "5"  # executions of one session that are looked at; each is some 50 KB, since it holds its flow


def pending_of(request: HttpRequest) -> Pending | None:
    """The run that a prediction began. One whose `chatId` an option replaced cannot be told from others."""
    body = request.json if isinstance(request.json, dict) else {}
    chat_id, session = body.get("chatId"), (body.get("overrideConfig") or {}).get("sessionId")
    return Pending("poll", chat_id, POLL_AFTER, session_id=session) if isinstance(chat_id, str) and chat_id else None


def poll(pending: Pending, root: str, flow_id: str, auth: dict[str, str]) -> HttpRequest:
    """The request for a run's messages, or for its execution."""
    if pending.id is None:
        raise UnsupportedFeatureError("pending", "it has no id, so there is nothing to ask for. Run the agent anew")
    if pending.step == _EXECUTIONS:
        return HttpRequest("GET", f"{root}{wire.EXECUTIONS_PATH}", auth=auth, query=_query(pending, flow_id))
    query = {"chatId": pending.id, "order": "DESC"}
    return HttpRequest("GET", f"{root}{wire.MESSAGES_PATH}/{quote(flow_id, safe='')}", auth=auth, query=query)


def is_poll(response: HttpResponse) -> bool:
    """Whether this answers a poll, and not a prediction."""
    return response.request is not None and response.request.method == "GET"


def read(body: Any, response: HttpResponse) -> Result | Pending | Fault:
    """What the messages or executions say of a run. Raises ValueError for what is neither."""
    if isinstance(body, list):
        return _from_messages([wire.StoredMessage.parse(item)[0] for item in body])
    asked = response.request.query if response.request is not None else {}
    return _from_executions(wire.StoredExecutions.parse(body)[0].data, exact="startDate" not in asked)


def _query(pending: Pending, flow_id: str) -> dict[str, str]:
    """Executions know their session only. One of our own has one run; a caller's has those since the call began."""
    session = pending.session_id or pending.id or ""
    query = {"agentflowId": flow_id, "sessionId": session, "page": "1", "limit": "1"}
    since = None if session == pending.id else _since(pending.started_at)
    return query if since is None else {**query, "limit": _MOST, "startDate": since}


def _since(started_at: str | None) -> str:
    try:
        started = dt.datetime.fromisoformat(started_at or "")
    except ValueError:
        started = dt.datetime.max.replace(tzinfo=dt.UTC)  # nobody knows: then no execution is taken for this run's
    return (started - _CLOCKS).astimezone(dt.UTC).isoformat().replace("+00:00", "Z")


def _from_messages(messages: list[wire.StoredMessage]) -> Result | Pending | Fault:
    found = next((message for message in messages if message.role == wire.ROLES["assistant"]), None)
    if found is None or found.content is None:
        return Pending("poll", step=_EXECUTIONS, after=0)
    nodes = _nodes(found.execution)
    return _result(
        found.content,
        nodes,
        chatId=found.chatId or "",
        sessionId=found.sessionId,
        chatMessageId=found.id,
        executionId=found.executionId,
        action=found.action,
        # the nodes of Agentflow V2 name their tools and documents themselves
        usedTools=None if nodes else found.usedTools,
        sourceDocuments=None if nodes else found.sourceDocuments,
        agentReasoning=None if nodes else found.agentReasoning,
    )


def _from_executions(executions: list[wire.StoredExecution], *, exact: bool) -> Result | Pending | Fault:
    """The state of a run. In a caller's own session another run may stand there: only what can be no other's counts."""
    states = [execution.state for execution in executions]
    failed = [execution for execution in executions if execution.state in wire.FAILED_STATES]
    if "INPROGRESS" in states or not executions:
        return Pending("poll", after=POLL_AFTER)
    if exact and not failed:
        return _from_nodes(executions[0])
    return _failure(failed[0]) if len(failed) == 1 else Pending("poll", after=POLL_AFTER)


def _from_nodes(execution: wire.StoredExecution) -> Result | Pending | Fault:
    """A run that ended without a message, as where its follow-up prompts could not be made (T: af_followup_broken)."""
    nodes = _nodes(execution)
    if not nodes:
        return Pending("poll", after=POLL_AFTER)
    output = (nodes[-1].get("data") or {}).get("output") or {}
    return _result(
        answer.final_text(nodes),
        nodes,
        chatId=execution.sessionId or "",
        sessionId=execution.sessionId,
        executionId=execution.id,
        action=output.get("humanInputAction") if execution.state == "STOPPED" else None,
    )


def _failure(execution: wire.StoredExecution) -> Fault:
    nodes = [node for node in (wire.ExecutedNode.parse(node)[0] for node in _nodes(execution)) if node]
    error = nodes[-1].data.error if nodes and nodes[-1].data else None
    message = error if isinstance(error, str) and error.strip() else f"the run ended as {execution.state}"
    return Fault(FaultKind.EXECUTION, message, code=execution.state, may_have_run=True)


def _result(content: str, nodes: list[Any], **known: Any) -> Result | Fault:
    said = {"text": content} if nodes else _stored(content)
    prediction, warnings = wire.Prediction.parse({**said, "agentFlowExecutedData": nodes, **known})
    return answer.result(prediction, warnings)


def _stored(content: str) -> dict[str, Any]:
    """What a chatflow stored: its text; the object of an output parser behind a fence that is never closed (T: cf_json);
    or its whole answer as JSON, where it has neither (T: cf_llmchain, asked for nothing).
    """
    try:
        value = decode_json(content.removeprefix(wire.STORED_JSON))
    except ValueError:
        return {"text": content}
    if content.startswith(wire.STORED_JSON):
        return {"json": value}
    return {"text": ""} if isinstance(value, dict) and value.get("text") == "" else {"text": content}


def _nodes(execution: wire.StoredExecution | None) -> list[Any]:
    """The executed nodes, which are stored as JSON text."""
    try:
        nodes = json.loads(execution.executionData or "[]") if execution else []
    except ValueError:
        return []
    return [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
