"""The report as a value, and as JSON with a schema version."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import attrs

from ..comparing.comparison import Comparison, compare
from ..comparing.distributions import Distribution
from ..comparing.slices import Slice
from ..comparing.statistics import Estimate, Excess
from ..gate import Gate
from ..ledger import BASELINE, CANDIDATE, Ledger
from ..ruling import Outcome, Verdict, decide
from .facts import facts_of, facts_of_ledger

SCHEMA_VERSION = 1

HEADLINES: Mapping[Outcome, str] = {
    "pass": "Pass: within every threshold",
    "fail": "Fail: beyond a threshold, for sure",
    "extend": "Extend: too few samples to tell",
}


@attrs.frozen(kw_only=True)
class Report:
    """All that a report says. `facts` are what makes its figures reproducible: versions, hashes, what a ledger keeps."""

    comparison: Comparison
    gate: Gate
    verdict: Verdict
    facts: Mapping[str, str] = attrs.field(factory=dict)

    @classmethod
    def of(cls, comparison: Comparison, gate: Gate | None = None, facts: Mapping[str, str] | None = None) -> Report:
        """The report of a comparison, held against a gate. `facts` are told beside those that every report has."""
        gate = gate or Gate()
        known = {**facts_of(gate), **(facts or {})}
        return cls(comparison=comparison, gate=gate, verdict=decide(comparison, gate), facts=known)

    @classmethod
    def of_ledger(
        cls, ledger: Ledger, gate: Gate | None = None, *, arm: str = CANDIDATE, baseline: str = BASELINE, **how: Any
    ) -> Report:
        """The report of what a ledger holds, with the facts of its move; `how` is as `compare` takes it.

        Raises:
            ConfigurationError: the ledger cannot be read, or has no such arm.
        """
        for one in (arm, baseline):
            ledger.check_arm(one)
        counts = ledger.counts(arm)
        found = compare(ledger.pairs(arm, baseline), unknown=counts.unknown, remaining=counts.remaining, **how)
        return cls.of(found, gate, facts_of_ledger(ledger, arm=arm, baseline=baseline))

    @property
    def title(self) -> str:
        """From where to where."""
        old, new = (", ".join(names) for names in (self.comparison.old, self.comparison.new))
        return f"{old or 'the old vendor'} to {new or 'the new vendor'}"

    @property
    def headline(self) -> str:
        """The verdict in one line."""
        overall = self.comparison.overall
        unsure = " (noise not known)" if overall.pairs and not overall.repeated else ""
        return f"{HEADLINES[self.verdict.outcome]}{unsure}"

    @property
    def counted(self) -> tuple[tuple[int, str], ...]:
        """How many samples were asked of whom: a count, and of what."""
        overall, comparison = self.comparison.overall, self.comparison
        today = (overall.today, "measured against today's answer of the old vendor, noise not known")
        return (
            (overall.repeated, "asked of the old vendor again"),
            *([today] if overall.today else []),
            (comparison.unknown, "of unknown outcome"),
            (comparison.remaining, "not yet asked"),
        )

    @property
    def counted_line(self) -> str:
        """The same in one line."""
        return ", ".join(f"{count:,} {what}" for count, what in self.counted)


def as_json(report: Report) -> str:
    """The report for programs."""
    return json.dumps(report_dict(report), ensure_ascii=False, indent=2) + "\n"


def report_dict(report: Report) -> dict[str, Any]:
    """The report as plain JSON values."""
    known = {"schema_version": SCHEMA_VERSION, "kind": "agentbridge.migrate.report"}
    return known | _decided(report) | _compared(report.comparison, report.gate.confidence)


def _decided(report: Report) -> dict[str, Any]:
    return {
        "verdict": report.verdict.outcome,
        "exit_code": report.verdict.exit_code,
        "reasons": list(report.verdict.reasons),
        "rules": [attrs.asdict(ruling) for ruling in report.verdict.rulings],
        "gate": attrs.asdict(report.gate),
        "facts": dict(report.facts),
    }


def _compared(found: Comparison, confidence: float) -> dict[str, Any]:
    return {
        "old": list(found.old),
        "new": list(found.new),
        "unknown": found.unknown,
        "remaining": found.remaining,
        "seed": found.seed,
        "judge_errors": dict(found.judge_errors),
        "overall": _slice(found.overall, confidence),
        "agents": {name: _slice(one, confidence) for name, one in found.agents.items()},
        "cohort": found.cohort,
        "cohorts": {name: _slice(one, confidence) for name, one in found.cohorts.items()},
        "worst": [attrs.asdict(example) for example in found.worst],
    }


def _slice(found: Slice, confidence: float) -> dict[str, Any]:
    return {
        "pairs": found.pairs,
        "conversations": found.conversations,
        "repeated": found.repeated,
        "measured_by_todays_answer": found.today,
        "categories": dict(found.categories),
        "noise": dict(found.noise),
        "reworded_with_other_numbers": found.other_numbers,
        "estimates": {name: _estimate(estimate, confidence) for name, estimate in found.estimates.items()},
        "similarity": _distribution(found.similarity),
        "similarity_noise": _distribution(found.similarity_noise),
        "latency_seconds": _distribution(found.latency),
        "latency_seconds_reference": _distribution(found.latency_reference),
    }


def _estimate(estimate: Estimate, confidence: float) -> dict[str, Any]:
    interval = estimate.interval(confidence)
    if isinstance(estimate, Excess):
        sides = (estimate.candidate.rate, None if estimate.noise is None else estimate.noise.rate)
    else:
        sides = (estimate.candidate, estimate.reference)
    return {
        "value": estimate.value,
        "interval": None if interval is None else list(interval),
        "samples": estimate.n,
        "candidate": sides[0],
        "reference": sides[1],
    }


def _distribution(found: Distribution) -> dict[str, Any]:
    """Bins that are not empty, each as its ends and its count."""
    edges = found.edges
    bins = (
        [edges[max(index - 1, 0)], edges[min(index, len(edges) - 1)], count]
        for index, count in enumerate(found.counts)
        if count
    )
    return {"total": found.total, "median": found.quantile(0.5), "p95": found.quantile(0.95), "bins": list(bins)}
