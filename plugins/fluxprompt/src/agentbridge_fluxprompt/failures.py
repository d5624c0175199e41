"""Whether a body says that the call failed, and which status counts: one decision for answers, callbacks and operations."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from agentbridge import Fault, FaultKind, fault_from_status

from . import wire

NO_MESSAGE = "the vendor reported a failure without a message"


def failure(
    body: dict[str, Any],
    status: int = 200,
    *,
    signs: Iterable[wire.Sign] = wire.SIGNS,
    kind: FaultKind = FaultKind.UNKNOWN,
) -> Fault | None:
    """The failure that a body holds, whatever its HTTP status; by its documented signs, never by prose.

    Of two statuses the outer one decides on access, else the inner one. `kind` is that of a failure without any.

    Raises:
        ValueError: the HTTP status refuses, and the body does not say why: the core then shows it beside the status.
    """
    refused, inner = not 200 <= status <= 299, wire.inner_status(body)
    if not refused and inner is None and not any(sign(body) for sign in signs):
        return None
    wire.compare_failure(body)
    message = wire.message_of(body)
    if refused and not message:
        raise ValueError("a refusal without a message")
    if refused:
        return fault_from_status(status if status in {401, 403} else inner or status, message, code=inner)
    return Fault(kind, message or NO_MESSAGE) if inner is None else fault_from_status(inner, message, code=inner)
