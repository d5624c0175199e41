"""A stand-in for Flowise 3.1.4: the bodies are those of recorded exchanges, cut to what a client reads."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from agentbridge.emulator import API_KEY, COMMON, Emulator, common_answer, played, spoken

from . import emulated_stream
from .emulated_operations import Operations
from .emulated_refusals import error, missing_flow, unknown_flow
from .emulated_runs import Run, Runs
from .emulated_stream import CUT

SCENARIOS = {
    "ok": "an Agentflow V2 echoes the question",
    "chatflow": "a chatflow echoes the question",
    "agentflow-v1": "an Agentflow V1 echoes the question",
    "json": "a chatflow with an output parser answers an object",
    "keyed": f"as ok, but only with the key {API_KEY!r}; else HTTP 500 that ends in '- Unauthorized'",
    "paused": "HTTP 200, but the run waits for a human; resume it with humanInput",
    "blank": "HTTP 200 with a blank as answer",
    "error-in-200": "HTTP 200, but the output parser failed: an empty object instead of an answer",
    "tool-error": "HTTP 200 with an answer, but a tool of the run failed",
    "unauthorized": "HTTP 500 that ends in '- Unauthorized': a refused key",
    "execution-failed": "HTTP 500: the model behind the flow failed",
    "not-found": "HTTP 404: no such flow",
    "busy": "HTTP 429 in plain text, with Retry-After",
    "forbidden": "HTTP 403: the flow does not allow this origin",
    CUT: "as ok, but a stream stops in the middle",
    "late": "no answer until the client hangs up, a stream after its first word; but the run goes on and ends well",
    "late-failed": "as late, but the run fails",
    "late-chatflow": "as late, a chatflow",
}

_NOT_STREAMABLE = {"json", "error-in-200"}  # an output parser: answered in plain JSON (T: cf_json_stream)
_WRAPPED = "Error: predictionsServices.buildChatflow - "
_LATE = frozenset({"late", "late-failed", "late-chatflow"})
_CHATFLOWS = frozenset({"chatflow", "agentflow-v1", "json", "tool-error", "late-chatflow"})
_LLM_FAILED = "Error in LLM node: 429 Rate limit reached for requests"


def make() -> Emulator:
    """An emulator of Flowise, with runs of its own."""
    runs = Runs(frozenset(SCENARIOS))

    async def asked(request: Request) -> Response:
        return await predict(request, runs)

    routes = [
        Route("/api/v1/prediction/{flow}", asked, methods=["POST"]),
        *runs.routes,
        *Operations(runs, frozenset(SCENARIOS)).routes,
        Route("/{path:path}", web_app, methods=["GET", "POST", "PUT"]),
    ]
    return Emulator(routes, SCENARIOS)


async def web_app(_: Request) -> Response:
    """Any other path is the page of the user interface, in a 200 (T: path_get, path_noprefix)."""
    return HTMLResponse("<!DOCTYPE html><html><head><title>Flowise - Build AI Agents, Visually</title></head></html>")


async def predict(request: Request, runs: Runs) -> Response:
    """POST /api/v1/prediction/{id}."""
    flow = request.path_params["flow"]
    common = await common_answer(flow, request)
    if common is not None:
        return common
    if flow not in SCENARIOS:
        return unknown_flow(flow)
    try:
        body = json.loads(await request.body())
    except ValueError as problem:
        return error(400, str(problem))  # T: body_malformed
    refused = _problem(body, request)
    return refused or await _answer(flow, body, request, runs)


def _problem(body: Any, request: Request) -> Response | None:
    """What the real server refuses; and what it takes in silence though it is no answer to a question."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json" or not isinstance(body, dict):
        return error(415, "the emulator takes JSON objects; the real server would ask an empty question")
    if body.get("form") is not None and body.get("question"):
        return error(500, _WRAPPED + "Question and form cannot be provided at the same time")  # T: af_form_and_question
    session = (body.get("overrideConfig") or {}).get("sessionId")
    if session is not None and not isinstance(session, str):
        return error(500, _WRAPPED + "Invalid sessionId: must be a string")  # T: override_session_number
    for turn in body.get("history") or []:
        if not isinstance(turn, dict) or turn.get("role") not in {"userMessage", "apiMessage"} or "content" not in turn:
            return error(500, _WRAPPED + "Invalid history format")  # T: af_llm_history_bad
    for upload in body.get("uploads") or []:
        if upload.get("type") not in {"file:full", "url"} and not str(upload.get("data", "")).startswith("data:"):
            return error(500, _WRAPPED + "Cannot read properties of undefined (reading 'split')")  # T: upload_nodatauri
    return None


