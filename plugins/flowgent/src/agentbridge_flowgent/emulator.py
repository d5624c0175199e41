"""A stand-in for FlowGent: the bodies are those of its API reference (S003) and of the older one (FG-old)."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from agentbridge.emulator import API_KEY, COMMON, Emulator, common_answer, played, spoken
from agentbridge.emulator.calling_back import call_back

SCENARIOS = {
    "ok": "the agent echoes the messages (the newer form: content is a text)",
    "parts": "as ok, in the older form: content parts, a tool call and its result",
    "body-as-string": "as ok, with the inner body as JSON text (an inference)",
    "blank": "HTTP 200, inner 200, with a blank as answer",
    "no-answer": "HTTP 200, inner 200, but a history without a turn of the assistant",
    "tool-error": "HTTP 200, inner 200 and an answer, but a tool of the run failed (its form is an inference)",
    "error-in-200": "HTTP 200 with inner status 402: no credits",
    "busy": "HTTP 200 with inner status 503: the provider behind is busy",
    "server-error-in-200": "HTTP 200 with inner status 500, and no message",
    "no-credits-402": "HTTP 402 with inner status 402",
    "busy-503": "HTTP 503 with inner status 503",
    "unauthorized": "HTTP 401: a refused key (documented for usage)",
    "forbidden": "HTTP 403: an agent of another organisation (documented for usage)",
    "not-found": "HTTP 404: no such agent (an inference: the documents do not say)",
}

_FIELDS: dict[str, Any] = {"messages": (str, dict, list), "thread_id": str, "callback_url": str}


def make() -> Emulator:
    """An emulator of FlowGent."""
    from .emulated_operations import ROUTES  # which are made of what is here

    routes = [
        Route("/api/public/agent/{agent}/chat", chat, methods=["POST"]),
        *ROUTES,
        Route("/{path:path}", web_site, methods=["GET", "POST"]),
    ]
    return Emulator(routes, SCENARIOS)


async def web_site(_: Request) -> Response:
    """Any other path is a page of the web site, which serves the API as well (INF)."""
    return HTMLResponse("<!DOCTYPE html><html><head><title>FlowGent</title></head><body>Not found</body></html>", 404)


async def chat(request: Request) -> Response:
    """POST /api/public/agent/:agent_id/chat (S003)."""
    agent = request.path_params["agent"]
    refused = await refusal(agent, request)
    if refused is not None:
        return refused
    try:
        body = json.loads(await request.body())
    except ValueError:
        return flat(400, "Invalid request", "The request body is not JSON")
    problem = _problem(body, request)
    return flat(400, "Invalid request", problem) if problem else _answer(agent, body)


async def refusal(agent: str, request: Request) -> Response | None:
    """What any endpoint of an agent answers for its id or for the key, None where they are in order."""
    common = await common_answer(agent, request)
    if common is not None:
        return common
    refused = refused_key(request)
    if refused is not None:
        return refused
    return None if agent in SCENARIOS and agent not in _REFUSALS else _REFUSALS.get(agent, _REFUSALS["not-found"])


def refused_key(request: Request) -> Response | None:
    """What any endpoint answers for a key that it does not take (S003: usage)."""
    if not request.headers.get("authorization"):
        return flat(401, "API key is required", "Please provide an API key in the Authorization header")
    return None if request.headers["authorization"] == API_KEY else _REFUSALS["unauthorized"]


def _problem(body: Any, request: Request) -> str | None:
    """What is not as documented. How the real server refuses it is undocumented."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        return "Content-Type must be application/json"
    if not isinstance(body, dict) or "messages" not in body:
        return "messages is required"
    for name, value in body.items():
        if name not in _FIELDS or not isinstance(value, _FIELDS[name]):
            return f"{name} is unknown or of the wrong type"
    turns = _turns(body["messages"])
    return None if turns and all(map(_is_turn, turns)) else "messages must be a text, a message or a list of messages"


def _is_turn(turn: Any) -> bool:
    known = isinstance(turn, dict) and turn.keys() == {"role", "content"}
    return known and turn["role"] in {"user", "assistant"} and isinstance(turn["content"], str)


