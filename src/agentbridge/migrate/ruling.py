"""Whether a move may go on: the gate's thresholds on what was compared give `pass`, `fail` or `extend`. Pure."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Literal, TypeAlias

import attrs

from .comparing.comparison import Comparison
from .comparing.statistics import Estimate, Excess, Share, needed
from .figures import bound, ends, measured
from .gate import Gate

Outcome: TypeAlias = Literal["pass", "fail", "extend"]

EXIT_CODES: Mapping[Outcome, int] = {"pass": 0, "fail": 1, "extend": 3}
"""Of the commands that decide, for CI."""


@attrs.frozen(kw_only=True)
class Ruling:
    """One rule and what came of it. `value` and its interval are in the `unit` of `limit`, a "share", a "ratio", a "score" or a
    "count"; None where nothing is known. `least`: the limit is a lower one.

    `needed` is about how many samples would tell, None where that is known already or no number would.
    """

    rule: str
    title: str
    unit: str
    outcome: Outcome
    reason: str
    limit: float
    least: bool = False
    value: float | None = None
    interval: tuple[float, float] | None = None
    samples: int = 0
    needed: int | None = None


@attrs.frozen(kw_only=True)
class Verdict:
    """What the gate says: `fail` where one rule is broken for sure, else `extend` where one cannot tell, else `pass`."""

    rulings: tuple[Ruling, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all rules."""
        found = {ruling.outcome for ruling in self.rulings}
        return "fail" if "fail" in found else "extend" if "extend" in found or not found else "pass"

    @property
    def exit_code(self) -> int:
        """0 to go on, 1 to stop, 3 for more samples."""
        return EXIT_CODES[self.outcome]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why: a line for each rule that did not pass, or for each that did."""
        return tuple(ruling.reason for ruling in self.rulings if ruling.outcome == self.outcome)


@attrs.frozen
class _Rule:
    """What is held against a limit. `estimate` is its name among the estimates. An estimate is at most the limit, or
    (`least`) at least; of an `inverse` one the rule speaks as 1 - value. `beyond` says that noise is taken off.
    """

    name: str
    title: str
    estimate: str
    limit: float
    least: bool = False
    inverse: bool = False
    beyond: str = ""

    def titled(self, estimate: Estimate | None) -> str:
        """What it is about, and whether the noise in that is known."""
        noise = estimate.noise if isinstance(estimate, Excess) else estimate and estimate.reference
        is_unknown = self.beyond and estimate is not None and noise is None
        return f"{self.title}{', noise not known' if is_unknown else self.beyond}"

    @property
    def unit(self) -> str:
        """What its figures are in."""
        if self.estimate in ("latency", "credits"):
            return "ratio"
        return "score" if self.estimate.startswith("judge:") else "share"

    def told(self, value: float) -> float:
        """An estimate's value as the rule speaks of it."""
        return 1 - value if self.inverse else value


def decide(comparison: Comparison, gate: Gate | None = None) -> Verdict:
    """Hold all that was compared against the thresholds."""
    return Verdict(rulings=tuple(_rulings(comparison, gate or Gate())))


def _rulings(comparison: Comparison, gate: Gate) -> Iterator[Ruling]:
    overall = comparison.overall
    yield _enough(overall.pairs, gate)
    if gate.max_unknown is not None:
        rule = _Rule("max_unknown", "calls of unknown outcome", "", gate.max_unknown)
        yield _ruling(rule, _unknown(comparison), gate, overall.pairs)
    for rule in _rules(gate):
        yield _ruling(rule, overall.estimates.get(rule.estimate), gate, overall.pairs)


def _rules(gate: Gate) -> Iterator[_Rule]:
    rules = (
        ("max_failure_increase", "failures beyond the old vendor's", "failures", ""),
        ("max_wrong_numbers", "wrong numbers", "wrong_numbers", " beyond noise"),
        ("max_structure_changes", "changes of JSON structure", "structure_changes", " beyond noise"),
        ("max_latency_ratio", "time of a typical answer, new by old", "latency", ""),
        ("max_credits_ratio", "credits, new by old", "credits", ""),
    )
    for name, title, estimate, beyond in rules:
        if (limit := getattr(gate, name)) is not None:
            yield _Rule(name, title, estimate, limit, beyond=beyond)
    if gate.min_same is not None:
        title = "answers that stay the same"
        yield _Rule("min_same", title, "changed", gate.min_same, True, True, ", but for noise")
    if gate.min_similarity is not None:
        title = "mean similarity"
        yield _Rule("min_similarity", title, "dissimilarity", gate.min_similarity, True, True, ", but for noise")
    for name, least in gate.min_scores.items():
        yield _Rule(f"min_scores.{name}", f"mean score of the judge {name!r}", f"judge:{name}", least, True)


