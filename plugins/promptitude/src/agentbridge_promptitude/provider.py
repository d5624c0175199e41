"""The Provider of Promptitude: flows, through `POST /v1/flows/{id}/generate`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import unquote

from agentbridge import Call, Fault, HttpRequest, HttpResponse, Invocation, Provider, Result, UnsupportedFeatureError

from . import endpoint, wire
from .operations import OPERATIONS


class Promptitude(Provider):
    """Promptitude's flows. They take named inputs and the id of an end user, and keep no conversation."""

    name: ClassVar[str] = "promptitude"
    ping: ClassVar[str | None] = "folders"  # only what generates is counted (PN)
    api_version: ClassVar[int] = 1
    accepts: ClassVar[frozenset[str]] = frozenset({"inputs", "user_id"})
    default_base_url: ClassVar[str | None] = "https://api.promptitude.io/v1"
    qualified: ClassVar[Mapping[str, str]] = {
        "text": "a binding's `text` names the input that takes it",
        "stream": "`stream` gives the events of the finished answer",
    }
    operations: ClassVar = OPERATIONS
    emulator: ClassVar[str | None] = "agentbridge_promptitude.emulator:make"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        """The inputs and nothing else: `steps` comes from options, where an empty list means "all" (S002)."""
        if wire.KEY_IN_BODY in call.options:
            raise UnsupportedFeatureError(
                f"options[{wire.KEY_IN_BODY!r}]",
                "the key travels in the Authorization header only. Give it as the connection's api_key",
            )
        body: dict[str, Any] = {"flow": {"inputs": dict(invocation.inputs)}}
        if invocation.user_id is not None:
            body["userId"] = invocation.user_id
        return endpoint.request(call, "POST", "flows", _flow_id(call.agent), "generate", json=body)

    def read(self, response: HttpResponse) -> Result | Fault:
        """A failure by flag, code or status, in any combination; else `results.result` is the proof of an answer."""
        return endpoint.generated(response)

    def read_request(self, request: HttpRequest) -> Invocation | None:
        """What a recorded call said; see `requested`."""
        from . import requested

        return requested.invocation(request)


def _flow_id(agent: str) -> str:
    """The id of a flow, also from a copied endpoint URL. Its host is not asked: only base_url says who gets the key."""
    copied = wire.FLOW_IN_URL.search(agent)
    return unquote(copied.group(1)) if copied else agent