def _turns(messages: Any) -> list[dict[str, Any]]:
    """The three documented forms of `messages` as one."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    return messages if isinstance(messages, list) else [messages]


def _answer(agent: str, body: dict[str, Any]) -> Response:
    agent = played(agent, _heard(body))
    answer = FAILURES[agent] if agent in FAILURES else JSONResponse(_BODIES[agent](body))
    if "callback_url" not in body:
        return answer
    # what a callback looks like is undocumented: the same envelope is an inference
    posting = BackgroundTask(call_back, body["callback_url"], json.loads(bytes(answer.body)))
    accepted = {"message": "Request accepted and being processed asynchronously", "status": "processing"}
    return JSONResponse(accepted, background=posting)


def _said(body: dict[str, Any]) -> str:
    return spoken(_heard(body))


def _heard(body: dict[str, Any]) -> str:
    """What the agent was asked, so that a test sees what arrived."""
    *earlier, last = _turns(body["messages"])
    return " | ".join([last["content"], *(f"{turn['role']}: {turn['content']}" for turn in earlier)])


def _envelope(body: dict[str, Any], history: list[dict[str, Any]], **metadata: Any) -> dict[str, Any]:
    """The success of S003; `metadata` of the older form replaces its own."""
    known: dict[str, Any] = {
        "id": f"meta_{uuid.uuid4().hex[:12]}",
        "model": "gpt-4",
        "timestamp": "2024-03-21T14:30:00Z",
        "tool_calls": {},
        "execution_time": 2500,
        "used_credits": 1,
        "thread_id": body.get("thread_id") or f"thread_{uuid.uuid4().hex[:12]}",
    }
    inner = {"agent_id": "agent_123abc", "conversation_history": history, "metadata": {**known, **metadata}}
    return {"statusCode": 200, "body": inner}


def _ok(body: dict[str, Any], text: str | None = None) -> dict[str, Any]:
    answer = {"role": "assistant", "content": _said(body) if text is None else text}
    return _envelope(body, [_turns(body["messages"])[-1], answer])


def _parts(body: dict[str, Any], result: Any = None) -> dict[str, Any]:
    """The older form: no turn of the user, ids on messages, parts as content (FG-old)."""
    tool = {"toolCallId": "call_1", "toolName": "lookup_order"}
    calling = [{"type": "text", "text": "Let me look."}, {"type": "tool-call", **tool, "args": {"order": 7}}]
    called = [{"type": "tool-result", **tool, "result": result or {"state": "shipped"}}]
    history: list[dict[str, Any]] = [
        {"id": "msg_1", "role": "assistant", "content": calling},
        {"id": "msg_2", "role": "tool", "content": called},
        {"id": "msg_3", "role": "assistant", "content": [{"type": "text", "text": _said(body)}]},
    ]
    return _envelope(body, history, id="msg_3", tool_calls=[], execution_time="2.62")


def _as_string(body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": "200", "body": json.dumps(_ok(body)["body"], ensure_ascii=False)}


def _no_answer(body: dict[str, Any]) -> dict[str, Any]:
    return _envelope(body, [_turns(body["messages"])[-1]])


_BODIES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "ok": _ok,
    "parts": _parts,
    "body-as-string": _as_string,
    "blank": lambda body: _ok(body, " "),
    "no-answer": _no_answer,
    "tool-error": lambda body: _parts(body, {"isError": True, "message": "the order service timed out"}),
}


def flat(status: int, error: str, message: str | None = None) -> Response:
    """The other family of errors (S003: usage); some have no message."""
    return JSONResponse({"error": error, **({} if message is None else {"message": message})}, status)


def _inner(status: int, error: str, message: str | None = None, *, http: int = 200) -> Response:
    """The errors of chat (S003); a 500 has neither message nor agent_id."""
    named = {} if message is None else {"agent_id": "agent_123abc", "message": message}
    return JSONResponse({"statusCode": status, "body": {**named, "error": error}}, http)


_TRAFFIC = "AI provider is currently experiencing high traffic"
_REFUSALS = {
    "unauthorized": flat(401, "Invalid API key", "The provided API key is not valid"),
    "forbidden": flat(403, "Access denied", "This agent does not belong to your organisation"),
    "not-found": flat(404, "Agent not found", "There is no agent with this id"),
}
FAILURES = {
    "error-in-200": _inner(402, "No credits available", "No credits available"),
    "busy": _inner(503, _TRAFFIC, "Service temporarily unavailable"),
    "server-error-in-200": _inner(500, "An unexpected error occurred while processing your request"),
    "no-credits-402": _inner(402, "No credits available", "No credits available", http=402),
    "busy-503": _inner(503, _TRAFFIC, "Service temporarily unavailable", http=503),
}

assert not SCENARIOS.keys() & COMMON.keys()
