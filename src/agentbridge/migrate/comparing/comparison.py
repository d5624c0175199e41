"""Old against new over any number of pairs, in one pass and flat memory."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import attrs

from ..samples import Answer, Pair
from .differences import BAD, Category, Difference, Judge, again_of, difference, old_of, said
from .groups import GROUPS, conversation_key
from .slices import Compared, Slice, Tally

OTHERS = "(others)"
"""The slice of those agents or cohorts that came after the first hundred."""

_MOST_SLICES = 100
_LONGEST = 4000  # characters of an answer that is shown


@attrs.frozen(kw_only=True)
class Example:
    """One pair worth looking at. Texts are cut at 4,000 characters; of a failed call they are its error's line."""

    id: str
    agent: str
    cohort: str | None
    session: str | None
    difference: Difference
    noisy: bool
    asked: str
    old: str
    new: str
    again: str | None = None
    scores: Mapping[str, float] = attrs.field(factory=dict)


@attrs.frozen(kw_only=True)
class Comparison:
    """What a move would change, all figures with what they were learnt from.

    `old` and `new` are the connections that answered, by name.
    `worst` are the worst pairs of each category, worst category first; differences that the old vendor has from itself too
    come last in theirs. `judge_errors` counts what judges raised, by name. `unknown` and `remaining` are calls that have no
    final answer and are in no other figure.
    """

    old: tuple[str, ...]
    new: tuple[str, ...]
    overall: Slice
    agents: Mapping[str, Slice]
    cohorts: Mapping[str, Slice]
    cohort: str | None
    worst: tuple[Example, ...]
    judge_errors: Mapping[str, int] = attrs.field(factory=dict)
    unknown: int = 0
    remaining: int = 0
    seed: int = 0


def compare(
    pairs: Iterable[Pair],
    *,
    judges: Mapping[str, Judge] | None = None,
    cohort: str | None = None,
    keep: int = 20,
    seed: int = 0,
    unknown: int = 0,
    remaining: int = 0,
    each: Callable[[Pair, Compared], Any] | None = None,
) -> Comparison:
    """Compare all pairs, each looked at once.

    Args:
        pairs: what a ledger's `pairs()` gives.
        judges: functions of a Pair by name, each giving a number or a bool; asked where the candidate answered.
        cohort: a key of `Invocation.metadata`; figures are also told by its values.
        keep: how many of the worst pairs of each category are kept.
        seed: decides which conversations are in one group; another one moves the intervals a little.
        unknown: calls of unknown outcome, as the ledger counts them.
        remaining: calls that are still to be made.
        each: told of every pair, for files of all differences.
    """
    running = _Running(judges or {}, cohort, keep, seed)
    for pair in pairs:
        compared = running.add(pair)
        if each is not None:
            each(pair, compared)
    return running.comparison(unknown, remaining)


def agent_of(pair: Pair) -> str:
    """The agent that a pair is of, by the name that production used, without the connection that it asked for."""
    return pair.sample.invocation.target.partition("@")[0]


def cohort_of(pair: Pair, cohort: str) -> str:
    """The cohort that a pair is of."""
    return pair.sample.invocation.metadata.get(cohort, "(none)")


def _compared(pair: Pair, judges: Mapping[str, Judge], broken: Counter[str]) -> Compared:
    old, again = old_of(pair), again_of(pair)
    return Compared(
        difference=difference(old, pair.candidate),
        noise=None if again is None else difference(old, again),
        candidate=pair.candidate,
        reference=again if again is not None else old,
        scores=_scores(pair, judges, broken) if judges and pair.candidate.ok else {},
        today=old is not None and pair.sample.answer is None,
    )


def _scores(pair: Pair, judges: Mapping[str, Judge], broken: Counter[str]) -> dict[str, float]:
    scores = {}
    for name, judge in judges.items():
        try:
            score = float(judge(pair))
            if not math.isfinite(score):
                raise ValueError(f"{score} is no score")
            scores[name] = score
        except Exception:
            broken[name] += 1
    return scores


