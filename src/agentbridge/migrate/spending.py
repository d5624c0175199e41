"""What a replay may spend, and what it has spent. The time is passed in."""

from __future__ import annotations

import threading

import attrs

from ..amounts import checked, count, positive

_NONE = "is no limit"


@attrs.frozen(kw_only=True)
class Budget:
    """Where a replay stops by itself; None means no limit.

    `calls` and `credits` are those of an arm of the ledger in all its runs, `minutes` are those of one run. Credits are
    counted when the vendor has named them, so calls that are under way then may go beyond.
    """

    calls: int | None = attrs.field(default=None, validator=checked(count, none=_NONE))
    credits: float | None = attrs.field(default=None, validator=checked(positive, none=_NONE))
    minutes: float | None = attrs.field(default=None, validator=checked(positive, none=_NONE))


class Spending:
    """What was spent, for all threads of a replay."""

    def __init__(self, budget: Budget, calls: int, cost: float, now: float) -> None:
        self._budget = budget
        self._calls = calls
        self._cost = cost
        self._until = None if budget.minutes is None else now + budget.minutes * 60
        self._lock = threading.Lock()

    def take(self, now: float) -> str | None:
        """Count one call more; where there may be none, why."""
        with self._lock:
            if (over := self._over(now)) is None:
                self._calls += 1
            return over

    def give_back(self) -> None:
        """A call that was counted is not made."""
        with self._lock:
            self._calls -= 1

    def add(self, cost: float | None) -> None:
        """What a call cost, in credits."""
        with self._lock:
            self._cost += cost or 0.0

    def _over(self, now: float) -> str | None:
        budget = self._budget
        if budget.calls is not None and self._calls >= budget.calls:
            return f"the budget of {budget.calls:,} calls is used up"
        if budget.credits is not None and self._cost >= budget.credits:
            return f"the budget of {budget.credits:g} credits is used up"
        if self._until is not None and now >= self._until:
            return f"the budget of {budget.minutes:g} minutes is used up"
        return None
