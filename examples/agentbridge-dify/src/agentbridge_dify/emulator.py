"""A stand-in for Dify. An agent id is not on Dify's wire, but the version of a flow is: so scenarios are versions.

`dify:quota` sends `workflow_id: quota`, and `dify-workflow:failed` posts to /workflows/failed/run. (The real Dify wants
a UUID there and answers `bad_request` to anything else.)
"""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentbridge.emulator import API_KEY, Emulator, common_answer
from agentbridge_dify import emulator_bodies as say

Events = list[dict[str, Any]]
# The path of the provider's default_base_url, which `serve` keeps.
_BASE = "/v1"

_CHAT = {
    "ok": "an answer, whole or streamed",
    "chat": "a Chatbot's answer",
    "agent": "the same, streamed",
    "agent-app": "an Agent app: streams only, with a tool; blocking is a 400",
    "new-agent": "a New Agent app: its last event is the complete answer",
    "flow": "a Chatflow: message_end, then workflow_finished",
    "flow-failed": "a Chatflow that fails: workflow_finished, then error",
    "replaced": "moderation replaces the answer",
    "error-in-stream": "an error event after some text, in an HTTP 200",
    "breaks-off": "a stream that ends without its last event",
    "paused": "a Chatflow that asks a human (streams)",
    "quota": "HTTP 400 provider_quota_exceeded",
    "busy": "HTTP 429 too_many_requests",
}
_WORKFLOW = {
    "ok": "an answer, whole or streamed",
    "published": "one output",
    "two": "two outputs",
    "failed": "status failed in an HTTP 200",
    "stopped": "status stopped in an HTTP 200",
    "partial": "status partial-succeeded",
    "late": "the answer is lost (HTTP 504); the run is found again, and takes two more questions",
    "paused": "asks a human (streams)",
    "breaks-off": "a stream that ends without its last event",
}


def chat() -> Emulator:
    """The emulator of chat apps. `agent` is how an Agent app is called; there is no version to choose by."""
    return Emulator(_Dify().routes(), _CHAT)


def workflow() -> Emulator:
    """The emulator of workflow apps."""
    return Emulator(_Dify().routes(), _WORKFLOW)


class _Dify:
    """The state of one stand-in: the runs that were started, by the user who did."""

    def __init__(self) -> None:
        self._runs: dict[str, list[dict[str, Any]]] = {}
        self._users: dict[str, str] = {}

    def routes(self) -> list[Route]:
        """All endpoints."""
        table: list[tuple[str, str, Callable[[Request], Any]]] = [
            ("POST", "/chat-messages", self._chat),
            ("POST", "/workflows/run", self._workflow),
            ("POST", "/workflows/{version}/run", self._workflow),
            ("GET", "/workflows/run/{run}", self._detail),
            ("GET", "/workflows/logs", self._logs),
            ("POST", "/form/human_input/{token}", self._form),
            ("POST", "/files/upload", _upload),
            ("POST", "/chat-messages/{task}/stop", _stop),
            ("POST", "/workflows/tasks/{task}/stop", _stop),
            ("GET", "/messages", _messages),
        ]
        return [Route(f"{_BASE}{path}", _with_key(endpoint), methods=[method]) for method, path, endpoint in table]

    async def _chat(self, request: Request) -> Response:
        body = await request.json()
        scenario = body.get("workflow_id") or "ok"
        refusal = await _refusal(scenario, request, body, ("query", "inputs", "user"))
        if refusal is not None:
            return refusal
        text, conversation = f"Echo: {body['query']}", body.get("conversation_id") or say.CONVERSATION
        if body.get("response_mode") == "streaming":
            if scenario == "paused":
                self._runs[say.RUN] = [say.run_data("succeeded", {"answer": "approved"})]
            return _stream(_chat_events(scenario, text, conversation))
        if scenario in ("agent-app", "new-agent"):
            return _envelope(say.STREAM_ONLY)
        return JSONResponse(say.chat_answer(text, conversation))

    async def _workflow(self, request: Request) -> Response:
        body = await request.json()
        scenario = request.path_params.get("version", "ok")
        refusal = await _refusal(scenario, request, body, ("inputs", "user"))
        if refusal is not None:
            return refusal
        data = _run(scenario, body["inputs"])
        self._users[body["user"]] = say.RUN
        self._runs[say.RUN] = [say.run_data("running", None)] * (2 if scenario == "late" else 0) + [data]
        if scenario == "late":
            return Response("gateway timeout", 504, media_type="text/plain")
        if body.get("response_mode") == "streaming":
            return _stream(_workflow_events(scenario, data))
        return JSONResponse(say.workflow_answer(data))

    async def _detail(self, request: Request) -> Response:
        answers = self._runs.get(request.path_params["run"])
        if not answers:
            return _envelope(say.error(404, "not_found", "Workflow run not found."))
        return JSONResponse(answers.pop(0) if len(answers) > 1 else answers[0])

    async def _logs(self, request: Request) -> Response:
        run = self._users.get(request.query_params.get("created_by_end_user_session_id", ""))
        data = [] if run is None else [{"id": "log-1", "workflow_run": {"id": run, "status": "running"}}]
        return JSONResponse({"page": 1, "limit": 20, "total": len(data), "has_more": False, "data": data})

    async def _form(self, request: Request) -> Response:
        body = await request.json()
        if body["action"] not in ("approve", "reject"):
            return _envelope(say.error(400, "invalid_form_data", "Unknown action"))
        self._runs[say.RUN] = [say.run_data("succeeded", {"answer": f"{body['action']}: {body['inputs']['comment']}"})]
        return JSONResponse({})


