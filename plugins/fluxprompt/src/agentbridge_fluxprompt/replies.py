"""What the answers of operations mean. By status; in a 2xx by the documented signs of a failure; never by prose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from agentbridge import Fault, FaultKind, HttpResponse, fault_from_status

from . import wire

T = TypeVar("T")

_NO_MESSAGE = "the vendor reported a failure without a message"


def read(response: HttpResponse, parse: Callable[[dict[str, Any]], T]) -> T | Fault:
    """What `parse` makes of a success; a failure in any of the vendor's shapes is a Fault.

    Raises:
        ValueError: it is no JSON object, or lacks the proof of success.
    """
    body = response.json()
    if not isinstance(body, dict):
        raise ValueError("the answer is no JSON object")
    return failure(response, body) or parse(body)


def failure(response: HttpResponse, body: dict[str, Any]) -> Fault | None:
    """The failure that a body holds, whatever its HTTP status. Of two statuses the outer one decides on access."""
    inner = wire.inner_status(body)
    if response.ok and inner is None and not _says_failed(body):
        return None
    wire.compare_failure(body)
    message = wire.message_of(body)
    if response.ok:
        if inner is None:  # says that it failed, and no status says how
            return Fault(FaultKind.UNKNOWN, message or _NO_MESSAGE)
        return fault_from_status(inner, message, code=inner)
    if not message:
        raise ValueError("a refusal without a message")  # the core then shows the body beside the status
    status = response.status
    return fault_from_status(status if status in {401, 403} else inner or status, message, code=inner)


def _says_failed(body: dict[str, Any]) -> bool:
    """The error envelope, the one of memory pods, or an error object as completions have it (vendor docs: all three)."""
    return body.get("success") is False or wire.is_error_envelope(body) or isinstance(body.get("error"), dict)


def doubtful(body: dict[str, Any]) -> Fault | None:
    """A failure that an acknowledgement nobody documented tells of in any way: nobody would notice it later.

    `error` filled, as in the flat body of a run that threw (vendor docs); a status or code that is no success, also as
    text (an inference).
    """
    code = next((str(body[name]) for name in ("statusCode", "code") if _is_refusal(body.get(name))), None)
    if code is not None:
        return fault_from_status(int(code), wire.message_of(body), code=code)
    if body.get("error") or wire.word(body.get("status")) == wire.FAILED:
        return Fault(FaultKind.UNKNOWN, wire.message_of(body) or _NO_MESSAGE)
    return None


def _is_refusal(code: Any) -> bool:
    return str(code).isdecimal() and 400 <= int(code) <= 599