class _Running:
    """All that is added up while pairs go by."""

    def __init__(self, judges: Mapping[str, Judge], cohort: str | None, keep: int, seed: int) -> None:
        self._judges, self._cohort, self._seed = judges, cohort, seed
        self._overall, self._agents, self._cohorts = Tally(), _Slices(), _Slices()
        self._worst = _Worst(keep)
        self._broken: Counter[str] = Counter()
        self._old, self._new = _Names(), _Names()

    def add(self, pair: Pair) -> Compared:
        """One pair more, and what it says."""
        compared = _compared(pair, self._judges, self._broken)
        key, alone = conversation_key(pair.sample, self._seed)
        for tally in self._tallies(pair):
            tally.conversations.add(key >> 16, alone=alone)
            tally.add(compared, key % GROUPS)
        self._worst.add(pair, compared, self._cohort)
        self._old.add(old_of(pair))
        self._new.add(pair.candidate)
        return compared

    def _tallies(self, pair: Pair) -> Iterator[Tally]:
        """Those that it counts in."""
        yield self._overall
        yield self._agents[agent_of(pair)]
        if self._cohort:
            yield self._cohorts[cohort_of(pair, self._cohort)]

    def comparison(self, unknown: int, remaining: int) -> Comparison:
        """What came of all."""
        return Comparison(
            old=self._old.done(),
            new=self._new.done(),
            overall=self._overall.done(),
            agents=self._agents.done(),
            cohorts=self._cohorts.done(),
            cohort=self._cohort,
            worst=self._worst.done(),
            judge_errors=dict(self._broken),
            unknown=unknown,
            remaining=remaining,
            seed=self._seed,
        )


class _Slices:
    """Tallies by name; beyond the first hundred all are one, so that memory stays flat."""

    def __init__(self) -> None:
        self._tallies: dict[str, Tally] = {}

    def __getitem__(self, name: str) -> Tally:
        known = self._tallies
        name = name if name in known or len(known) < _MOST_SLICES else OTHERS
        if name not in known:
            known[name] = Tally()
        return known[name]

    def done(self) -> dict[str, Slice]:
        slices = {name: tally.done() for name, tally in self._tallies.items()}
        return dict(sorted(slices.items(), key=lambda item: (-item[1].pairs, item[0])))


class _Names:
    """Connections that answered, the first ten."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, answer: Answer | None) -> None:
        result = answer.result if answer is not None else None
        name = (result.connection or result.provider) if result is not None else ""
        if name and len(self._names) < 10:
            self._names[name] = None

    def done(self) -> tuple[str, ...]:
        return tuple(self._names)


class _Worst:
    """The worst pairs of each category that is bad."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._heaps: dict[Category, list[tuple[tuple[bool, bool, float, int], Example]]] = {name: [] for name in BAD}
        self._number = itertools.count()

    def add(self, pair: Pair, compared: Compared, cohort: str | None) -> None:
        found, number = compared.difference, next(self._number)
        heap = self._heaps.get(found.category)
        if heap is None or not self._keep:
            return
        badness = (not compared.noisy, not found.same_numbers, -(found.similarity or 0.0), -number)
        if len(heap) < self._keep:
            heapq.heappush(heap, (badness, _example(pair, compared, cohort)))
        elif badness > heap[0][0]:
            heapq.heapreplace(heap, (badness, _example(pair, compared, cohort)))

    def done(self) -> tuple[Example, ...]:
        by_category = (sorted(heap, key=lambda item: item[0], reverse=True) for heap in self._heaps.values())
        return tuple(example for heap in by_category for _, example in heap)


def _example(pair: Pair, compared: Compared, cohort: str | None) -> Example:
    sample, again = pair.sample, again_of(pair)
    return Example(
        id=sample.id,
        agent=agent_of(pair),
        cohort=cohort_of(pair, cohort) if cohort else None,
        session=sample.session,
        difference=compared.difference,
        noisy=compared.noisy,
        asked=_cut(sample.invocation.text or ""),
        old=_shown(old_of(pair)),
        new=_shown(pair.candidate),
        again=None if again is None else _shown(again),
        scores=compared.scores,
    )


def _shown(answer: Answer | None) -> str:
    return "" if answer is None else _cut(said(answer) if answer.ok else answer.message or answer.outcome)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ... ({len(text):,} characters)"
