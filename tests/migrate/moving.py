"""A bridge without a network, and samples of a support agent that is bound to two vendors."""

from __future__ import annotations

import json
import threading
from typing import Any

from agentbridge import Bridge, Connection, HttpResponse, Invocation, Result, Usage
from agentbridge.migrate import Answer, Sample
from agentbridge.testing.memory import MemoryTransport

AGENTS: dict[str, Any] = {
    "support": {
        "default": "fluxprompt",
        "on": {
            "fluxprompt": {"agent": "F1", "text": "varText", "inputs": {"vendor": "varVendor"}},
            "flowise": {"agent": "W1", "template": "{text} ({vendor})"},
            "flowgent": {"agent": "G1", "template": "Vendor: {vendor}\n\n{text}"},
            "promptitude": {"agent": "P1", "text": "message", "inputs": {"vendor": "vendor"}},
        },
    }
}


class Flowise:
    """Answers as Flowise does, `asked` holds the bodies."""

    def __init__(self, *special: HttpResponse | Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self._special = list(special)
        self._lock = threading.Lock()

    def __call__(self, send: Any) -> HttpResponse:
        body = send.request.json
        with self._lock:
            self.asked.append(body)
            if self._special and (given := self._special.pop(0)) is not None:
                return given
        said = {"text": f"re: {body['question']}", "chatId": body["chatId"], "chatMessageId": "m"}
        said["sessionId"] = session_of(body)
        return json_answer(200, said)


def session_of(body: dict[str, Any]) -> str:
    """The session that a Flowise server takes a request for."""
    return str(body.get("overrideConfig", {}).get("sessionId") or body["chatId"])


def json_answer(status: int, body: Any) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(body).encode())


def bridge_to(vendor: Any, agents: dict[str, Any] | None = None, **options: Any) -> Bridge:
    """A Bridge with all four vendors, whose every answer `vendor` gives."""
    connections = {
        "flowise": Connection("flowise", base_url="http://flowise.test"),
        "fluxprompt": Connection("fluxprompt", api_key="flux-key"),
        "flowgent": Connection("flowgent", api_key="flow-key"),
        "promptitude": Connection("promptitude", api_key="prompt-key"),
    }
    transport = MemoryTransport([vendor])
    return Bridge({}, connections=connections, agents=agents or AGENTS, transport=transport, **options)


def sample(number: int, session: str | None = None, **fields: Any) -> Sample:
    """What production asked FluxPrompt in its own words, and was answered."""
    inputs = {"varText": f"question {number}", "varVendor": "ACME"}
    said: dict[str, Any] = {"target": "fluxprompt:F1", "inputs": inputs, "session_id": session, **fields}
    result = Result(text=f"answer {number}", output=f"answer {number}", usage=Usage(credits=1.0), session_id=session)
    return Sample(
        id=f"s{number}",
        invocation=Invocation(**said),
        answer=Answer.of(result, 0.5),
        session=session,
        time=float(number),
    )


def conversations(count: int, turns: int) -> list[Sample]:
    """Conversations whose turns came in between one another, as in production."""
    return [sample(turn * count + one, f"c{one}") for turn in range(turns) for one in range(count)]
