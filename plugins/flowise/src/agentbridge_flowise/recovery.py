"""Finds a run again whose answer was lost, by the `chatId` that every call sends anew.

Its messages are asked for first: they are stored when a run has ended well or paused, and name the `chatId`. Where there
are none, the executions tell whether an Agentflow V2 still runs or failed; chatflows and V1 leave no trace before their
end, so one that failed looks like one that runs (T: slow_cf_running, cf_failed).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any
from urllib.parse import quote

from agentbridge import Fault, FaultKind, HttpRequest, HttpResponse, Pending, Result, UnsupportedFeatureError
from agentbridge.reading import decode_json

from . import answer, wire, wire_nodes, wire_stored

POLL_AFTER = 2.0  # seconds; nothing is documented
_EXECUTIONS = "executions"
_FOR = " of "
_EARLY = dt.timedelta(seconds=1)  # sqlite compares "12:00:10" with "12:00:10.000" as texts: the first is less
_MOST = "5"  # executions of one session that are looked at; each is some 50 KB, since it holds its flow


def pending_of(request: HttpRequest) -> Pending | None:
    """The run that a prediction began."""
    body = request.json if isinstance(request.json, dict) else {}
    chat_id, session = body.get("chatId"), (body.get("overrideConfig") or {}).get("sessionId")
    if not isinstance(chat_id, str) or not chat_id:
        return None
    return Pending("poll", chat_id, POLL_AFTER, session_id=session, step=_asked(body.get("question")))


def _asked(question: Any) -> str | None:
    """A mark of what a run was asked, so that it can be told from others of its session; the words are not kept."""
    if not isinstance(question, str):
        return None
    return hashlib.sha256(question.encode("utf-8", "replace")).hexdigest()[:16]


def poll(pending: Pending, root: str, flow_id: str, auth: dict[str, str]) -> HttpRequest:
    """The request for a run's messages, or for its execution."""
    if pending.id is None:
        raise UnsupportedFeatureError("pending", "it has no id, so there is nothing to ask for. Run the agent anew")
    where, _, asked = (pending.step or "").rpartition(_FOR)
    if where == _EXECUTIONS:
        url = f"{root}{wire_stored.EXECUTIONS_PATH}#{asked}"  # a fragment is never sent: `read` compares by it
        return HttpRequest("GET", url, auth=auth, query=_query(pending, flow_id))
    url = f"{root}{wire_stored.MESSAGES_PATH}/{quote(flow_id, safe='')}#{asked}"
    return HttpRequest("GET", url, auth=auth, query={"chatId": pending.id, "order": "DESC"})


def read(body: Any, response: HttpResponse) -> Result | Pending | Fault:
    """What the messages or executions say of a run. Raises ValueError for what is neither."""
    request = response.request or HttpRequest("GET", "")
    query, asked = request.query, request.url.partition("#")[2]
    if isinstance(body, list):
        messages = [wire_stored.StoredMessage.parse(item)[0] for item in body]
        chat_id = query.get("chatId")
        return _from_messages([each for each in messages if chat_id is None or each.chatId in {None, chat_id}], asked)
    executions, session = wire_stored.StoredExecutions.parse(body)[0].data, query.get("sessionId")
    ours = [each for each in executions if session is None or each.sessionId in {None, session}]
    ours = [each for each in ours if _is_since(each.createdDate, query.get("startDate"))]
    return _from_executions(ours, asked, exact="startDate" not in query)


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
        started = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)  # nobody knows: then no execution is taken for this run's
    return _written(started.astimezone(dt.UTC).replace(microsecond=0) - _EARLY)


def _is_since(created: str | None, start: str | None) -> bool:
    """Whether an execution is as young as the call: the server's times are whole seconds, and so compared."""
    try:
        return start is None or _read(created) >= _read(start) + _EARLY
    except ValueError:
        return False


def _read(time: str | None) -> dt.datetime:
    return dt.datetime.fromisoformat(time or "")


def _written(time: dt.datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _from_messages(messages: list[wire_stored.StoredMessage], asked: str) -> Result | Pending | Fault:
    found = next((message for message in messages if message.role == wire.ROLES["assistant"]), None)
    if found is None or found.content is None:
        return Pending("poll", step=f"{_EXECUTIONS}{_FOR}{asked}", after=0)
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


def _from_executions(
    executions: list[wire_stored.StoredExecution], asked: str, *, exact: bool
) -> Result | Pending | Fault:
    """The state of a run. In a caller's own session other runs stand there too: only a failure counts that was asked the
    same and is the only one since the call, with none that runs.
    """
    unknown = Pending("poll", after=POLL_AFTER, step=asked or None)
    failed = [execution for execution in executions if execution.state in wire_nodes.FAILED_STATES]
    if exact:
        found = executions[0] if executions else None
        if found is not None and found.state in wire_nodes.ENDED_STATES:
            return _from_nodes(found)
        return _failure(failed[0]) if failed else unknown
    if len(failed) != 1 or any(execution.state == "INPROGRESS" for execution in executions):
        return unknown
    return _failure(failed[0]) if asked and _question(failed[0]) == asked else unknown


def _from_nodes(execution: wire_stored.StoredExecution) -> Result | Pending | Fault:
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


def _question(execution: wire_stored.StoredExecution) -> str | None:
    """The mark of what an execution was asked, by its first node; a form keeps its fields there, not what was filled in."""
    try:
        return _asked(_nodes(execution)[0]["data"]["input"]["question"])
    except (IndexError, KeyError, TypeError):
        return None


def _failure(execution: wire_stored.StoredExecution) -> Fault:
    nodes = [node for node in (wire_nodes.ExecutedNode.parse(node)[0] for node in _nodes(execution)) if node]
    error = nodes[-1].data.error if nodes and nodes[-1].data else None
    message = error if isinstance(error, str) and error.strip() else f"the run ended as {execution.state}"
    return Fault(FaultKind.EXECUTION, message, code=execution.state, may_have_run=True)


def _result(content: str, nodes: list[Any], **known: Any) -> Result | Fault:
    said = {"text": content} if nodes else _stored(content)
    return answer.result({**said, "agentFlowExecutedData": nodes, **known})


def _stored(content: str) -> dict[str, Any]:
    """What a chatflow stored: its text; the object of an output parser behind a fence that is never closed (T: cf_json);
    or its whole answer as JSON, where it has neither (T: cf_llmchain, asked for nothing).
    """
    try:
        value = decode_json(content.removeprefix(wire_stored.STORED_JSON))
    except ValueError:
        return {"text": content}
    if content.startswith(wire_stored.STORED_JSON):
        return {"json": value}
    return {"text": ""} if isinstance(value, dict) and value.get("text") == "" else {"text": content}


def _nodes(execution: wire_stored.StoredExecution | None) -> list[Any]:
    """The executed nodes, which are stored as JSON text."""
    try:
        nodes = json.loads(execution.executionData or "[]") if execution else []
    except ValueError:
        return []
    return [node for node in nodes if isinstance(node, dict)] if isinstance(nodes, list) else []
