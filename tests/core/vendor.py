"""The smallest vendor that a test can need."""

from __future__ import annotations

from typing import Any

import attrs

from agentbridge import (
    Call,
    Connection,
    HttpRequest,
    HttpResponse,
    Invocation,
    Operation,
    Provider,
    Registry,
    Result,
    fault_from_status,
)


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


def registry() -> Registry:
    registry = Registry(())
    registry.register(Tiny())
    return registry


def setup(url: str, **options: Any) -> dict[str, Any]:
    """Arguments of a Bridge that calls this vendor at this address."""
    connections = {"tiny": Connection("tiny", url, "canary-key-7f3a")}
    return {"config": {}, "connections": connections, "registry": registry(), **options}
