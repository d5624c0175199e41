"""The next vendor where the first one could not: the candidates of a call, run one after the other as one exchange."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import attrs

from ..commands import Release, Steps, Use
from ..directory import Directory, Located
from ..errors import AgentBridgeError, InvocationError, UnsupportedFeatureError
from ..exchange.plans import RunPlan
from ..model import Invocation, Pending, Tried
from .runs import Mode, PlannedRun, plan_run
from .settings import Settings, described
from .settling import settled

if TYPE_CHECKING:
    from ..exchange.streaming import StreamPlan

T = TypeVar("T")


class Candidate(Protocol):
    """The plan of one exchange that may come after others."""

    def after(self, tried: tuple[Tried, ...], spent: float, *, more: bool) -> Self: ...


P = TypeVar("P", bound=Candidate)


def plan_call(
    directory: Directory,
    defaults: Settings,
    target: str | Invocation,
    text: str | None,
    fields: Mapping[str, Any],
    *,
    mode: Mode = "invoke",
) -> PlannedRun:
    """Plan a run at the vendor that a call names, and at those that are its fallback.

    Raises what `plan_run` raises, for each of them before anything is sent.
    """
    invocation, settings, fallback = described(target, text, fields)
    places = directory.resolve(invocation.target)

    def planned(place: Located) -> PlannedRun:
        return plan_run(directory, settled(directory, defaults, settings, place), invocation, mode=mode)

    if len(places) == 1 or not fallback:
        return planned(places[0])
    first, *others = [
        _candidate(planned, place, f"{number} of {len(places)}") for number, place in enumerate(places, 1)
    ]
    return attrs.evolve(first, others=tuple(others))


class Chain(Generic[P, T]):
    """One call, and the candidate that is asked now.

    The next one is asked where the run of the one before surely never began; so nothing was handed out by then. Each
    has its own retries, and all of them one total time.
    """

    def __init__(
        self, exchange: Callable[[P, float], Steps[T]], planned: PlannedRun, plan_of: Callable[[PlannedRun], P]
    ) -> None:
        self._exchange = exchange
        self._plan_of = plan_of
        self._asked = planned
        self._others = planned.others

    def begin(self, started: float) -> Steps[T]:
        """The whole call as one exchange."""
        return self._steps(started) if self._others else self._exchange(self._plan_of(self._asked), started)

    def pending(self) -> Pending | None:
        """How the run can be found again, as far as that is known before its answer."""
        return self._asked.pending()

    def _steps(self, started: float) -> Steps[T]:
        now, tried, others = started, (), iter(self._others)  # type: tuple[float, tuple[Tried, ...], Any]
        while True:
            other = next(others, None)
            plan = self._plan_of(self._asked).after(tried, now - started, more=other is not None)
            try:
                return (yield from self._exchange(plan, now))
            except InvocationError as error:
                if error.may_have_run or other is None:
                    raise
                tried = (*tried, _tried(error, tried))
            self._asked = other
            yield Release()
            now = (yield Use(other.connection, other.plan.asked)).now


def plan_of(planned: PlannedRun) -> RunPlan:
    """The plan of a run that is waited for."""
    return planned.plan


def streamed_of(planned: PlannedRun) -> StreamPlan:
    """The plan of a run whose answer is taken piece by piece."""
    return planned.streamed


def _tried(error: InvocationError, before: tuple[Tried, ...]) -> Tried:
    return Tried(
        connection=error.connection,
        agent=error.agent,
        error=type(error).__name__,
        message=str(error),
        status=error.status,
        attempts=error.attempts - sum(one.attempts for one in before),
    )


def _candidate(planned: Callable[[Located], PlannedRun], place: Located, number: str) -> PlannedRun:
    try:
        return planned(place)
    except AgentBridgeError as error:
        _say_of_whom(error, place, number)
        raise


def _say_of_whom(error: AgentBridgeError, place: Located, number: str) -> None:
    """Name the candidate that cannot do it, where there are several."""
    hint = f" (this is {place.connection!r}, candidate {number}; fallback=False asks the first one alone)"
    if isinstance(error, UnsupportedFeatureError):
        error.why += hint
        error.args = (error.feature, error.why)
    else:
        error.args = (f"{error}{hint}",)
