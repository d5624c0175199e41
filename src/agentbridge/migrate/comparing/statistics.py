"""How sure a figure is: intervals of proportions, of means and of ratios, over conversations. Pure, in closed form.

Turns of one conversation are not independent. Each conversation is in one group, whole, and how sure a figure is is learnt
from how far the groups differ (linearised variance of a ratio between clusters). Proportions have Wilson intervals with the
number of independent samples that this gives; the difference of two paired ones is Newcombe's (MOVER) with their
correlation. Means and logarithms of ratios have Student intervals.
"""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import attrs

from .groups import Row

FEW = 5
"""Where fewer than so many pairs are one way or the other, they do not tell how alike turns of a conversation are."""

_LEAST_GROUPS = 5  # fewer say nothing about how far they differ
_MOST = 1 << 20  # times as many samples: nobody has them

Interval: TypeAlias = tuple[float, float]


@attrs.frozen
class Share:
    """A proportion: of `n` samples the share `rate`, as sure as of `effective` independent ones."""

    n: int
    rate: float
    effective: float

    def interval(self, confidence: float, more: float = 1.0) -> Interval:
        """Its Wilson interval, with `more` times as many samples."""
        return wilson(self.rate, self.effective * more, confidence)


@attrs.frozen
class Excess:
    """The share of new answers that are in some way, and how much of it is beyond what the old vendor does itself.

    `noise` is that of the old vendor's own answers, None where there are none to tell. `value` is the share without it.
    """

    candidate: Share
    noise: Share | None = None
    correlation: float = 0.0

    @property
    def n(self) -> int:
        """Samples."""
        return self.candidate.n

    @property
    def value(self) -> float:
        """The share beyond the noise; below 0 where the new vendor does it less than the old one."""
        return self.candidate.rate - (self.noise.rate if self.noise is not None else 0.0)

    def interval(self, confidence: float, more: float = 1.0) -> Interval | None:
        """Where the share beyond the noise is, with `more` times as many samples; None without any."""
        if not self.n:
            return None
        ours = self.candidate.interval(confidence, more)
        if self.noise is None:
            return ours
        theirs = self.noise.interval(confidence, more)
        return newcombe(self.candidate.rate, ours, self.noise.rate, theirs, self.correlation)


@attrs.frozen
class Mean:
    """A mean, a difference of means, or a ratio (`kind` "ratio": `location` is then its logarithm).

    `candidate` and `reference` are the two figures that it is of, the second None where it is of one alone. `error` is the
    standard error of `location`, `groups` what it was learnt from.
    """

    kind: Literal["difference", "ratio"]
    n: int
    candidate: float
    reference: float | None
    location: float
    error: float
    groups: int

    @property
    def value(self) -> float:
        """The difference, or the ratio."""
        return math.exp(self.location) if self.kind == "ratio" else self.location

    def interval(self, confidence: float, more: float = 1.0) -> Interval | None:
        """Where it is, with `more` times as many samples; None where there are too few conversations to tell."""
        if self.groups < _LEAST_GROUPS:
            return None
        reach = self.error / math.sqrt(more) * student(confidence, (self.groups - 1) * more)
        ends = (self.location - reach, self.location + reach)
        return (_exp(ends[0]), _exp(ends[1])) if self.kind == "ratio" else ends


Estimate: TypeAlias = Excess | Mean


def excess(rows: Sequence[Row], conversations: int) -> Excess:
    """A share of yes (1) and no (0), and that of the old vendor beside it where there is one."""
    candidate, noise = _influences(rows, "candidate"), _influences(rows, "reference")
    n, x, m, y = _totals(rows)
    learnt = (_worth(n, x, candidate), _worth(m, y, noise))
    at_least = min(1.0, conversations / max(n, m, 1))
    ours = _share(n, x, _first(*learnt, at_least))
    if not m:
        return Excess(ours)
    theirs = _share(m, y, _first(*reversed(learnt), at_least))
    spread = math.sqrt(math.fsum(a * a for a in candidate) * math.fsum(b * b for b in noise))
    both = math.fsum(a * b for a, b in zip(candidate, noise, strict=True))
    return Excess(ours, theirs, max(-1.0, min(1.0, both / spread)) if spread else 0.0)


def mean(rows: Sequence[Row]) -> Mean | None:
    """The mean of the new, less that of the old where there is one; None without any."""
    n, x, m, y = _totals(rows)
    if not n:
        return None
    reference = y / m if m else None
    error = _error(rows, lambda row: (row.x - x / n * row.n) / n - ((row.y - y / m * row.m) / m if m else 0.0))
    return Mean("difference", int(n), x / n, reference, x / n - (reference or 0.0), error, len(rows))


