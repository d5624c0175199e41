"""What a scripted answer or error is to the core: the evidence, the failure, the fault."""

from __future__ import annotations

import json

import attrs

from ..codec import plain
from ..errors import InvocationError, MalformedResponseError, ResponseTimeoutError, TransportError, error_class
from ..faults import Fault, FaultKind, complete, parse_retry_after
from ..model import Pending, Result
from ..verdict import NO_ANSWER, Failure
from ..wire import HttpResponse, NoAnswer

_JSON = {"content-type": "application/json"}
_STATUS = {
    FaultKind.AUTHENTICATION: 401,
    FaultKind.PERMISSION: 403,
    FaultKind.NOT_FOUND: 404,
    FaultKind.INVALID_REQUEST: 400,
    FaultKind.RATE_LIMITED: 429,
    FaultKind.QUOTA_EXCEEDED: 402,
    FaultKind.UNAVAILABLE: 503,
    FaultKind.UNKNOWN: 500,
}  # of errors that name none; 200 for all others, since vendors like to say so
_FACTS = {error: (retryable, may_have_run) for error, _, retryable, may_have_run in NO_ANSWER.values()}


def response_of(said: Result | Pending) -> HttpResponse:
    """The evidence of an answer: its own where it has one."""
    if isinstance(said, Result) and said.response.status:
        return said.response
    output = said.output if isinstance(said, Result) else plain(said)
    return HttpResponse(200, _JSON, json.dumps(plain(output)).encode())


def lost(error: TransportError) -> NoAnswer:
    """Why no answer came, as a transport says it."""
    return NoAnswer("timeout" if isinstance(error, ResponseTimeoutError) else "lost", error.message)


def failure_of(error: InvocationError) -> Failure:
    """The same failure as the core knows it, which then adds who was asked. A vendor's refusal has a status."""
    fault, response = fault_of(error), error.response
    if response is None and not isinstance(error, TransportError):
        status = 200 if isinstance(error, MalformedResponseError) else _STATUS.get(fault.kind, 200)
        response = HttpResponse(status, _JSON, json.dumps({"error": error.message}).encode())
    return Failure(type(error), complete(fault, 200 if response is None else response.status), response)


def waiting(failure: Failure, wall: float) -> Failure:
    """The failure with the time to wait that its response asks for, where its fault says none."""
    if failure.response is None or failure.fault.retry_after is not None:
        return failure
    wait = parse_retry_after(failure.response.headers, wall)
    return attrs.evolve(failure, fault=attrs.evolve(failure.fault, retry_after=wait))


def fault_of(error: InvocationError) -> Fault:
    """The fault of an error that a test may have made by its message alone."""
    fault = error.fault
    retryable, may_have_run = _FACTS.get(type(error), (None, None))
    told = next((kind for kind in FaultKind if isinstance(error, error_class(kind))), fault.kind)
    return attrs.evolve(
        fault,
        kind=told if fault.kind is FaultKind.UNKNOWN else fault.kind,
        message=error.message,
        retryable=retryable if fault.retryable is None else fault.retryable,
        may_have_run=may_have_run if fault.may_have_run is None else fault.may_have_run,
        pending=fault.pending or error.pending,
    )
