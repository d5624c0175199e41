"""Figures over many pairs: all of them, those of one agent, or those of one cohort."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

import attrs

from ..samples import Answer
from . import statistics
from .differences import Category, Difference
from .distributions import LATENCIES, SIMILARITIES, Counted, Distribution
from .groups import Conversations, Sums
from .statistics import Estimate

SHARES: Mapping[str, frozenset[Category]] = {
    "wrong_numbers": frozenset({"wrong_number"}),
    "structure_changes": frozenset({"structure_changed"}),
    "changed": frozenset({"failed", "empty", "outcome_changed", "structure_changed", "wrong_number", "reworded"}),
}
"""Shares of the pairs whose old answer was one, and the categories that count."""

FAILURES: frozenset[Category] = frozenset({"failed", "both_failed", "empty"})


@attrs.frozen(kw_only=True)
class Slice:
    """What is known of many pairs.

    `categories` counts the pairs, `noise` those of the `repeated` pairs in which the old vendor was asked again, old against
    old. `today` counts those that production recorded no answer of and that are measured by the old vendor's answer of
    today: no noise is known of them. `estimates` by name: "failures", "changed", "wrong_numbers", "structure_changes" (shares beyond noise),
    "dissimilarity" (1 - similarity, beyond noise), "latency" (ratio of typical seconds), "credits" (ratio of sums), and each
    judge's mean score as "judge:NAME". One that nothing is known of is not there.
    """

    pairs: int
    conversations: int
    repeated: int
    today: int
    categories: Mapping[Category, int]
    noise: Mapping[Category, int]
    other_numbers: int
    estimates: Mapping[str, Estimate]
    similarity: Distribution
    similarity_noise: Distribution
    latency: Distribution
    latency_reference: Distribution


@attrs.frozen(kw_only=True)
class Compared:
    """All that one pair says: its difference, old against old where the old vendor was asked again, and the judges' scores.

    `today`: the only old answer is the old vendor's of today.
    """

    difference: Difference
    noise: Difference | None
    candidate: Answer
    reference: Answer | None
    scores: Mapping[str, float] = attrs.field(factory=dict)
    today: bool = False

    @property
    def noisy(self) -> bool:
        """Whether the old vendor differs from itself in the same way."""
        return self.noise is not None and self.noise.category == self.difference.category != "same"


class Tally:
    """A slice while its pairs go by."""

    def __init__(self) -> None:
        self.pairs = self.repeated = self.today = self.other_numbers = 0
        self.categories: Counter[Category] = Counter()
        self.noise: Counter[Category] = Counter()
        self.conversations = Conversations()
        self.sums: dict[str, Sums] = {}
        self.similarity, self.similarity_noise = Counted(SIMILARITIES), Counted(SIMILARITIES)
        self.latency, self.latency_reference = Counted(LATENCIES), Counted(LATENCIES)

    def add(self, compared: Compared, group: int) -> None:
        """One more pair, whose conversation is in this group."""
        found, noise = compared.difference, compared.noise
        self.pairs += 1
        self.today += compared.today
        self.categories[found.category] += 1
        self.other_numbers += found.category == "reworded" and not found.same_numbers
        self.similarity.add(found.similarity)
        if noise is not None:
            self.repeated += 1
            self.noise[noise.category] += 1
            self.similarity_noise.add(noise.similarity)
        self._add_shares(compared, group)
        self._add_costs(compared, group)
        for name, score in compared.scores.items():
            self._add(f"judge:{name}", group, score, None)

    def _add_shares(self, compared: Compared, group: int) -> None:
        found, noise, reference = compared.difference, compared.noise, compared.reference
        before = None if reference is None else float(_fails(noise) if noise is not None else found.old == "failed")
        self._add("failures", group, float(_fails(found)), before)
        if found.old not in ("answered", "waiting"):
            return
        for name, categories in SHARES.items():
            again = None if noise is None else float(noise.category in categories)
            self._add(name, group, float(found.category in categories), again)
        far = None if found.similarity is None else 1 - found.similarity
        far_again = None if noise is None or noise.similarity is None else 1 - noise.similarity
        self._add("dissimilarity", group, far, far_again)

    def _add_costs(self, compared: Compared, group: int) -> None:
        candidate, reference = compared.candidate, compared.reference
        self.latency.add(candidate.elapsed if candidate.ok and candidate.elapsed > 0 else None)
        if reference is None:
            return
        self.latency_reference.add(reference.elapsed if reference.ok and reference.elapsed > 0 else None)
        if candidate.ok and reference.ok and candidate.elapsed > 0 and reference.elapsed > 0:
            self._add("latency", group, math.log(candidate.elapsed), math.log(reference.elapsed))
        if candidate.credits is not None and reference.credits is not None:
            self._add("credits", group, candidate.credits, reference.credits)

    def _add(self, name: str, group: int, x: float | None, y: float | None) -> None:
        sums = self.sums.get(name)
        if sums is None:
            sums = self.sums[name] = Sums()
        sums.add(group, x, y)

    def done(self) -> Slice:
        """What is known by now."""
        conversations = min(len(self.conversations), self.pairs)
        found = {name: _estimate(name, sums, conversations) for name, sums in self.sums.items()}
        return Slice(
            pairs=self.pairs,
            conversations=conversations,
            repeated=self.repeated,
            today=self.today,
            categories=dict(self.categories),
            noise=dict(self.noise),
            other_numbers=self.other_numbers,
            estimates={name: estimate for name, estimate in found.items() if estimate is not None},
            similarity=self.similarity.done(),
            similarity_noise=self.similarity_noise.done(),
            latency=self.latency.done(),
            latency_reference=self.latency_reference.done(),
        )


def _fails(difference: Difference) -> bool:
    return difference.category in FAILURES


def _estimate(name: str, sums: Sums, conversations: int) -> Estimate | None:
    rows = sums.rows()
    if name == "latency":
        return statistics.ratio_of_typical(rows)
    if name == "credits":
        return statistics.ratio_of_sums(rows)
    if name == "dissimilarity" or name.startswith("judge:"):
        return statistics.mean(rows)
    return statistics.excess(rows, conversations)