def ratio_of_typical(rows: Sequence[Row]) -> Mean | None:
    """Of logarithms: the ratio of what is typical (geometric mean), which no single slow call decides."""
    found = mean(rows)
    if found is None or found.reference is None:
        return None
    return attrs.evolve(found, kind="ratio", candidate=math.exp(found.candidate), reference=math.exp(found.reference))


def ratio_of_sums(rows: Sequence[Row]) -> Mean | None:
    """What all new ones cost by what all old ones did; None where one of them is nothing."""
    n, x, _, y = _totals(rows)
    if x <= 0 or y <= 0:
        return None
    error = _error(rows, lambda row: row.x / x - row.y / y)
    return Mean("ratio", int(n), x / n, y / n, math.log(x / y), error, len(rows))


def wilson(rate: float, n: float, confidence: float) -> Interval:
    """Wilson's score interval of a proportion."""
    if n <= 0:
        return 0.0, 1.0
    z = normal(confidence)
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    reach = z / (1 + z * z / n) * math.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return (0.0 if rate <= 0 else max(0.0, middle - reach)), (1.0 if rate >= 1 else min(1.0, middle + reach))


def newcombe(p: float, of_p: Interval, q: float, of_q: Interval, correlation: float) -> Interval:
    """The interval of p - q from those of the two, which are correlated (Newcombe 1998, Zou and Donner 2008)."""
    down = _reach(p - of_p[0], of_q[1] - q, correlation)
    up = _reach(of_p[1] - p, q - of_q[0], correlation)
    return p - q - down, p - q + up


def needed(estimate: Estimate, limit: float, confidence: float) -> int | None:
    """About how many samples would tell on which side of `limit` it is, if it stays as it is; None: no number would."""

    def tells(more: float) -> bool:
        found = estimate.interval(confidence, more)
        return found is not None and (found[1] <= limit or found[0] > limit)

    enough = 1.0
    while not tells(enough):
        enough *= 2
        if enough > _MOST:
            return None
    too_few = enough / 2
    for _ in range(20):
        middle = (too_few + enough) / 2
        too_few, enough = (too_few, middle) if tells(middle) else (middle, enough)
    return math.ceil(estimate.n * enough)


@functools.lru_cache
def normal(confidence: float) -> float:
    """How many standard deviations hold the share `confidence` of a normal distribution around its middle."""
    return statistics.NormalDist().inv_cdf((1 + confidence) / 2)


def student(confidence: float, freedom: float) -> float:
    """The same of Student's t, by its Cornish-Fisher expansion: right to a hundredth from four degrees of freedom on."""
    z, v = normal(confidence), freedom
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + math.fsum(term / v**power for power, term in enumerate(terms, 1))


def _totals(rows: Sequence[Row]) -> tuple[float, float, float, float]:
    return (
        math.fsum(row.n for row in rows),
        math.fsum(row.x for row in rows),
        math.fsum(row.m for row in rows),
        math.fsum(row.y for row in rows),
    )


def _influences(rows: Sequence[Row], side: Literal["candidate", "reference"]) -> list[float]:
    """How far each group moves the share."""
    n, x, m, y = _totals(rows)
    if side == "candidate":
        return [(row.x - x / n * row.n) / n for row in rows] if n else [0.0] * len(rows)
    return [(row.y - y / m * row.m) / m for row in rows] if m else [0.0] * len(rows)


def _share(n: float, x: float, worth: float) -> Share:
    return Share(int(n), min(max(x / n, 0.0), 1.0) if n else 0.0, n * worth)


def _worth(n: float, x: float, influences: Sequence[float]) -> float | None:
    """How many independent samples each is worth, at most one; None where too few are one way to learn it."""
    groups = len(influences)
    if min(x, n - x) < FEW or groups < _LEAST_GROUPS:
        return None
    between = groups / (groups - 1) * math.fsum(influence * influence for influence in influences)
    rate = x / n
    return min(1.0, rate * (1 - rate) / n / between) if between else 1.0


def _first(*worths: float | None) -> float:
    """What was learnt of the share itself, else of the one beside it, else what is certain: conversations are independent."""
    return next(worth for worth in worths if worth is not None)


def _error(rows: Sequence[Row], influence: Callable[[Row], float]) -> float:
    groups = len(rows)
    if groups < 2:
        return math.inf
    return math.sqrt(groups / (groups - 1) * math.fsum(influence(row) ** 2 for row in rows))


def _reach(one: float, other: float, correlation: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * correlation * one * other + other * other))


def _exp(value: float) -> float:
    return math.exp(min(value, 700.0))
