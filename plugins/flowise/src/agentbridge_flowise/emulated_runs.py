"""What the emulator keeps of its runs, as the real server does: messages of those that ended, executions of all.

The bodies are those of recorded ones (T: recover_*, af_human, slow_af_running), cut to what a client reads.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

import attrs
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from agentbridge.emulator import API_KEY

from . import wire

_KEPT = 1000
_NO_SUCH_FLOW = "Error: chatMessagesService.getAllChatMessages - Unauthorized access"  # T: unknown_flow


@attrs.define
class Run:
    """One run: its answer or its error, which it has after so many more looks at its execution."""

    flow: str
    chat_id: str
    answer: dict[str, Any]
    error: str | None = None
    looks: int = 0
    is_agentflow: bool = True
    execution_id: str = attrs.field(factory=lambda: str(uuid.uuid4()))

    @property
    def state(self) -> str:
        """As the execution names it (T: recover_2_running, recover_6_failed_state, af_human)."""
        if self.looks > 0:
            return "INPROGRESS"
        if self.error is not None:
            return "ERROR"
        return "STOPPED" if "action" in self.answer else "FINISHED"

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

    @property
    def routes(self) -> list[BaseRoute]:
        """The two paths, which both need a key."""
        return [
            Route(wire.MESSAGES_PATH + "/{flow}", self.messages, methods=["GET"]),
            Route(wire.EXECUTIONS_PATH, self.executions, methods=["GET"]),
        ]

    def keep(self, run: Run) -> None:
        """Remember a run by its `chatId`."""
        self._runs[run.chat_id] = run
        while len(self._runs) > _KEPT:
            del self._runs[next(iter(self._runs))]

    async def messages(self, request: Request) -> Response:
        """GET /api/v1/chatmessage/{flow}?chatId=, newest first; nothing of a run before its end."""
        refused = _refused_key(request)
        if refused is not None:
            return refused
        if request.path_params["flow"] not in self._flows:
            return JSONResponse({"statusCode": 500, "success": False, "message": _NO_SUCH_FLOW, "stack": {}}, 500)
        run = self._runs.get(request.query_params.get("chatId", ""))
        if run is not None and not run.is_agentflow and run.looks > 0:
            run.looks -= 1
            return JSONResponse([])
        return JSONResponse(_messages(run) if run is not None and run.has_ended else [])

    async def executions(self, request: Request) -> Response:
        """GET /api/v1/executions?agentflowId=&sessionId=, last updated first; of Agentflow V2 only."""
        refused = _refused_key(request)
        if refused is not None:
            return refused
        flow, session = (request.query_params.get(name, "") for name in ("agentflowId", "sessionId"))
        found = [run for run in self._runs.values() if run.flow == flow and run.answer["sessionId"] == session]
        found = [run for run in reversed(found) if run.is_agentflow]
        shown = [_execution(run) for run in found[: int(request.query_params.get("limit", "10"))]]
        for run in found:
            run.looks = max(0, run.looks - 1)
        return JSONResponse({"data": shown, "total": len(found)})


def _refused_key(request: Request) -> Response | None:
    given = request.headers.get("authorization", "").rpartition("Bearer ")[2]
    return None if given == API_KEY else JSONResponse({"error": "Unauthorized Access"}, 401)  # T: nokey, badkey


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
    return [{**said, **common}, {**asked, **common}]


def _stored(answer: dict[str, Any]) -> str:
    """The text; an object of an output parser behind a fence that is never closed (T: cf_json)."""
    return wire.STORED_JSON + json.dumps(answer["json"], indent=2) if "json" in answer else str(answer["text"])
