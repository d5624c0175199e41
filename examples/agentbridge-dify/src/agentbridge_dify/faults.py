"""Dify's failures: one envelope of `code`, `message` and `status`, as a body or as an `error` event.

Source: https://docs.dify.ai/en/api-reference/guides/errors (guides/errors.mdx): "`code` is the stable identifier to
branch on", and "The event's `code` values are the same ones documented here—classify them with the same rules".
"""

from typing import Any

from attrs import evolve

from agentbridge import Fault, FaultKind, HttpResponse, fault_from_status
from agentbridge_dify.wire import ErrorBody

# Only the codes that mean something else than their status.
_KINDS = {
    # "a concurrency ceiling … Back off and retry": refused before the run.
    "too_many_requests": FaultKind.RATE_LIMITED,
    # "a plan quota on Dify Cloud, such as workflow executions. Retrying won't clear it".
    "rate_limit_error": FaultKind.QUOTA_EXCEEDED,
    # A 400, "the model provider's own quota ran out": "retrying won't help".
    "provider_quota_exceeded": FaultKind.QUOTA_EXCEEDED,
    # A 400, "an error occurred while making a completion request": the run was on its way.
    "completion_request_error": FaultKind.EXECUTION,
    # "Something failed on Dify's side"; "Retry with backoff: too_many_requests, 500, and network failures."
    "internal_server_error": FaultKind.UNAVAILABLE,
}
_HINTS = {
    "not_chat_app": "the key is not of a chat app: call it by the provider dify-workflow",
    "not_workflow_app": "the key is not of a workflow app: call it by the provider dify",
}


def fault_of(response: HttpResponse) -> Fault:
    """The fault of an answer that is no 2xx. An unreadable body raises, and the core takes the status."""
    return envelope_fault(response.json(), response.status)


def envelope_fault(body: Any, status: int) -> Fault:
    """The fault of an envelope; `status` counts where the envelope has none."""
    error, _ = ErrorBody.parse(body)
    message = _message(error)
    kind = _KINDS.get(error.code or "")
    if kind is None:
        return fault_from_status(error.status or status, message, code=error.code)
    # A failure on Dify's side may come at any time of the run; else the kind says what is known.
    return Fault(kind, message, code=error.code, may_have_run=True if kind is FaultKind.UNAVAILABLE else None)


def event_fault(body: Any, *, started: bool, run_failed: bool) -> Fault:
    """The fault of an `error` event, which comes inside an HTTP 200."""
    fault = envelope_fault(body, 500)
    if run_failed and fault.code not in _KINDS:
        # `workflow_finished` said before that the flow ran and failed; the event's status says less.
        fault = evolve(fault, kind=FaultKind.EXECUTION, retryable=False)
    return evolve(fault, may_have_run=True) if started or run_failed else fault


def _message(error: ErrorBody) -> str:
    message = error.message or "Dify gave no message"
    hint = _HINTS.get(error.code or "")
    return message if hint is None else f"{message} ({hint})"
