"""Failures that no answer tells of: time that is up, a run that does not end, an answer that goes elsewhere."""

from __future__ import annotations

from ..errors import DeadlineExceededError, InvocationError, ResponseTimeoutError
from ..faults import Fault, FaultKind
from ..pacing import Pace
from ..verdict import DEADLINE, Failure
from ..wire import HttpResponse


def no_time_left(sent: bool) -> Failure:
    """The total time was up before the next request; `sent` says whether the run may have begun."""
    return Failure(DeadlineExceededError, Fault(FaultKind.UNKNOWN, DEADLINE, retryable=False, may_have_run=sent))


def never_finished(seconds: float) -> Failure:
    """A run that was accepted and polled did not finish in time."""
    message = f"the run was accepted, but did not finish within {seconds:g} s"
    return Failure(ResponseTimeoutError, Fault(FaultKind.UNKNOWN, message, retryable=True, may_have_run=True))


def not_at_turn(seconds: float) -> Failure:
    """Other calls of the same session did not finish in time; nothing was sent."""
    message = (
        f"not sent: after {seconds:.3g} s another call of the same session still runs."
        " Calls of one session run one after the other; serialize_sessions=False turns that off"
    )
    return _crowded(message)


def too_many(pace: Pace, seconds: float) -> Failure:
    """As many calls as the connection may have in flight did not finish in time; nothing was sent."""
    message = (
        f"not sent: after {seconds:.3g} s connection {pace.connection!r} still has {pace.limits.in_flight} in flight,"
        " as many as its limits allow. Give the call more time, or raise in_flight"
    )
    return _crowded(message)


def not_in_line(pace: Pace, seconds: float, wait: float | None = None) -> Failure:
    """The limits of the connection leave no room for a request in time; nothing was sent. `wait` is what is missing."""
    more = "" if wait is None else f", and is {wait:.3g} s short of its next request"
    message = (
        f"not sent: after {seconds:.3g} s connection {pace.connection!r} is kept to its limits, {pace.limits}{more}."
        " Give the call more time, or raise the limits if the vendor allows more"
    )
    return _crowded(message, wait)


def _crowded(message: str, wait: float | None = None) -> Failure:
    fault = Fault(FaultKind.UNAVAILABLE, message, retryable=True, may_have_run=False, retry_after=wait)
    return Failure(DeadlineExceededError, fault)


def not_polled(problem: str) -> Failure:
    """A run that was accepted cannot be asked for again."""
    message = f"the run was accepted, but cannot be polled: {problem}"
    return Failure(InvocationError, Fault(FaultKind.UNKNOWN, message, retryable=False, may_have_run=True))


def not_waited_for(response: HttpResponse | None) -> Failure:
    """The vendor says that it will answer by callback, which `invoke` cannot wait for."""
    message = "accepted, but the answer comes by callback: nothing here can wait for it"
    return Failure(InvocationError, Fault(FaultKind.UNKNOWN, message, retryable=False, may_have_run=True), response)