async def _answer(flow: str, body: dict[str, Any], request: Request, runs: Runs) -> Response:
    streaming = body.get("streaming") in (True, "true")
    flow = played(flow, _heard(body))
    if flow == "busy":
        return Response("Slow down please", 429, {"Retry-After": "1"}, media_type="text/html")  # T: rate_3
    if flow == "not-found" and streaming:
        # the error handler writes nothing and never ends (S: middlewares/errors/index.ts:19; T: id_unknown_stream)
        return await common_answer("slow", request) or Response(status_code=504)
    if flow in _LATE:
        return await _late(flow, body, request, runs)
    whole = _whole_answer(flow, body, request, runs)
    if not streaming or flow in _NOT_STREAMABLE:
        return whole
    answer = json.loads(bytes(whole.body))
    if whole.status_code == 500:
        return emulated_stream.failed(answer["message"])
    return emulated_stream.stream(flow, answer) if whole.status_code == 200 else whole


def _whole_answer(flow: str, body: dict[str, Any], request: Request, runs: Runs) -> Response:
    if flow in _FAILURES:
        return _FAILURES[flow]
    if flow == "keyed" and request.headers.get("authorization", "").rpartition("Bearer ")[2] != API_KEY:
        return _FAILURES["unauthorized"]
    if flow == "not-found":
        return missing_flow(flow)
    if flow == "paused":
        return _pause_or_resume(body, runs)
    return _kept(flow, _BODIES[flow](body), runs)


def _kept(flow: str, answer: dict[str, Any], runs: Runs) -> Response:
    """An answer, which is found again later."""
    runs.keep(Run(flow, answer["chatId"], answer, is_agentflow=flow not in _CHATFLOWS))
    return JSONResponse(answer)


async def _late(flow: str, body: dict[str, Any], request: Request, runs: Runs) -> Response:
    """The run goes on when the client hangs up (T: recover_1_cut to recover_4_messages, disconnect_stream)."""
    answer = (_chatflow if flow in _CHATFLOWS else _agentflow)(body)
    reason = _LLM_FAILED if flow == "late-failed" else None
    runs.keep(Run(flow, answer["chatId"], answer, reason, looks=1, is_agentflow=flow not in _CHATFLOWS))
    if body.get("streaming") in (True, "true"):
        return emulated_stream.stream(flow, answer, silent_after=1)
    return await common_answer("slow", request) or Response(status_code=504)


def _pause_or_resume(body: dict[str, Any], runs: Runs) -> Response:
    """A pause is remembered by its session; only a paused session can be resumed (T: af_human_*)."""
    session = _ids(body)["sessionId"]
    human = body.get("humanInput")
    if human is None:
        runs.paused.add(session)
        return _kept("paused", _pause(body), runs)
    if session not in runs.paused:
        return error(500, _WRAPPED + f"No previous execution found for session {session}")  # T: af_human_unknown_chat
    runs.paused.discard(session)
    verdict = "approved" if human.get("type") == "proceed" else "rejected"  # T: af_human_badtype_2
    return _kept("paused", _agentflow(body, f"{verdict}: {human.get('feedback', '')}"), runs)


