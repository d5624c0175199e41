"""All that is fixed of an exchange before the first byte is sent."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable
from typing import Any, Self

import attrs

from ..commands import Send
from ..model import Pending, Result, Tried
from ..pacing import Pace
from ..retry import DEFAULT_RETRIES, DEFAULT_TIMEOUTS, RetryPolicy, Timeouts
from ..verdict import Asked, Failure, judge_run
from ..wire import HttpResponse, NoAnswer


def no_trace() -> None:
    """A run that leaves none: without its answer it cannot be found again."""


def _timeouts(given: Timeouts | None) -> Timeouts:
    return given or DEFAULT_TIMEOUTS


def _retry(given: RetryPolicy | None) -> RetryPolicy:
    return given or DEFAULT_RETRIES


@attrs.frozen(kw_only=True, slots=False)
class Plan:
    """All that is fixed before the first byte is sent.

    `timeouts` and `retry` None are the defaults; `luck` gives the chance in the delays between attempts, from 0 to 1.
    `lost` says how a run can be found again when its answer does not arrive. `turn` names what only one exchange at a
    time may act on, a session. `read` says what an answer means. `pace` keeps the limits of the connection, if it has
    any. `tried` are the vendors that were asked before in this call, which took `spent` seconds.
    """

    asked: Asked
    send: Send
    timeouts: Timeouts = attrs.field(default=None, converter=_timeouts)
    retry: RetryPolicy = attrs.field(default=None, converter=_retry)
    luck: Callable[[], float] = random.random
    lost: Callable[[], Pending | None] = no_trace
    turn: Hashable = None
    read: Callable[[HttpResponse], Any]
    pace: Pace | None = None
    tried: tuple[Tried, ...] = ()
    spent: float = 0.0

    def after(self, tried: tuple[Tried, ...], spent: float, *, more: bool) -> Self:
        """The same plan, for the case that others could not; `more` may still come after it."""
        return attrs.evolve(self, tried=tried, spent=spent)

    def located(self, pending: Pending, known: Pending, started_at: str | None = None) -> Pending:
        """A run as its provider names it, with what was `known` of it before and what the core knows."""
        asked = self.asked
        return attrs.evolve(
            pending,
            id=pending.id or known.id,
            provider=asked.provider,
            connection=asked.connection,
            agent=asked.agent,
            session_id=pending.session_id or known.session_id or asked.session_id,
            started_at=pending.started_at or known.started_at or started_at,
            callback_id=pending.callback_id or known.callback_id,
        )


@attrs.frozen(kw_only=True, slots=False)
class RunPlan(Plan):
    """The plan of an agent's run. `build_poll` makes the request that asks for it again."""

    build_poll: Callable[[Pending], Send]
    tool_errors: str

    def judged(self, answer: HttpResponse | NoAnswer, wall: float) -> Result | Pending | Failure:
        """What an answer to this run, or to a poll of it, means."""
        return judge_run(self.read, answer, wall, self.tool_errors)
