"""What the emulator keeps of its runs, as the real server does: messages of those that ended, executions of all.

The bodies are those of recorded ones (T: recover_*, af_human, slow_af_running), cut to what a client reads.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agentbridge.emulator import common_answer

from . import wire_records, wire_stored
from .emulated_refusals import error, forbidden, refused_key

_KEPT = 1000
_STATES = frozenset(
    {"INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED"}
)  # S: controllers/executions
_NO_SUCH_FLOW = "Error: chatMessagesService.getAllChatMessages - Unauthorized access"  # T: unknown_flow


def _execution_id(run: Run) -> str:
    """The one that the answer names; a run without an answer has one all the same."""
    return run.answer.get("executionId") or str(uuid.uuid4())


@attrs.define
class Run:
    """One run: its answer or its error, which it has after so many more looks at its execution."""

    flow: str
    chat_id: str
    answer: dict[str, Any]
    error: str | None = None
    looks: int = 0
    is_agentflow: bool = True
    execution_id: str = attrs.field(default=attrs.Factory(_execution_id, takes_self=True))

    @property
    def state(self) -> str:
        """As the execution names it (T: recover_2_running, recover_6_failed_state, af_human)."""
        if self.looks > 0:
            return "INPROGRESS"
        if self.error is not None:
            return "ERROR"
        return "STOPPED" if "action" in self.answer else "FINISHED"

    def is_meant(self, asked: Mapping[str, str]) -> bool:
        """Whether a query is about this run."""
        ours = {"chatId": self.chat_id, "sessionId": self.answer["sessionId"]}
        return all(asked.get(name, own) == own for name, own in ours.items())

    @property
    def has_ended(self) -> bool:
        """Whether its messages are stored; those of a failed one never are (T: recover_7_failed_messages)."""
        return self.state in {"FINISHED", "STOPPED"}


class Runs:
    """The runs of one emulator, and the paths that show them."""

    def __init__(self, flows: frozenset[str]) -> None:
        self._flows = flows
        self._runs: dict[str, Run] = {}
        self.paused: set[str] = set()
        self.ratings: dict[str, dict[str, Any]] = {}

    @property
    def routes(self) -> list[BaseRoute]:
        """Their paths, which all need a key."""
        return [
            Route(wire_stored.MESSAGES_PATH + "/{flow}", self.messages, methods=["GET"]),
            Route(wire_stored.EXECUTIONS_PATH, self.executions, methods=["GET"]),
            Route(wire_stored.EXECUTIONS_PATH + "/{id}", self.execution, methods=["GET"]),
        ]

    def keep(self, run: Run) -> None:
        """Remember a run by its `chatId`."""
        self._runs[run.chat_id] = run
        while len(self._runs) > _KEPT:
            del self._runs[next(iter(self._runs))]

    def of(self, flow: str) -> list[Run]:
        """The runs of a flow, oldest first."""
        return [run for run in self._runs.values() if run.flow == flow]

    def find(self, chat_id: str) -> Run | None:
        """The run of a chat."""
        return self._runs.get(chat_id)

    def of_message(self, message_id: str) -> Run | None:
        """The run that this message answered."""
        return next((run for run in self._runs.values() if run.answer.get("chatMessageId") == message_id), None)

    async def messages(self, request: Request) -> Response:
        """GET /api/v1/chatmessage/{flow}?chatId=&sessionId=&order=, oldest first; nothing of a run before its end."""
        refused = refused_key(request) or await common_answer(request.path_params["flow"], request)
        if refused is not None:
            return refused
        if request.path_params["flow"] not in self._flows - {"not-found"}:
            return error(500, _NO_SUCH_FLOW)
        asked = request.query_params
        found = [run for run in self.of(request.path_params["flow"]) if run.is_meant(asked)]
        shown = [message for run in found if run.has_ended for message in _messages(run)]
        for run in found:
            run.looks = run.looks if run.is_agentflow else max(0, run.looks - 1)
        shown = [message for message in shown if asked.get("messageId") in (None, message["id"])]
        shown = [_rated(message, self.ratings) for message in shown] if "feedback" in asked else shown
        return JSONResponse(shown[::-1] if asked.get("order") == wire_records.NEWEST_FIRST else shown)

    async def executions(self, request: Request) -> Response:
        """GET /api/v1/executions, last updated first; of Agentflow V2 only. A state that is none is ignored (R)."""
        asked = request.query_params
        flow, state = asked.get("agentflowId"), asked.get("state")
        refused = refused_key(request) or (forbidden() if flow == "forbidden" else None)
        refused = refused or await common_answer(flow or "", request)
        if refused is not None:
            return refused
        found = [run for run in reversed(self._runs.values()) if run.is_agentflow and flow in (None, run.flow)]
        found = [run for run in found if asked.get("sessionId") in (None, run.answer["sessionId"])]
        found = [run for run in found if state not in _STATES or run.state == state]
        page, limit = (int(asked.get(name, default)) for name, default in (("page", "1"), ("limit", "12")))
        shown = [_execution(run) for run in found[(page - 1) * limit : page * limit]]
        for run in found:
            run.looks = max(0, run.looks - 1)
        return JSONResponse({"data": shown, "total": len(found)})

    async def execution(self, request: Request) -> Response:
        """GET /api/v1/executions/{id} (T: ep_execution; R: execution-unknown)."""
        asked = request.path_params["id"]
        refused = refused_key(request) or await common_answer(asked, request)
        if refused is not None:
            return refused
        found = next((run for run in self._runs.values() if run.execution_id == asked and run.is_agentflow), None)
        if found is None:
            return error(500, f"Error: executionsService.getExecutionById - Execution {asked} not found")
        return JSONResponse(_execution(found))


def _execution(run: Run) -> dict[str, Any]:
    nodes = run.answer.get("agentFlowExecutedData", [])
    if run.error is not None:
        node = {"nodeId": "llmAgentflow_0", "nodeLabel": "LLM", "data": {"error": run.error}, "status": "ERROR"}
        nodes = [node]
    return {
        "id": run.execution_id,
        "executionData": "[]" if run.looks > 0 else json.dumps(nodes),
        "state": run.state,
        "agentflowId": run.flow,
        "sessionId": run.answer["sessionId"],
        "action": None,
    }


def _messages(run: Run) -> list[dict[str, Any]]:
    execution = _execution(run) if run.is_agentflow else None
    common = {
        "chatflowid": run.flow,
        "chatId": run.chat_id,
        "sessionId": run.answer["sessionId"],
        "executionId": run.execution_id if execution else None,
        "execution": execution,
    }
    told = {name: run.answer.get(name) for name in ("usedTools", "sourceDocuments", "agentReasoning", "action")}
    said = {"id": run.answer["chatMessageId"], "role": "apiMessage", "content": _stored(run.answer), **told}
    asked = {"id": str(uuid.uuid4()), "role": "userMessage", "content": ""}
    return [{**asked, **common}, {**said, **common}]


def _rated(message: dict[str, Any], ratings: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A message with its first rating, or null (R: messages-rated)."""
    of_it = (rating for rating in ratings.values() if rating["messageId"] == message["id"])
    return {**message, "feedback": next(of_it, None)}


def _stored(answer: dict[str, Any]) -> str:
    """The text; an object of an output parser behind a fence that is never closed (T: cf_json)."""
    return wire_stored.STORED_JSON + json.dumps(answer["json"], indent=2) if "json" in answer else str(answer["text"])
