"""The Provider of Promptitude: flows, through `POST /v1/flows/{id}/generate`."""

from __future__ import annotations

import json
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from agentbridge import (
    Call,
    Fault,
    FaultKind,
    HttpRequest,
    HttpResponse,
    Invocation,
    JsonValue,
    Provider,
    Result,
    UnsupportedFeatureError,
    fault_from_status,
)

from . import wire


class Promptitude(Provider):
    """Promptitude's flows. They take named inputs and the id of an end user, and keep no conversation."""

    name: ClassVar[str] = "promptitude"
    accepts: ClassVar[frozenset[str]] = frozenset({"inputs", "user_id"})
    default_base_url: ClassVar[str | None] = "https://api.promptitude.io/v1"
    emulator: ClassVar[str | None] = "agentbridge_promptitude.emulator:make"

    def build_request(self, invocation: Invocation, call: Call) -> HttpRequest:
        """The inputs and nothing else: `steps` comes from options, where an empty list means "all" (S002)."""
        if "?" in call.base_url:
            raise UnsupportedFeatureError(
                "base_url", "a query there would end up in the middle of the URL. Leave it out"
            )
        if wire.KEY_IN_BODY in call.options:
            raise UnsupportedFeatureError(
                f"options[{wire.KEY_IN_BODY!r}]",
                "the key travels in the Authorization header only. Give it as the connection's api_key",
            )
        body: dict[str, Any] = {"flow": {"inputs": dict(invocation.inputs)}}
        if invocation.user_id is not None:
            body["userId"] = invocation.user_id
        return HttpRequest(
            "POST",
            f"{call.base_url}/flows/{quote(_flow_id(call.agent), safe='')}/generate",
            auth={"Authorization": f"Bearer {call.api_key}"} if call.api_key else {},
            json=body,
        )

    def read(self, response: HttpResponse) -> Result | Fault:
        """A failure by flag, code or status, in any combination; else `results.result` is the proof of an answer."""
        envelope, warnings = wire.Envelope.parse(response.json())
        if envelope.is_flagged or envelope.is_error_code or not response.ok:
            return _fault(envelope, response)
        if envelope.code is not None and not 200 <= (envelope.number or 0) <= 299:
            raise ValueError("a code that is neither a success nor an error")
        if envelope.results is None or not envelope.results.proven:
            raise ValueError("no results.result")
        return _result(envelope.results, warnings)


def _flow_id(agent: str) -> str:
    """The id of a flow, also from a copied endpoint URL. Its host is not asked: only base_url says who gets the key."""
    copied = wire.FLOW_IN_URL.search(agent)
    return unquote(copied.group(1)) if copied else agent


def _fault(envelope: wire.Envelope, response: HttpResponse) -> Fault:
    """The body's code decides where it is an error, then the HTTP status; the flag alone means a failed flow."""
    if envelope.is_empty:
        raise ValueError("an error, but not in Promptitude's envelope")  # the core then shows what it is
    message, code, partial = envelope.complaint, envelope.code_text, _partial(envelope.results)
    if envelope.is_error_code:
        return fault_from_status(envelope.number or 0, message, code=code, partial=partial)
    if not response.ok:
        return fault_from_status(response.status, message, code=code, partial=partial)
    message = message or "the flow failed without a message"
    return Fault(FaultKind.EXECUTION, message, code=code, partial=partial)


def _partial(results: wire.Results | None) -> Result | None:
    """What came with an error: an output, or at least the id of the log."""
    return _result(results, ()) if results and (results.proven or results.logId) else None


def _result(results: wire.Results, warnings: tuple[str, ...]) -> Result:
    text = "" if results.result is None else _text(results.result)
    return Result(text=text, output=results.result, id=results.logId, warnings=warnings)


def _text(value: JsonValue) -> str:
    """The output for a reader: text as it is (also where it is JSON), a list of texts by lines, else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return json.dumps(value, ensure_ascii=False, indent=2)
