"""The gate of live traffic: is the candidate surely worse than the primary, in the calls just made? Pure."""

from __future__ import annotations

import functools
import math
from collections import deque
from collections.abc import Iterable, Sequence

import attrs

from .. import amounts
from ..amounts import checked
from .comparing.statistics import newcombe, wilson

_LEAVES_OUT = "leaves that out"


def _confidence(name: str, value: object, remedy: str) -> float:
    return amounts.number(name, value, "a share above 0 and below 1", lambda given: 0 < given < 1, remedy)


@attrs.frozen
class Seen:
    """One call as the gate sees it: whether it was answered, and how long it took, in seconds."""

    ok: bool
    seconds: float


@attrs.frozen(kw_only=True)
class LiveGate:
    """When a candidate is rolled back by itself.

    It breaks where the calls of the `window` (the last ones of each vendor) say with this `confidence` that the
    candidate's share of failures is more than `max_failure_increase` above the primary's, or that the median time of
    its answers is more than `max_latency_ratio` times the primary's; None leaves that out. It is looked at after each
    call, so a low confidence breaks by chance sooner or later: with 0.999 two equal vendors that fail one call in ten are
    told apart in about 2 of 100 runs of 1,000 calls. `min_calls` of the candidate are waited for; the times are
    compared where both have as many answers.
    """

    window: int = attrs.field(default=200, validator=checked(amounts.count))
    min_calls: int = attrs.field(default=10, validator=checked(amounts.count))
    max_failure_increase: float | None = attrs.field(default=0.02, validator=checked(amounts.share, none=_LEAVES_OUT))
    max_latency_ratio: float | None = attrs.field(default=2.0, validator=checked(amounts.positive, none=_LEAVES_OUT))
    confidence: float = attrs.field(default=0.999, validator=checked(_confidence))

    def breach(self, candidate: Sequence[Seen], primary: Sequence[Seen]) -> str | None:
        """Why the gate breaks; None where it holds. Where the primary was not asked, its failures are taken to be none."""
        if len(candidate) < self.min_calls:
            return None
        return self._failing(candidate, primary) or self._slow(_times(candidate), _times(primary))

    def _failing(self, candidate: Sequence[Seen], primary: Sequence[Seen]) -> str | None:
        if self.max_failure_increase is None:
            return None
        new, old = _failures(candidate), _failures(primary)
        surely = increase(new, len(candidate), old, len(primary), self.confidence)
        if surely <= self.max_failure_increase:
            return None
        return f"{new} of {len(candidate)} calls of the candidate failed, and {old} of {len(primary)} of the primary"

    def _slow(self, candidate: list[float], primary: list[float]) -> str | None:
        if self.max_latency_ratio is None or min(len(candidate), len(primary)) < self.min_calls:
            return None
        new, old = median_bounds(candidate, 1 - self.confidence), median_bounds(primary, 1 - self.confidence)
        if new is None or old is None or new[0] <= self.max_latency_ratio * old[1]:
            return None
        return (
            f"the candidate's median answer surely takes {new[0]:.3g} s or more, the primary's {old[1]:.3g} s or less"
        )


class Windows:
    """The last calls of both vendors in this process."""

    def __init__(self, size: int) -> None:
        self.candidate: deque[Seen] = deque(maxlen=size)
        self.primary: deque[Seen] = deque(maxlen=size)


def increase(new: int, of_new: int, old: int, of_old: int, confidence: float) -> float:
    """How much higher the new share surely is, at least; of no old calls none is taken to fail."""
    both = 2 * confidence - 1  # only the lower end is asked for, and an interval is unsure of both
    now, before = new / of_new, old / of_old if of_old else 0.0
    of_before = wilson(before, of_old, both) if of_old else (0.0, 0.0)
    return newcombe(now, wilson(now, of_new, both), before, of_before, 0.0)[0]


def median_bounds(values: Iterable[float], doubt: float) -> tuple[float, float] | None:
    """Two of the values: the true median is below the first, or above the second, only with this probability each.

    Exact for times of any distribution. None where there are too few values to say so.
    """
    ordered = sorted(values)
    rank = _sure_rank(len(ordered), doubt)
    return None if rank < 0 else (ordered[rank], ordered[-1 - rank])


@functools.lru_cache(maxsize=1024)
def _sure_rank(count: int, doubt: float) -> int:
    """The last rank that is above the median with at most this probability; -1 where none is."""
    below = 0
    for rank in range(count):
        below += math.comb(count, rank)
        if below > doubt * 2**count:
            return rank - 1
    return -1


def _failures(seen: Iterable[Seen]) -> int:
    return sum([not one.ok for one in seen])


def _times(seen: Iterable[Seen]) -> list[float]:
    return [one.seconds for one in seen if one.ok]
