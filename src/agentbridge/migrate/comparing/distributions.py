"""How values are spread: counted in bins while they go by."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import attrs

_A_DECADE = 50  # bins, each 4.7 % wide: as exact as a median or a percentile is told
LATENCIES = tuple(10 ** (power / _A_DECADE) for power in range(-3 * _A_DECADE, 4 * _A_DECADE + 1))
"""Ends of bins in seconds, a millisecond to nearly three hours, equally wide as logarithms."""
SIMILARITIES = tuple(step / 20 for step in range(21))
"""Ends of bins from 0 to 1; what is exactly 1 is above them all."""


@attrs.frozen
class Distribution:
    """How many of `counts` values fell between each two of `edges`; the first are below all of them, the last above."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """Values."""
        return sum(self.counts)

    def quantile(self, share: float) -> float | None:
        """The value that `share` of all are below, to the width of a bin; None without values."""
        left = share * self.total
        for index, count in enumerate(self.counts):
            if count and left <= count:
                low, high = self.edges[max(index - 1, 0)], self.edges[min(index, len(self.edges) - 1)]
                return low + (high - low) * left / count
            left -= count
        return None


class Counted:
    """A distribution while it is counted."""

    def __init__(self, edges: Sequence[float]) -> None:
        self._edges = tuple(edges)
        self._counts = [0] * (len(self._edges) + 1)

    def add(self, value: float | None) -> None:
        """One value; None is not counted."""
        if value is not None:
            self._counts[bisect_right(self._edges, value)] += 1

    def done(self) -> Distribution:
        """What was counted until now."""
        return Distribution(self._edges, tuple(self._counts))