def _with_key(endpoint: Callable[[Request], Any]) -> Callable[[Request], Any]:
    async def guarded(request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {API_KEY}":
            return _envelope(say.error(401, "unauthorized", "Access token is invalid"))
        response: Response = await endpoint(request)
        return response

    return guarded


async def _refusal(
    scenario: str, request: Request, body: Mapping[str, Any], needed: tuple[str, ...]
) -> Response | None:
    """What is answered before there is a run."""
    missing = [name for name in needed if name not in body]
    if missing:
        return _envelope(say.error(400, "invalid_param", f"Arg {missing[0]} must be provided."))
    known = {"busy": say.BUSY, "quota": say.QUOTA}.get(scenario)
    if known is not None:
        return _envelope(known)
    common = await common_answer(scenario, request)
    if common is None and scenario not in _CHAT and scenario not in _WORKFLOW:
        return _envelope(say.error(400, "bad_request", "Invalid workflow_id format"))
    return common


def _envelope(body: dict[str, Any]) -> Response:
    return JSONResponse(body, body["status"])


def _stream(events: Events) -> Response:
    return Response(say.sse(events), media_type="text/event-stream")


def _chat_events(scenario: str, text: str, conversation: str) -> Events:
    script = say.chat_script(conversation)
    message = [script.event("message", answer=piece) for piece in say.pieces(text)]
    end = script.event("message_end", metadata=say.METADATA)
    finished = script.flow("workflow_finished", **say.run_data("succeeded", {"answer": text}))
    failed = script.flow("workflow_finished", **say.run_data("failed", None, "LLM node failed"))
    flow, agent = [*script.begun(), *script.node()], _agent_events(script, text)
    known: dict[str, Events] = {
        "flow": [*flow, *message, end, finished],
        "flow-failed": [*flow, *message[:1], failed, script.event("error", **say.FAILED)],
        "replaced": [*message, script.event("message_replace", answer="Let us talk of something else."), end],
        "error-in-stream": [*message[:1], script.event("error", **say.FAILED)],
        "breaks-off": message,
        "paused": [*flow, *script.paused()],
        "agent-app": [*agent, end],
        "new-agent": [*agent, script.event("message", answer=text), end],
    }
    return known.get(scenario, [*message, end])


def _agent_events(script: say.Script, text: str) -> Events:
    thought = {"id": "thought-1", "position": 1, "thought": "I need the weather.", "tool": "weather"}
    asked = {**thought, "tool_input": '{"weather": {"city": "Bern"}}'}
    pieces = [script.event("agent_message", answer=piece) for piece in say.pieces(text)]
    image = {"id": "file-1", "type": "image", "belongs_to": "assistant", "url": "https://example.com/cat.png"}
    return [
        script.event("agent_thought", **asked, observation=""),
        script.event("agent_thought", **asked, observation="sunny"),
        script.event("message_file", **image),
        *pieces,
    ]


def _run(scenario: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    text = "Echo: " + ", ".join(f"{name}={value}" for name, value in inputs.items())
    known = {
        "failed": say.run_data("failed", None, "node LLM failed: model refused"),
        "stopped": say.run_data("stopped", None),
        "partial": say.run_data("partial-succeeded", {"result": text}, "node Search failed"),
        "two": say.run_data("succeeded", {"result": text, "score": 1}),
    }
    return known.get(scenario) or say.run_data("succeeded", {"result": text})


def _workflow_events(scenario: str, data: dict[str, Any]) -> Events:
    script = say.Script()
    pieces = say.pieces(str((data["outputs"] or {}).get("result", "")))
    chunks = [script.flow("text_chunk", text=piece, from_variable_selector=["node_1", "text"]) for piece in pieces]
    begun = [*script.begun(), *script.node(), *chunks]
    if scenario == "paused":
        return [*script.begun(), *script.paused()]
    return begun if scenario == "breaks-off" else [*begun, script.flow("workflow_finished", **data)]


async def _upload(request: Request) -> Response:
    form = await request.form()
    file = form.get("file")
    if file is None or isinstance(file, str):
        return _envelope(say.error(400, "no_file_uploaded", "Please upload your file."))
    content = await file.read()
    body = {"id": "a1b2c3d4-5678", "name": file.filename, "size": len(content), "mime_type": file.content_type}
    return JSONResponse({**body, "extension": "txt", "created_at": 1705407629}, 201)


async def _stop(_request: Request) -> Response:
    return JSONResponse({"result": "success"})


async def _messages(_request: Request) -> Response:
    turn: dict[str, Any] = {"id": say.MESSAGE, "conversation_id": say.CONVERSATION, "query": "hi", "answer": "Echo: hi"}
    turn |= {"status": "normal", "error": None, "created_at": 1705407629}
    return JSONResponse({"limit": 20, "has_more": False, "data": [turn]})
