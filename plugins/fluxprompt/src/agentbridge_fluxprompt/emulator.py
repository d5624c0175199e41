"""A stand-in for FluxPrompt: it answers as the vendor's documents say, and is as strict as they are.

What is marked as an inference below is not documented, only likely.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentbridge.emulator import API_KEY, COMMON, Emulator, common_answer, played

from . import wire
from .emulated_callbacks import consolidated, nodes
from .emulated_memory import forget
from .emulated_operations import routes as operation_routes
from .emulated_refusals import envelope_error, nest
from .emulated_requests import decoded, echo, heard

SCENARIOS = {
    "ok": "the flow echoes its inputs, files and links",
    "memory": "as ok, and counts the calls of a session; without a sessionId all callers share one",
    "two-outputs": "HTTP 200 with the texts of two output nodes",
    "blank": "HTTP 200 with a blank as answer",
    "no-output": "HTTP 200 that says success, but with no output at all",
    "error-in-200": "HTTP 200, but the envelope says error (an inference: documented as HTTP 400)",
    "node-error": "HTTP 400: a node of the flow failed",
    "crashed": "HTTP 500: the run itself threw; flat, with an executionId",
    "unauthorized": "HTTP 401: a refused key (its shape is an inference)",
    "busy": "HTTP 429 with Retry-After (an inference: limits are undocumented)",
    "202-then-done": "HTTP 202; polled, the run goes on once and then has the envelope's array as output",
    "202-then-text": "as 202-then-done, with plain text as output (the type of output is undocumented)",
    "202-then-blank": "as 202-then-done, with an empty text as output",
    "202-then-no-output": "as 202-then-done, but completed without any output",
    "202-then-error": "HTTP 202; polled, an HTTP 200 says that the run failed",
    "202-then-not-found": "HTTP 202; polled, HTTP 404: no such run",
    "callback-repeated": "as ok; with a callback_url the callback is delivered twice, under one delivery id",
    "node-callbacks": "as ok; its node posts to each input that is a URL, first without a text, then with the answer",
    "202-foreign-status-url": "as 202-then-done, but statusUrl is at another host, where the key must not go",
}

_NODE_ERROR = "Node 'Summarise' failed: the model refused"
_QUERY = frozenset({"flowId", "sessionId", "versionId", "callback_url"})


def make() -> Emulator:
    """An emulator of FluxPrompt, with runs and sessions of its own."""
    vendor = _Vendor()
    routes = [
        Route(wire.RUN_PATH, vendor.run, methods=["POST"]),
        Route(f"{wire.EXECUTIONS_PATH}/{{id}}", vendor.poll, methods=["GET"]),
        *operation_routes(SCENARIOS),
    ]
    return Emulator(routes, SCENARIOS)


class _Vendor:
    """What one emulator remembers: its runs, as the answers still to be given to polls, and its sessions."""

    def __init__(self) -> None:
        self.executions: dict[str, deque[Response]] = {}
        self.sessions: Counter[str] = Counter()

    async def run(self, request: Request) -> Response:
        """POST /flux/api-v2."""
        flow = request.query_params.get("flowId", "")
        common = await common_answer(flow, request)
        if common is not None:
            return common
        refused = _refused_key(request) or _refused_query(request) or _refused_flow(flow)
        if refused is not None:
            return refused
        body, problem = decoded(await request.body(), request)
        return nest(400, problem) if problem else self._answer(flow, body, request)

    async def poll(self, request: Request) -> Response:
        """GET /flux/executions/{id}: the next answer of this run; the last one stays."""
        refused = _refused_key(request)
        if refused is not None:
            return refused
        try:
            id_ = str(uuid.UUID(request.path_params["id"]))
        except ValueError:
            return envelope_error(400, "executionId must be a UUID")  # the shape is an inference
        answers = self.executions.get(id_)
        if not answers:
            return envelope_error(404, "Execution not found")
        return answers.popleft() if len(answers) > 1 else answers[0]

    def _answer(self, flow: str, body: Any, request: Request) -> Response:
        flow = played(flow, heard(body["variableInputs"]))
        text = self._said(flow, body, request)
        id_ = str(uuid.uuid4())
        accepted = {"executionId": id_, "statusUrl": _status_url(flow, id_, request)}
        if "callback_url" in request.query_params:
            return self._calling_back(flow, text, accepted, request.query_params["callback_url"])
        if flow in _RUNS:
            self._remember(id_, [_polled(id_, "in_progress"), *_RUNS[flow](id_, text)])
            return JSONResponse({**accepted, "status": "in_progress"}, 202)
        if flow == "crashed":
            return JSONResponse({**accepted, "error": "Cannot read properties of undefined (reading 'nodes')"}, 500)
        if flow == "node-callbacks":
            return _envelope(_items(text), nodes(body, text))
        return _FAILURES[flow]() if flow in _FAILURES else _envelope(_BODIES[flow](text))

    def _calling_back(self, flow: str, text: str, accepted: dict[str, str], url: str) -> Response:
        """The run can be polled from now on, and its end is posted to the URL (vendor docs "Async flow execution")."""
        id_ = accepted["executionId"]
        failed = flow in _FAILURES or flow in {"crashed", "202-then-error"}
        ended = _polled(id_, "error", errorMessage=_NODE_ERROR) if failed else _completed(id_, _items(text))[0]
        self._remember(id_, [ended])
        posting = consolidated(url, json.loads(bytes(ended.body)), times=2 if flow == "callback-repeated" else 1)
        return JSONResponse(accepted, 202, background=posting)

    def _said(self, flow: str, body: Any, request: Request) -> str:
        """What the flow was asked, so that a test sees what arrived."""
        text = echo(body["variableInputs"])
        if flow != "memory":
            return text
        session = request.query_params.get("sessionId", "")
        self.sessions[session] += 1
        forget(self.sessions)
        return f"{text} (call {self.sessions[session]} of {session or 'the memory that all callers share'})"

    def _remember(self, id_: str, answers: list[Response]) -> None:
        self.executions[id_] = deque(answers)
        forget(self.executions)


def _refused_key(request: Request) -> Response | None:
    return None if request.headers.get("api-key") == API_KEY else nest(401, "Unauthorized")


def _refused_query(request: Request) -> Response | None:
    """Each parameter once, and none that is not documented."""
    callbacks = request.query_params.getlist("callback_url")
    if len(callbacks) > 1:
        return envelope_error(400, "callback_url must be a single string value")
    if callbacks and "://" not in callbacks[0]:
        return envelope_error(400, "callback_url is not a valid URL")
    if callbacks and not callbacks[0].startswith(("http://", "https://")):
        return envelope_error(400, "callback_url must use http or https protocol")
    names = [name for name, _ in request.query_params.multi_items()]
    wrong = [name for name in names if name not in _QUERY or names.count(name) > 1]
    return nest(400, [f"query parameter {name} is unknown or repeated" for name in wrong]) if wrong else None


def _refused_flow(flow: str) -> Response | None:
    """An unknown flow is undocumented; 404 is an inference."""
    if not flow:
        return nest(400, ["flowId should not be empty"])
    return None if flow in SCENARIOS else nest(404, f"Flow {flow} not found")


def _status_url(flow: str, id_: str, request: Request) -> str:
    """Built from the host of the request, or from whatever the server is configured with (vendor docs)."""
    ours = str(request.url).partition(wire.RUN_PATH)[0]
    host = "https://elsewhere.invalid" if flow == "202-foreign-status-url" else ours
    return f"{host}{wire.EXECUTIONS_PATH}/{id_}"


def _items(*texts: str) -> list[dict[str, str]]:
    """`data.message` of the envelope (public client)."""
    return [
        {"timestamp": "3/14/2026, 1:48:21 AM", "text": text, "outputId": f"outputObjectNode_{number}"}
        for number, text in enumerate(texts, 1)
    ]


def _envelope(message: list[dict[str, str]], background: BackgroundTask | None = None) -> Response:
    return JSONResponse({"status": "success", "data": {"message": message}}, background=background)


def _polled(id_: str, status: str, **more: Any) -> Response:
    """The flat body of a poll (vendor docs "Async flow execution")."""
    times = {"createdAt": "2026-09-01T10:00:00.000Z", "startedAt": "2026-09-01T10:00:01.000Z"}
    finished = None if status == "in_progress" else "2026-09-01T10:00:41.000Z"
    return JSONResponse(
        {"executionId": id_, "flowId": "flow", "status": status, **times, "finishedAt": finished, **more}
    )


def _completed(id_: str, output: Any) -> list[Response]:
    return [_polled(id_, "completed", output=output, tokensUsed=42, totalCost=0.0021, durationMs=40000)]


_RUNS: dict[str, Callable[[str, str], list[Response]]] = {
    "202-then-done": lambda id_, text: _completed(id_, _items(text)),
    "202-foreign-status-url": lambda id_, text: _completed(id_, _items(text)),
    "202-then-text": _completed,
    "202-then-blank": lambda id_, _: _completed(id_, ""),
    "202-then-no-output": lambda id_, _: _completed(id_, []),
    "202-then-error": lambda id_, _: [_polled(id_, "error", errorMessage=_NODE_ERROR)],
    "202-then-not-found": lambda *_: [envelope_error(404, "Execution not found")],
}

_BODIES: dict[str, Callable[[str], list[dict[str, str]]]] = {
    "ok": _items,
    "memory": _items,
    "callback-repeated": _items,
    "two-outputs": lambda text: _items(text, "The second output."),
    "blank": lambda _: _items(" "),
    "no-output": lambda _: _items(),
}


def _busy() -> Response:
    response = nest(429, "Too Many Requests")
    response.headers["Retry-After"] = "1"
    return response


_FAILURES: dict[str, Callable[[], Response]] = {
    "error-in-200": lambda: envelope_error(200, _NODE_ERROR),
    "node-error": lambda: envelope_error(400, _NODE_ERROR),
    "unauthorized": lambda: nest(401, "Unauthorized"),
    "busy": _busy,
}

assert not SCENARIOS.keys() & COMMON.keys()
