"""What a fault says of itself, against the table of what follows from its kind."""

from __future__ import annotations

from ...faults import MAY_HAVE_RUN, RETRYABLE, Fault, FaultKind, complete, fault_from_status


def disagreement(fault: Fault, status: int) -> str | None:
    """What a fault says against the table in docs/errors.md; None where it agrees. `status` is the HTTP status."""
    known, kind = complete(fault, status), fault.kind
    if known.retryable is not (kind in RETRYABLE):
        return f"retryable is {known.retryable}"
    redirected = 300 <= status <= 399 or (fault.code or "").startswith("3")
    if kind in MAY_HAVE_RUN and not redirected and not known.may_have_run:
        return "may_have_run is False, and what ran would be run and paid for twice"
    could = kind in MAY_HAVE_RUN or kind is FaultKind.UNAVAILABLE or fault.partial is not None
    if known.may_have_run and not could and not fault_from_status(status).may_have_run:
        return "may_have_run is True, though nothing ran"
    return None
