"""The smallest vendor that a test can need."""

from __future__ import annotations

from typing import Any

import attrs

from agentbridge import (
    Call,
    Connection,
    Fault,
    FaultKind,
    HttpRequest,
    HttpResponse,
    Invocation,
    Operation,
    Provider,
    Registry,
    Result,
    StreamDecoder,
    TextDelta,
    fault_from_status,
)
from agentbridge.sse import SSEParser


class Tiny(Provider):
    name = "tiny"
    accepts = frozenset({"text", "files", "session_id"})
    default_base_url = "https://tiny.invalid"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        body: dict[str, Any] = {"say": invocation.text}
        if invocation.session_id is not None:
            body["session"] = invocation.session_id
        if invocation.files:
            body["files"] = list(invocation.files)
        auth = {"X-Key": call.api_key} if call.api_key else {}
        return HttpRequest("POST", f"{call.base_url}/run/{call.agent}", auth=auth, json=body)

    def read(self, response: HttpResponse) -> Any:
        body = response.json()
        if not response.ok:
            return fault_from_status(response.status, str(body.get("message", "")))
        return Result(text=body["text"], output=body["text"])


@attrs.frozen
class Ping(Operation[str]):
    provider = "tiny"
    idempotent = True

    def build_request(self, call: Call) -> HttpRequest:
        return HttpRequest("GET", f"{call.base_url}/ping")

    def read(self, response: HttpResponse) -> Any:
        return response.text if response.ok else fault_from_status(response.status)


@attrs.frozen
class Say(Operation[Result]):
    provider = "tiny"
    to: str

    def build_request(self, call: Call) -> HttpRequest:
        return HttpRequest("POST", f"{call.base_url}/say", json={})

    def read(self, response: HttpResponse) -> Any:
        return Result(text=response.text, output=response.text, agent=self.to)


def registry() -> Registry:
    registry = Registry(())
    registry.register(Tiny())
    return registry


def setup(url: str, **options: Any) -> dict[str, Any]:
    """Arguments of a Bridge that calls this vendor at this address."""
    connections = {"tiny": Connection("tiny", url, "canary-key-7f3a")}
    return {"config": {}, "connections": connections, "registry": registry(), **options}


class Talking(Tiny):
    """Streams: `data: <piece>`, then `data: [DONE]`; an event that begins with "!" is an error."""

    name = "talking"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        request = super().build_request(invocation, call)
        return attrs.evolve(request, json={**request.json, "stream": call.streaming})

    def decoder(self, request: HttpRequest) -> StreamDecoder | None:
        return Pieces() if request.json["stream"] else None


class Pieces(StreamDecoder):
    def __init__(self) -> None:
        self._parser = SSEParser(largest=10_000)
        self._text: list[str] = []
        self._error: str | None = None
        self._done = False

    @property
    def done(self) -> bool:
        return self._done

    def feed(self, data: bytes) -> list[Any]:
        events: list[Any] = []
        for sent in self._parser.feed(data):
            piece = sent.data.decode()
            self._done = self._done or piece == "[DONE]"
            if piece.startswith("!"):
                self._error = piece
            elif not self._done:
                self._text.append(piece)
                events.append(TextDelta(piece))
        return events

    def finish(self) -> Result | Fault:
        partial = Result(text="".join(self._text), output="")
        if self._error is not None:
            return fault_from_status(503, self._error, partial=partial)
        if not self._done:
            return Fault(FaultKind.INTERRUPTED, "the stream stopped before its end", partial=partial)
        return Result(text="".join(self._text), output="".join(self._text))


def talking(url: str, **options: Any) -> dict[str, Any]:
    """Arguments of a Bridge that calls the vendor that streams."""
    registry = Registry(())
    registry.register(Talking())
    return {
        "config": {},
        "connections": {"talking": Connection("talking", url, "canary-key-7f3a")},
        "registry": registry,
        **options,
    }
