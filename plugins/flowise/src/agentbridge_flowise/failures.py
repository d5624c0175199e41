"""What it means that Flowise refused, or that a run failed: imported where one did, since most answers are none."""

from __future__ import annotations

import re
from typing import TypeAlias

from agentbridge import Fault, FaultKind, HttpResponse, Result, fault_from_status

from . import wire, wire_failures, wire_operations

Sentences: TypeAlias = tuple[tuple[re.Pattern[str], FaultKind], ...]

_SENTENCES: Sentences = (
    (wire_failures.UNAUTHORIZED, FaultKind.AUTHENTICATION),
    (wire_failures.QUOTA, FaultKind.QUOTA_EXCEEDED),
    (wire_failures.UNKNOWN_FLOW, FaultKind.NOT_FOUND),
    (wire_failures.NO_SUCH_FLOW, FaultKind.NOT_FOUND),
    (wire_failures.MODEL_REFUSED, FaultKind.EXECUTION),
    (wire_failures.IN_THE_RUN, FaultKind.EXECUTION),
)
_OF_ANSWERS: Sentences = (*wire_operations.SENTENCES, *_SENTENCES)
"""The services behind other paths make a 500 of whatever it was too, with the cause after a prefix of their own."""


def in_answer(response: HttpResponse) -> Fault:
    """What went wrong, by status or by body. Raises ValueError for what is no JSON."""
    if response.status == 429 and response.content_type == "text/html":
        # the flow's owner writes this message, it is plain text (S: utils/rateLimit.ts:94-126; T: rate_3)
        return fault_from_status(429, response.text)
    if response.status == 401 and response.text == wire_operations.UNKNOWN_KEY:
        return fault_from_status(401, response.text)
    body = response.json()
    if wire.is_failure(body):
        return _failure(wire_failures.Failure.model_validate(body))
    return fault_from_status(response.status, wire_failures.Refusal.model_validate(body).error)


def in_stream(message: str, partial: Result | None) -> Fault:
    """What an `error` event means: the same sentences, and otherwise a run that failed (S: SSEStreamer.ts)."""
    return Fault(_kind_of(message, _SENTENCES) or FaultKind.EXECUTION, message, partial=partial)


def _failure(body: wire_failures.Failure) -> Fault:
    """The status says what it was, but for a 500, where fixed sentences do; the first that matches whole counts."""
    kind = _kind_of(body.message, _OF_ANSWERS) if body.statusCode == 500 else None
    if kind is not None:
        return Fault(kind, body.message, code="500")
    return fault_from_status(body.statusCode, body.message, code=body.statusCode)


def _kind_of(message: str, sentences: Sentences) -> FaultKind | None:
    return next((kind for sentence, kind in sentences if sentence.fullmatch(message)), None)