def _enough(pairs: int, gate: Gate) -> Ruling:
    outcome: Outcome = "pass" if pairs >= gate.min_samples else "extend"
    few = "" if outcome == "pass" else _too_few(pairs, gate)
    return Ruling(
        rule="min_samples",
        title="samples with a final answer",
        unit="count",
        outcome=outcome,
        reason=f"samples with a final answer: {pairs:,}, at least {gate.min_samples:,}{few}",
        limit=gate.min_samples,
        least=True,
        value=pairs,
        samples=pairs,
        needed=None if outcome == "pass" else gate.min_samples,
    )


def _unknown(comparison: Comparison) -> Estimate | None:
    total = comparison.overall.pairs + comparison.unknown
    return Excess(Share(total, comparison.unknown / total, total)) if total else None


def _ruling(rule: _Rule, estimate: Estimate | None, gate: Gate, pairs: int) -> Ruling:
    title = rule.titled(estimate)
    made = functools.partial(Ruling, rule=rule.name, title=title, unit=rule.unit, limit=rule.limit, least=rule.least)
    if estimate is None or not estimate.n:
        return made(outcome="extend", reason=f"{title}: nothing is known of it; there are too few samples that say it")
    limit = 1 - rule.limit if rule.inverse else rule.limit
    interval = estimate.interval(gate.confidence)
    outcome = _outcome(estimate.value, interval, limit, bigger_is_better=rule.least and not rule.inverse)
    is_early = outcome == "pass" and pairs < gate.min_samples
    more = gate.min_samples if is_early else None
    if outcome == "extend" and (would := needed(estimate, limit, gate.confidence)) is not None:
        more = max(would, gate.min_samples)
    ruling = made(
        outcome="extend" if is_early else outcome,
        reason="",
        value=rule.told(estimate.value),
        interval=None if interval is None else _ordered(rule.told(interval[0]), rule.told(interval[1])),
        samples=estimate.n,
        needed=more,
    )
    sureness = _too_few(pairs, gate) if is_early else _sureness(ruling)
    return attrs.evolve(ruling, reason=_reason(rule, ruling, gate) + sureness)


def _outcome(value: float, interval: tuple[float, float] | None, limit: float, *, bigger_is_better: bool) -> Outcome:
    """Surely within, surely beyond, or not known. A limit of 0 is kept where none are found: no number of samples could
    prove that there is none.
    """
    if interval is None:
        return "extend"
    low, high = interval
    if bigger_is_better:
        return "pass" if low >= limit else "fail" if high < limit else "extend"
    if high <= limit or (limit == 0 and value <= 0):
        return "pass"
    return "fail" if low > limit else "extend"


def _ordered(one: float, other: float) -> tuple[float, float]:
    return min(one, other), max(one, other)


def _reason(rule: _Rule, ruling: Ruling, gate: Gate) -> str:
    between = "too few conversations to tell how sure that is"
    if ruling.interval is not None:
        between = f"{gate.confidence * 100:g} %: {ends(ruling.interval, rule.unit)}"
    limit = bound(rule.limit, rule.unit, least=rule.least)
    return f"{ruling.title}: {measured(ruling.value, rule.unit)} ({between}), {limit}"


def _too_few(pairs: int, gate: Gate) -> str:
    return f": too few samples, {gate.min_samples - pairs:,} more are needed"


def _sureness(ruling: Ruling) -> str:
    if ruling.outcome != "extend":
        return ""
    if ruling.interval is None:
        return ": too few samples to tell"
    if ruling.needed is None:
        return ": too few samples to tell, and it is so near the threshold that no number of them would"
    return f": too few samples to tell, about {ruling.needed:,} would"
