"""A stand-in for Promptitude: the envelope is the documented one (S002), error samples are made after its words."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentbridge.emulator import API_KEY, COMMON, Emulator, common_answer, played, spoken

SCENARIOS = {
    "ok": "a text result that echoes the inputs, the user and the steps",
    "list": "a list result: one text for each input",
    "object": "a JSON result: an object (documented for prompts, an inference for flows)",
    "json-text": "a JSON result delivered as text (an inference)",
    "blank": "HTTP 200 with a blank as result",
    "no-result": "HTTP 200 that says OK, but without results",
    "error-in-200": "HTTP 200, but the envelope says error and code 500",
    "code-in-200": "HTTP 200 without the error flag, but code 402",
    "error-flag-only": "HTTP 200 and code 200, but the error flag is set",
    "error-with-result": "HTTP 200 with a result, but the error flag and code 500 stand beside it",
    "unauthorized": "HTTP 401: a refused key",
    "not-found": "HTTP 404: no such flow (an inference: the documents have no error sample)",
    "busy": "HTTP 429 with Retry-After (an inference: the documents name no rate limit)",
    "server-error": "HTTP 500 in the envelope",
}

_FIELDS = {"userId": str, "flow": dict, "steps": dict}


def make() -> Emulator:
    """An emulator of Promptitude."""
    from .emulated_operations import ROUTES  # which are made of what is here

    routes = [
        Route("/v1/flows/{flow}/generate", generate, methods=["POST"]),
        *ROUTES,
        Route("/{path:path}", elsewhere, methods=["GET", "POST"]),
    ]
    return Emulator(routes, SCENARIOS)


async def elsewhere(_: Request) -> Response:
    """Any other path."""
    return error(404, "Endpoint not found")


async def generate(request: Request) -> Response:
    """POST /v1/flows/:flowId/generate (S002)."""
    flow = request.path_params["flow"]
    refused = await refusal(flow, request)
    if refused is not None:
        return refused
    body = await json_of(request)
    if isinstance(body, str):
        return error(400, body)
    problem = _problem(body)
    return error(400, problem) if problem else answer(flow, body)


async def refusal(asked: str, request: Request) -> Response | None:
    """What any endpoint answers for this id or for the key, None where they are in order."""
    common = await common_answer(asked, request)
    if common is not None:
        return common
    if request.headers.get("authorization") != f"Bearer {API_KEY}":
        return error(401, "Invalid API key")
    return None if asked in SCENARIOS else error(404, f"{asked} not found")


async def json_of(request: Request) -> dict[str, Any] | str:
    """The body of a request, or what is wrong with it."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        return "Content-Type must be application/json"
    try:
        body = json.loads(await request.body())
    except ValueError:
        return "The request body is not JSON"
    return body if isinstance(body, dict) else "The request body must be an object"


def _problem(body: dict[str, Any]) -> str | None:
    """What is not as documented. An empty list in a context means "all", so it is no mistake."""
    for name, value in body.items():
        if name not in _FIELDS or not isinstance(value, _FIELDS[name]):
            return f"{name} is unknown or of the wrong type"
    flow = body.get("flow", {})
    return None if flow.keys() == {"inputs"} and isinstance(flow["inputs"], dict) else "flow.inputs must be an object"


def answer(flow: str, body: dict[str, Any]) -> Response:
    """What a flow generates, or how it fails."""
    flow = played(flow, _heard(body))
    if flow in FAILURES:
        return FAILURES[flow]
    if flow == "no-result":
        return JSONResponse(envelope())
    results = {"result": _RESULTS[flow](body), "logId": f"log-{uuid.uuid4().hex[:16]}"}
    if flow == "error-with-result":
        return JSONResponse(envelope(500, "The last step failed", results))
    return JSONResponse(envelope(results=results))


def _said(body: dict[str, Any]) -> str:
    return spoken(_heard(body))


def _heard(body: dict[str, Any]) -> str:
    """What the flow was asked, so that a test sees what arrived."""
    parts = [json.dumps(body["flow"]["inputs"], ensure_ascii=False)]
    parts += [f"user {body['userId']}"] if "userId" in body else []
    parts += [f"steps {json.dumps(body['steps'], ensure_ascii=False)}"] if "steps" in body else []
    return " | ".join(parts)


_RESULTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "ok": _said,
    "list": lambda body: [f"{name}: {value}" for name, value in body["flow"]["inputs"].items()] or ["nothing"],
    "object": lambda body: {"said": _said(body), "score": 7},
    "json-text": lambda body: json.dumps({"said": _said(body)}, ensure_ascii=False),
    "blank": lambda _: " ",
    "error-with-result": lambda _: "Half of an answer",
}


def envelope(code: int = 200, message: str = "OK", results: Any = None) -> dict[str, Any]:
    """`{code, message, error, results}` (S002); on an error without results they are left out (undocumented)."""
    said = {"code": code, "message": message, "error": code != 200}
    return said if results is None else {**said, "results": results}


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    """A failure in the envelope, with the same HTTP status (the samples are INF)."""
    return JSONResponse(envelope(status, message), status, headers)


FAILURES = {
    "error-in-200": JSONResponse(envelope(500, "The flow could not be completed")),
    "code-in-200": JSONResponse({**envelope(402, "No generations left this month"), "error": False}),
    "error-flag-only": JSONResponse({**envelope(200, "Step 2 failed"), "error": True, "results": None}),
    "unauthorized": error(401, "Invalid API key"),
    "not-found": error(404, "Flow not-found not found"),
    "busy": error(429, "Too many requests", {"Retry-After": "1"}),
    "server-error": error(500, "Internal server error"),
}

assert not SCENARIOS.keys() & COMMON.keys()
