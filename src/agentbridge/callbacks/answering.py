"""From the callbacks of a run to its Result, or to the error that they tell of. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TypeAlias

import attrs

from ..errors import ConfigurationError, InvocationError, ResponseTimeoutError
from ..faults import Fault, FaultKind
from ..model import Pending, Result
from ..provider import Provider
from ..rules import FaultRule, taught
from ..verdict import Asked, Failure, error_of, judge_run
from ..wire import HttpRequest, HttpResponse
from .deciding import Delivery

_EMPTY = "empty answer"
Read: TypeAlias = Callable[[Delivery], Result | Fault | None]


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


def asked(pending: Pending, url: str, secrets: frozenset[str]) -> Asked:
    """Who was asked, for the errors."""
    return Asked(
        provider=pending.provider,
        connection=pending.connection,
        agent=pending.agent,
        request=HttpRequest("POST", url),
        session_id=pending.session_id,
        secrets=secrets,
    )


def reader(provider: Provider, rules: Sequence[FaultRule]) -> Read:
    """How callbacks are read: the fault rules of their connection go before, to which a callback is a 200."""

    def read(delivery: Delivery) -> Result | Fault | None:
        callback = HttpRequest("POST", "", headers=dict(delivery.headers), content=delivery.body)
        return taught(lambda _: provider.read_callback(callback), rules)(_as_200(delivery))

    return read


def not_in_time(read: Read, who: Asked, pending: Pending, came: Sequence[Delivery], when: str) -> InvocationError:
    """No answer came, or not all of them; what came is in `partial`, and what else came is named."""
    judged = [_judged(read, delivery, "report") for delivery in came if delivery.is_answer]
    there = [value for value in judged if isinstance(value, Result)]
    others = sorted({delivery.verdict for delivery in came if not delivery.is_answer})
    said = [f"{len(there)} of more answers came {when}" if there else f"no callback came {when}"]
    said += [f"what came was {', '.join(others)}"] if others else []
    partial = _joined(there) if there else None
    fault = Fault(FaultKind.UNKNOWN, "; ".join(said), retryable=True, may_have_run=True, partial=partial)
    return error_of(Failure(ResponseTimeoutError, fault), who, attempts=0, pending=pending)


def result(read: Read, who: Asked, pending: Pending, answers: Sequence[Delivery], tool_errors: str) -> Result:
    """The Result of all answers, in the order in which they came. Raises InvocationError for the first that is a failure."""
    results: list[Result] = []
    for delivery in answers:
        value = _judged(read, delivery, tool_errors)
        if isinstance(value, Failure):
            raise error_of(_with_partial(value, results), who, attempts=0, pending=pending)
        results.append(value)
    joined = _joined(results)
    empty = () if joined.text.strip() or _EMPTY in joined.warnings else (_EMPTY,)
    return attrs.evolve(
        joined,
        warnings=(*joined.warnings, *empty),
        provider=pending.provider,
        connection=pending.connection,
        agent=pending.agent,
        id=results[-1].id or pending.id,
        session_id=results[-1].session_id or pending.session_id,
        response=_evidence(answers[-1]),
        elapsed=_elapsed(pending, answers[-1]),
    )


def _judged(read: Read, delivery: Delivery, tool_errors: str) -> Result | Failure:
    """As an answer is judged: a plugin may raise what it likes."""
    value = judge_run(lambda _: read(delivery) or _nothing(), _as_200(delivery), delivery.at, tool_errors)
    if isinstance(value, Pending):
        value = Failure(ResponseTimeoutError, Fault(FaultKind.UNKNOWN, "the callback says that the run still goes on"))
    return attrs.evolve(value, response=_evidence(delivery)) if isinstance(value, Failure) else value


def _nothing() -> Fault:
    return Fault(FaultKind.UNKNOWN, "the callback holds no answer", may_have_run=True)


def _evidence(delivery: Delivery) -> HttpResponse:
    """The callback as the answer that it is. It has no HTTP status: it is the vendor's request, not its response."""
    return HttpResponse(0, dict(delivery.headers), delivery.body)


def _as_200(delivery: Delivery) -> HttpResponse:
    """The callback as an answer that can be a success at all."""
    return attrs.evolve(_evidence(delivery), status=200)


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