def _ids(body: dict[str, Any]) -> dict[str, str]:
    """Which of the two ids stands for the other (T: af_direct_chatid, _session, _chat_and_session)."""
    session = (body.get("overrideConfig") or {}).get("sessionId")
    chat = body.get("chatId") or session or str(uuid.uuid4())
    return {"chatId": chat, "chatMessageId": str(uuid.uuid4()), "sessionId": session or chat}


def _said(body: dict[str, Any]) -> str:
    return spoken(_heard(body))


def _heard(body: dict[str, Any]) -> str:
    """What the flow was asked, so that a test sees what arrived."""
    parts = [str(body.get("question", ""))] if "question" in body else []
    parts += [json.dumps(body["form"], ensure_ascii=False)] if body.get("form") is not None else []
    parts += [f"{turn['role']}: {turn['content']}" for turn in body.get("history") or []]
    parts += [f"{upload.get('type')} {upload.get('name')}" for upload in body.get("uploads") or []]
    return " | ".join(parts)


def _agentflow(body: dict[str, Any], text: str | None = None) -> dict[str, Any]:
    text = _said(body) if text is None else text
    output = {
        "content": text,
        "timeMetadata": {"start": 1795305819189, "end": 1795305819213, "delta": 24},
        "usageMetadata": {"input_tokens": 2, "output_tokens": 2, "total_tokens": 4},
        "responseMetadata": {"model_name": "fake-model"},
    }
    node = {"nodeId": "llmAgentflow_0", "nodeLabel": "LLM", "data": {"output": output}, "status": "FINISHED"}
    return {"text": text, **_ids(body), "executionId": str(uuid.uuid4()), "agentFlowExecutedData": [node]}


def _pause(body: dict[str, Any]) -> dict[str, Any]:
    action = {
        "id": str(uuid.uuid4()),
        "mapping": {"approve": "Proceed", "reject": "Reject"},
        "elements": [
            {"type": "agentflowv2-approve-button", "label": "Proceed"},
            {"type": "agentflowv2-reject-button", "label": "Reject"},
        ],
        "data": {"nodeId": "humanInputAgentflow_0", "nodeLabel": "Human Input", "input": {}},
    }
    return {**_agentflow(body, f"\n\nProceed with: {body.get('question', '')}?"), "action": action}


def _chatflow(body: dict[str, Any]) -> dict[str, Any]:
    return {"text": _said(body), **_ids(body), "isStreamValid": True, "memoryType": "Buffer Memory"}


def _v1(body: dict[str, Any]) -> dict[str, Any]:
    step = {"agentName": "Writer", "messages": [_said(body)], "usedTools": [None], "sourceDocuments": [None]}
    return {"text": _said(body), **_ids(body), "agentReasoning": [step]}


def _tool_error(body: dict[str, Any]) -> dict[str, Any]:
    tool = {"tool": "fail_tool", "toolInput": {"what": "x"}, "toolOutput": "", "error": "Error: tool exploded"}
    return {**_chatflow(body), "text": "The tool said: Error: tool exploded", "usedTools": [tool]}


_BODIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "ok": _agentflow,
    "keyed": _agentflow,
    CUT: _agentflow,
    "chatflow": _chatflow,
    "agentflow-v1": _v1,
    "tool-error": _tool_error,
    "json": lambda body: {"json": {"said": _said(body), "score": 7}, **_ids(body), "isStreamValid": False},
    "error-in-200": lambda body: {"json": {}, **_ids(body), "isStreamValid": False},
    "blank": lambda body: _agentflow(body, " "),
}


_FAILURES = {
    "unauthorized": error(500, _WRAPPED + "Unauthorized"),
    "execution-failed": error(500, _WRAPPED + _LLM_FAILED),
    "forbidden": error(403, "This site is not allowed to access this chatbot"),
}

assert not SCENARIOS.keys() & COMMON.keys()
