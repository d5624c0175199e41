"""What all endpoints of FlowGent share: the address, the key, and how they say no."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import attrs

from agentbridge import (
    Call,
    Fault,
    FaultKind,
    HttpRequest,
    HttpResponse,
    UnsupportedFeatureError,
    fault_from_status,
)
from agentbridge.reading import said, whole

from . import wire


def request(call: Call, method: str, *steps: str, **more: Any) -> HttpRequest:
    """A request below `/agent`. The key stands in Authorization without a scheme (S003)."""
    if "?" in call.base_url:
        raise UnsupportedFeatureError("base_url", "a query there would end up in the middle of the URL. Leave it out")
    path = "/".join(("agent", *(quote(step, safe="") for step in steps)))
    auth = {"Authorization": call.api_key} if call.api_key else {}
    return HttpRequest(method, f"{call.base_url}/{path}", auth=auth, **more)


def agent_id(agent: str) -> str:
    """The id of an agent, also from a copied endpoint URL. Its host is not asked: only base_url says who gets the key."""
    copied = wire.AGENT_IN_URL.search(agent)
    return unquote(copied.group(1)) if copied else agent


def refusal(envelope: wire.Envelope, details: Mapping[str, Any], response: HttpResponse) -> Fault | None:
    """What went wrong, by either status or by `error`; None where nothing says so."""
    statuses = _failed_statuses([envelope.inner, whole(details.get("statusCode"))], response)
    if statuses:
        return _refused(statuses, envelope, details)
    return _failed(envelope, details) if wire.is_error(details["error"]) else None


def _failed_statuses(inner: list[int | None], response: HttpResponse) -> list[int]:
    """The statuses that say no: inner, outer or both. The HTTP status alone proves nothing (S003).

    A body that has a `statusCode` of its own is an envelope that was wrapped once more (INF, as of Lambda proxies).
    """
    inner_failed = [status for status in inner if status is not None and not 200 <= status <= 299]
    return inner_failed + [response.status] * (not response.ok)


def _refused(statuses: list[int], envelope: wire.Envelope, details: Mapping[str, Any]) -> Fault:
    """The fault of the worse status (INF): one that trying again does not mend, then the higher.

    Where the other one says that the agent may have run, that counts too.
    """
    message = _complaint(details)
    if envelope.inner is None and not message:
        raise ValueError("an error, but not in FlowGent's words")  # the core then shows what it is
    fault = fault_from_status(max(statuses, key=_badness), message, code=envelope.code)
    return attrs.evolve(fault, may_have_run=any(fault_from_status(status).may_have_run for status in statuses))


def _badness(status: int) -> tuple[bool, int]:
    return not fault_from_status(status).retryable, status


def _failed(envelope: wire.Envelope, details: Mapping[str, Any]) -> Fault:
    """An error that no status tells of: by its documented sentence where it has no inner status, else the run failed."""
    message = _complaint(details) or "the agent failed without a message"
    status = wire.STATUS_OF_SENTENCE.get(said(details["error"])) if envelope.is_flat else None
    if status is not None:
        return fault_from_status(status, message)
    return Fault(FaultKind.EXECUTION, message, code=envelope.code)


def _complaint(details: Mapping[str, Any]) -> str:
    """`message` and `error`: in a 503 the one is general and the other has the reason, in a 402 they are the same (S003)."""
    return ": ".join(dict.fromkeys(filter(None, (said(details["message"]), said(details["error"])))))
