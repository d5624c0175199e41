"""The Provider of FluxPrompt: flows through `POST /flux/api-v2`, and their runs through `GET /flux/executions/{id}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from agentbridge import (
    Call,
    Fault,
    HttpRequest,
    HttpResponse,
    Invocation,
    Operation,
    Pending,
    Provider,
    Result,
    UnsupportedFeatureError,
)
from agentbridge.provider import operations_at

from . import answer, request, wire
from .endpoint import authorization, flow_of, root_of


class FluxPrompt(Provider):
    """FluxPrompt, also known as Enhanced.ai, as documented in 2026."""

    name: ClassVar[str] = "fluxprompt"
    ping: ClassVar[str | None] = "list-agents"  # vendor docs "List agents"; that it costs nothing is inference
    key_pattern: ClassVar[str | None] = r"sk-flux-.+|FLUX_API\..+"  # the help page's sample; what public clients send
    api_version: ClassVar[int] = 1
    accepts: ClassVar[frozenset[str]] = frozenset({"inputs", "files", "session_id", "callback_url"})
    default_base_url: ClassVar[str | None] = "https://api.fluxprompt.ai"
    qualified: ClassVar[Mapping[str, str]] = {
        "text": "a binding's `text` names the input that takes it",
        "stream": "`stream` gives the events of the finished answer",
        "recover": "a run that was accepted (HTTP 202) is asked for again",
    }
    shares_default_session: ClassVar[bool] = True
    options: ClassVar[frozenset[str]] = frozenset({"versionId", "typeOCR"})
    delivery_id: ClassVar[str | None] = wire.DELIVERY_ID
    operations: ClassVar[tuple[type[Operation[Any]], ...]] = operations_at(
        "agentbridge_fluxprompt.operations:OPERATIONS"
    )
    emulator: ClassVar[str | None] = "agentbridge_fluxprompt.emulator:make"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        """One item for each input; the flow, its version, the session and the callback stand in the query."""
        flow = flow_of(call)
        version = request.version_option(call.options) or flow.version
        return HttpRequest(
            "POST",
            root_of(call.base_url) + wire.RUN_PATH,
            query=request.query(invocation, flow.id, version),
            auth=authorization(call.api_key),
            json=request.body(invocation, call.options),
        )

    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        """The envelope, a run to be polled, a run that was polled, or one of the many shapes of a failure."""
        return answer.read(response)

    def build_poll(self, pending: Pending, call: Call) -> HttpRequest:
        """Always at the connection's own address: `statusUrl` may name another host, and the key must not go there."""
        if pending.id is None:
            raise UnsupportedFeatureError("pending", "it has no id, so there is nothing to ask for. Run the agent anew")
        url = f"{root_of(call.base_url)}{wire.EXECUTIONS_PATH}/{quote(pending.id, safe='')}"
        return HttpRequest("GET", url, auth=authorization(call.api_key))

    def read_callback(self, callback: HttpRequest) -> Result | Fault | None:
        """The text of one output node, or the consolidated answer of a run with `callback_url`."""
        return answer.read_callback(callback.content or b"")

    def read_request(self, request: HttpRequest) -> Invocation | None:
        """What a recorded call said; see `requested`."""
        from . import requested

        return requested.invocation(request)
