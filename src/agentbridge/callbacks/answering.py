"""From the callbacks of a run to its Result, or to the error that they tell of. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import attrs

from ..errors import ConfigurationError, InvocationError, ResponseTimeoutError
from ..faults import Fault, FaultKind
from ..model import Pending, Result
from ..provider import Provider
from ..verdict import Asked, Failure, error_of, judge_run
from ..wire import HttpRequest, HttpResponse
from .deciding import Delivery, as_request

_EMPTY = "empty answer"
SHORTEST_SECRET = 16  # characters of a secret that a user gives


def check_pending(pending: object) -> None:
    """Raise ConfigurationError for what is no run."""
    if not isinstance(pending, Pending):
        raise ConfigurationError(f"expected a Pending, not {type(pending).__name__}")


def run_of(pending: Pending) -> str:
    """How the store knows a run. Raises ConfigurationError where no receiver was told of it."""
    check_pending(pending)
    if pending.callback_id is None:
        raise ConfigurationError("this run was not submitted with callbacks=: nothing is sent here for it")
    return pending.callback_id


def asked(pending: Pending, url: str) -> Asked:
    """Who was asked, for the errors."""
    return Asked(
        provider=pending.provider,
        connection=pending.connection,
        agent=pending.agent,
        request=HttpRequest("POST", url),
        session_id=pending.session_id,
    )


def not_in_time(
    provider: Provider, who: Asked, pending: Pending, came: Sequence[Delivery], when: str
) -> InvocationError:
    """No answer came, or not all of them; what came is in `partial`, and what else came is named."""
    read = [_judged(provider, delivery, "report") for delivery in came if delivery.is_answer]
    there = [value for value in read if isinstance(value, Result)]
    others = sorted({delivery.verdict for delivery in came if not delivery.is_answer})
    said = [f"{len(there)} of more answers came {when}" if there else f"no callback came {when}"]
    said += [f"what came was {', '.join(others)}"] if others else []
    partial = _joined(there) if there else None
    fault = Fault(FaultKind.UNKNOWN, "; ".join(said), retryable=True, may_have_run=True, partial=partial)
    return error_of(Failure(ResponseTimeoutError, fault), who, attempts=0, pending=pending)


def result(provider: Provider, who: Asked, pending: Pending, answers: Sequence[Delivery], tool_errors: str) -> Result:
    """The Result of all answers, in the order in which they came. Raises InvocationError for the first that is a failure."""
    read: list[Result] = []
    for delivery in answers:
        value = _judged(provider, delivery, tool_errors)
        if isinstance(value, Failure):
            raise error_of(_with_partial(value, read), who, attempts=0, pending=pending)
        read.append(value)
    joined = _joined(read)
    empty = () if joined.text.strip() or _EMPTY in joined.warnings else (_EMPTY,)
    return attrs.evolve(
        joined,
        warnings=(*joined.warnings, *empty),
        provider=pending.provider,
        connection=pending.connection,
        agent=pending.agent,
        id=read[-1].id or pending.id,
        session_id=read[-1].session_id or pending.session_id,
        response=_evidence(answers[-1]),
        elapsed=_elapsed(pending, answers[-1]),
    )


def _judged(provider: Provider, delivery: Delivery, tool_errors: str) -> Result | Failure:
    """As `read` is guarded: a plugin may raise what it likes. The 200 lets it count as a success at all."""
    answer = attrs.evolve(_evidence(delivery), status=200)
    value = judge_run(
        lambda _: provider.read_callback(as_request(delivery)) or _nothing(), answer, delivery.at, tool_errors
    )
    if isinstance(value, Pending):
        value = Failure(ResponseTimeoutError, Fault(FaultKind.UNKNOWN, "the callback says that the run still goes on"))
    return attrs.evolve(value, response=_evidence(delivery)) if isinstance(value, Failure) else value


def _nothing() -> Fault:
    return Fault(FaultKind.UNKNOWN, "the callback holds no answer", may_have_run=True)


def _evidence(delivery: Delivery) -> HttpResponse:
    """The callback as the answer that it is. It has no HTTP status: it is the vendor's request, not its response."""
    return HttpResponse(0, dict(delivery.headers), delivery.body)


def _joined(read: Sequence[Result]) -> Result:
    if len(read) == 1:
        return read[0]
    return attrs.evolve(
        read[-1],
        text="\n\n".join(one.text for one in read),
        output=[one.output for one in read],
        warnings=tuple(warning for one in read for warning in one.warnings),
    )


def _with_partial(failure: Failure, read: Sequence[Result]) -> Failure:
    if failure.fault.partial is not None or not read:
        return failure
    return attrs.evolve(failure, fault=attrs.evolve(failure.fault, partial=_joined(read)))


def _elapsed(pending: Pending, last: Delivery) -> float:
    try:
        started = dt.datetime.fromisoformat(pending.started_at or "")
    except ValueError:
        return 0.0
    return max(0.0, last.at - started.timestamp())
