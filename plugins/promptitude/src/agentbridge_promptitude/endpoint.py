"""What all endpoints of Promptitude share: the address, the key, the envelope, and how it says no."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from agentbridge import (
    Call,
    Fault,
    FaultKind,
    HttpRequest,
    HttpResponse,
    JsonValue,
    Result,
    UnsupportedFeatureError,
    fault_from_status,
)

from . import wire


def request(call: Call, method: str, *steps: str, **more: Any) -> HttpRequest:
    """A request to the path of these steps, with the key where it belongs (S002)."""
    if "?" in call.base_url:
        raise UnsupportedFeatureError("base_url", "a query there would end up in the middle of the URL. Leave it out")
    path = "/".join(quote(step, safe="") for step in steps)
    auth = {"Authorization": f"Bearer {call.api_key}"} if call.api_key else {}
    return HttpRequest(method, f"{call.base_url}/{path}", auth=auth, **more)


def said(body: BaseModel) -> dict[str, Any]:
    """A body without what was not said."""
    return body.model_dump(exclude_none=True)


def opened(response: HttpResponse) -> wire.Envelope | Fault:
    """The envelope of a success; a failure by flag, code or status, in any combination."""
    envelope, _ = wire.Envelope.parse(response.json())
    if envelope.is_flagged or envelope.is_error_code or not response.ok:
        return _fault(envelope, response)
    if envelope.code is not None and envelope.number is None:
        raise ValueError("a code that is neither a success nor an error")
    return envelope


def generated(response: HttpResponse) -> Result | Fault:
    """What a flow or a prompt generated: `results.result` is the proof of an answer."""
    envelope = opened(response)
    if isinstance(envelope, Fault):
        return envelope
    results, warnings = wire.Results.parse(envelope.results)
    if not results.proven:
        raise ValueError("no results.result")
    return _result(results, warnings)


def _fault(envelope: wire.Envelope, response: HttpResponse) -> Fault:
    """The body's code decides where it is an error, then the HTTP status; the flag alone means a failed flow."""
    if envelope.is_empty:
        raise ValueError("an error, but not in Promptitude's envelope")  # the core then shows what it is
    message, code, partial = envelope.complaint, envelope.code_text, _partial(envelope.results)
    if envelope.is_error_code:
        return fault_from_status(envelope.number or 0, message, code=code, partial=partial)
    if not response.ok:
        return fault_from_status(response.status, message, code=code, partial=partial)
    return Fault(FaultKind.EXECUTION, message or "it failed without a message", code=code, partial=partial)


def _partial(value: JsonValue) -> Result | None:
    """What came with an error: an output, or at least the id of the log."""
    try:
        results, _ = wire.Results.parse(value)
    except ValueError:
        return None
    return _result(results) if results.proven or results.logId else None


def _result(results: wire.Results, warnings: tuple[str, ...] = ()) -> Result:
    text = "" if results.result is None else _text(results.result)
    return Result(text=text, output=results.result, id=results.logId, warnings=warnings)


def _text(value: JsonValue) -> str:
    """The output for a reader: text as it is (also where it is JSON), a list of texts by lines, else as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(value)
    return json.dumps(value, ensure_ascii=False, indent=2)
