"""A made-up vendor that does everything once, correctly: it streams, answers later, calls back, pauses and fails."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import attrs

from agentbridge import (
    Call,
    Fault,
    FaultKind,
    File,
    HttpRequest,
    HttpResponse,
    Interrupt,
    Invocation,
    Message,
    Operation,
    Pending,
    Provider,
    Result,
    StreamDecoder,
    TextDelta,
    ToolCall,
    VendorEvent,
    fault_from_status,
)
from agentbridge.reading import Lenient, Reply, decode_json
from agentbridge.sse import SSEParser
from agentbridge.testing import Answer


class Said(Reply):
    """An answer: the reply is its proof."""

    reply: str
    run: Lenient[str] = None
    session: Lenient[str] = None
    credits: Lenient[float] = None
    mood: Lenient[str] = None
    question: Lenient[str] = None
    tool_error: Lenient[str] = None


class Accepted(Reply):
    """A run that answers later; its status_url is never followed."""

    ticket: str
    state: str


class Problem(Reply):
    """What is in every failure."""

    code: int
    message: str


class Refused(Reply):
    """The body of every failure, also in a 200."""

    problem: Problem


class Small(Provider):
    name = "small"
    accepts = frozenset({"text", "messages", "inputs", "files", "session_id", "user_id", "callback_url"})
    default_base_url = "https://small.invalid"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        url = f"{call.base_url}/v1/agents/{self.agent_step(call.agent)}/runs"
        return HttpRequest(
            "POST", url, headers=self.headers(call), auth=self.auth(call), json=self.body(invocation, call)
        )

    def agent_step(self, agent: str) -> str:
        return quote(agent, safe="")

    def headers(self, call: Call) -> dict[str, str]:
        return {"x-client": "agentbridge"}

    def auth(self, call: Call) -> dict[str, str]:
        return {"Authorization": f"Bearer {call.api_key}"} if call.api_key else {}

    def body(self, invocation: Invocation, call: Call) -> dict[str, Any]:
        said = {
            "call": call.fresh_id,
            "say": invocation.text,
            "history": [{"who": message.role, "said": message.text} for message in invocation.messages],
            "fields": dict(invocation.inputs),
            "attached": [self.attached(file) for file in invocation.files],
            "session": invocation.session_id,
            "user": invocation.user_id,
            "notify": invocation.callback_url,
            "stream": call.streaming,
        }
        return {name: value for name, value in said.items() if value}

    def read_request(self, request: HttpRequest) -> Invocation | None:
        said = request.json
        if request.method != "POST" or not isinstance(said, dict):
            return None
        return Invocation(
            target=f":{request.url.split('/')[-2]}",
            text=said.get("say"),
            messages=tuple(Message(turn["who"], turn["said"]) for turn in said.get("history", ())),
            inputs=said.get("fields", {}),
            files=tuple(
                File(one["name"], base64.b64decode(one["base64"]), input=one["field"])
                for one in said.get("attached", ())
            ),
            session_id=said.get("session"),
            user_id=said.get("user"),
            callback_url=said.get("notify"),
        )

    def attached(self, file: Any) -> dict[str, Any]:
        what = {"url": file.url} if hasattr(file, "url") else {"name": file.name, "base64": file}
        return {**what, "field": file.input}

    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        body = response.json()
        if not response.ok or "problem" in body:
            return self.fault(Refused.parse(body)[0].problem)
        if "ticket" in body and "reply" not in body:
            return self.pending(Accepted.parse(body)[0], body)
        return self.result(*Said.parse(body))

    def fault(self, problem: Problem) -> Fault:
        return fault_from_status(problem.code, problem.message, code=problem.code)

    def pending(self, accepted: Accepted, body: dict[str, Any]) -> Pending:
        return Pending("poll", accepted.ticket)

    def result(self, said: Said, warnings: tuple[str, ...]) -> Result:
        return Result(
            text=said.reply,
            output=said.reply,
            id=said.run,
            session_id=said.session,
            tool_calls=(ToolCall("tool", error=said.tool_error),) if said.tool_error else (),
            status="waiting_for_input" if said.question else "completed",
            interrupt=Interrupt(said.question, ("yes", "no"), resume={"run": said.run}) if said.question else None,
            warnings=warnings,
        )

    def build_poll(self, pending: Pending, call: Call) -> HttpRequest:
        return HttpRequest("GET", f"{call.base_url}/v1/runs/{quote(pending.id or '', safe='')}", auth=self.auth(call))

    def recover(self, request: HttpRequest) -> Pending | None:
        run = request.json.get("call") if isinstance(request.json, dict) else None
        return Pending("poll", run) if isinstance(run, str) else None

    def resume(self, interrupt: Interrupt, decision: str, feedback: str | None) -> dict[str, Any]:
        return {"resume": {**interrupt.resume, "decision": decision, "because": feedback}}

    def read_callback(self, callback: HttpRequest) -> Result | Fault | None:
        if not (callback.content or b"").strip():
            return None
        value = self.read(HttpResponse(200, callback.headers, callback.content or b""))
        return None if isinstance(value, Pending) else value

    def decoder(self, request: HttpRequest) -> StreamDecoder | None:
        return Talk()


class Talk(StreamDecoder):
    def __init__(self) -> None:
        self.parser = SSEParser()
        self.text: list[str] = []
        self.failure: Fault | None = None
        self.proven = False

    @property
    def done(self) -> bool:
        return self.proven or self.failure is not None

    def feed(self, data: bytes) -> list[Any]:
        return [event for sent in self.parser.feed(data) for event in self.read(sent.data)]

    def read(self, data: bytes) -> list[Any]:
        try:
            event = decode_json(data)
            return self.understood(event, event["type"])
        except (ValueError, TypeError, KeyError):
            return [VendorEvent("unreadable", data.decode("utf-8", "replace"))]

    def understood(self, event: dict[str, Any], kind: str) -> list[Any]:
        if kind == "piece" and isinstance(event["text"], str):
            self.text.append(event["text"])
            return [TextDelta(event["text"])]
        if kind == "problem":
            problem = Problem.parse(event)[0]
            self.failure = fault_from_status(problem.code, problem.message, code=problem.code, partial=self.partial())
        self.proven = self.proven or kind == "done"
        return [] if kind in {"problem", "done"} else [VendorEvent(str(kind), event)]

    def partial(self) -> Result:
        return Result(text="".join(self.text), output="".join(self.text))

    def finish(self) -> Result | Fault:
        if self.failure is not None:
            return self.failure
        if not self.proven:
            return Fault(FaultKind.INTERRUPTED, "the stream stopped before its end", partial=self.partial())
        return self.partial()


@attrs.frozen
class Balance(Operation[float]):
    provider = "small"
    name = "balance"

    def build_request(self, call: Call) -> HttpRequest:
        auth = {"Authorization": f"Bearer {call.api_key}"} if call.api_key else {}
        return HttpRequest("GET", f"{call.base_url}/v1/balance", auth=auth)

    def read(self, response: HttpResponse) -> float | Fault:
        if not response.ok:
            problem = Refused.parse(response.json())[0].problem
            return fault_from_status(response.status, problem.message, code=problem.code)
        return float(response.json()["balance"])


def problem(code: int, message: str) -> dict[str, Any]:
    return {"problem": {"code": code, "message": message}}


def stream(*events: dict[str, Any]) -> bytes:
    return b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events)


PIECES = ({"type": "piece", "text": "h"}, {"type": "thought", "of": "it"}, {"type": "piece", "text": "i"})
EXAMPLES: dict[str, Any] = {
    "answers": {
        "plain": (
            Answer({"reply": "hi", "run": "r-1", "session": "s-1", "credits": 0.5, "mood": "calm"}),
            {"text": "hi", "id": "r-1", "session_id": "s-1"},
        ),
        "polled": (
            (
                Answer({"ticket": "t-1", "state": "queued", "status_url": "https://vendor.invalid/v1/runs/t-1"}, 202),
                Answer({"ticket": "t-1", "state": "running"}),
                Answer({"ticket": "t-1", "reply": "hi"}),
            ),
            "hi",
        ),
        "paused": (Answer({"reply": "so far", "run": "r-1", "question": "go on?"}), "so far"),
    },
    "errors_in_200": {
        "no credits": (Answer(problem(402, "You have no credits left")), FaultKind.QUOTA_EXCEEDED),
        "failed": (Answer(problem(500, "The agent could not be run")), FaultKind.UNKNOWN),
        "busy": (Answer(problem(503, "We are busy")), FaultKind.UNAVAILABLE),
        "a failed tool": (Answer({"reply": "hi", "tool_error": "it broke"}), FaultKind.EXECUTION),
        "half a failure": (Answer({"problem": {}}), None),
        "failed once it was polled": (
            (Answer({"ticket": "t-1", "state": "queued"}, 202), Answer(problem(500, "The run stopped"))),
            FaultKind.UNKNOWN,
        ),
    },
    "errors": {"a refused key": (Answer(problem(401, "Your key is unknown"), 401), FaultKind.AUTHENTICATION)},
    "streams": {
        "plain": (stream(*PIECES, {"type": "done"}), "hi"),
        "failed": (stream(*PIECES, {"type": "problem", "code": 503, "message": "We are busy"}), FaultKind.UNAVAILABLE),
    },
    "callbacks": {
        "an answer": ({"reply": "hi", "run": "r-1"}, "hi"),
        "a failure": (problem(402, "You have no credits left"), FaultKind.QUOTA_EXCEEDED),
        "not yet": ({"ticket": "t-1", "state": "running"}, None),
    },
    "operations": {"balance": (Balance(), Answer({"balance": 17}))},
}
