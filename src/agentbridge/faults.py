"""What went wrong, as data: the kind of a fault, and the facts that follow from it unless the vendor says more."""

from __future__ import annotations

import datetime as dt
import email.utils
import enum
import http
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

if TYPE_CHECKING:
    from .model import Pending, Result


class FaultKind(enum.Enum):
    """What a vendor's refusal means. Kind and HTTP status are independent: an HTTP 200 may hold any of these."""

    AUTHENTICATION = "authentication"
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    INVALID_REQUEST = "invalid_request"
    RATE_LIMITED = "rate_limited"
    QUOTA_EXCEEDED = "quota_exceeded"
    UNAVAILABLE = "unavailable"
    EXECUTION = "execution"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


def _as_text(code: str | int | None) -> str | None:
    return None if code is None else str(code)


@attrs.frozen
class Fault:
    """One refusal or failure, as a provider read it.

    None for `retry_after` (seconds), `retryable` and `may_have_run` means: what the kind and the status imply.
    `code` is the vendor's own code or inner status. `partial` is what did arrive. `pending` is the run, where the vendor
    told enough of it before it failed to answer: a stream that named its run and broke off.
    """

    kind: FaultKind
    message: str
    code: str | None = attrs.field(default=None, converter=_as_text)
    retry_after: float | None = None
    retryable: bool | None = None
    may_have_run: bool | None = None
    partial: Result | None = None
    pending: Pending | None = None


RETRYABLE = frozenset({FaultKind.RATE_LIMITED, FaultKind.UNAVAILABLE})
MAY_HAVE_RUN = frozenset({FaultKind.EXECUTION, FaultKind.INTERRUPTED, FaultKind.UNKNOWN})

_BY_STATUS = {
    401: FaultKind.AUTHENTICATION,
    402: FaultKind.QUOTA_EXCEEDED,
    403: FaultKind.PERMISSION,
    404: FaultKind.NOT_FOUND,
    408: FaultKind.UNAVAILABLE,
    425: FaultKind.UNAVAILABLE,
    429: FaultKind.RATE_LIMITED,
    502: FaultKind.UNAVAILABLE,
    503: FaultKind.UNAVAILABLE,
    504: FaultKind.UNAVAILABLE,
}
_GAVE_UP_WAITING = frozenset(
    {408, 425, 502, 504, *range(520, 530)}
)  # a proxy in front no longer waits; the run may go on


def fault_from_status(
    status: int,
    message: str = "",
    *,
    code: str | int | None = None,
    partial: Result | None = None,
) -> Fault:
    """The fault that a status means when nothing else is known, be it the HTTP status or one inside the body.

    Redirects are faults, since they are never followed. A status that is no error is `UNKNOWN`.
    """
    kind = _kind_of(status)
    return Fault(
        kind=kind,
        message=message or reason_phrase(status),
        code=code,
        retryable=kind in RETRYABLE,
        may_have_run=_may_have_run(kind, status),
        partial=partial,
    )


def complete(fault: Fault, status: int) -> Fault:
    """Fill in what the provider left open: by the HTTP status where it tells of the same kind, else by the kind.

    A time to wait that is none, as -1 or NaN, is left out.
    """
    same = _kind_of(status) is fault.kind
    may_have_run = _may_have_run(fault.kind, status) if same else fault.kind in MAY_HAVE_RUN
    return attrs.evolve(
        fault,
        message=str(fault.message).strip() or reason_phrase(status),
        retry_after=_number(fault.retry_after),
        retryable=fault.kind in RETRYABLE if fault.retryable is None else fault.retryable,
        may_have_run=may_have_run if fault.may_have_run is None else fault.may_have_run,
    )


def parse_retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds to wait by `retry-after-ms` (milliseconds) or `Retry-After` (seconds or a date); None where neither is usable.

    A date is compared with the answer's own `Date`, so that a wrong clock here does no harm; else with `wall`,
    seconds since the epoch. A date in the past is 0; what is negative, endless or no number is ignored.
    """
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = headers.get("retry-after")
    seconds = _number(value)
    if seconds is None and (until := _date(value)) is not None:
        return max(0.0, until - (_date(headers.get("date")) or wall))
    return seconds


def reason_phrase(status: int) -> str:
    """The standard phrase of a status, also where there is none."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "the vendor reported a failure without a message"


def _kind_of(status: int) -> FaultKind:
    if 400 <= status <= 499:
        return _BY_STATUS.get(status, FaultKind.INVALID_REQUEST)
    if 520 <= status <= 529:
        return FaultKind.UNAVAILABLE
    return _BY_STATUS.get(status, FaultKind.UNKNOWN)


def _may_have_run(kind: FaultKind, status: int) -> bool:
    redirected = status // 100 == 3
    return status in _GAVE_UP_WAITING or (kind in MAY_HAVE_RUN and not redirected)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _date(value: Any) -> float | None:
    try:
        date = email.utils.parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=dt.UTC)).timestamp()  # dates of HTTP are all in GMT
    except (TypeError, ValueError, OverflowError):
        return None
