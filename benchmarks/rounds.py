"""Rounds: the subjects of one baseline in random order, with the baseline before and after each."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from itertools import groupby

from .budgets import Row
from .processes import Running, Subject
from .statistics import Compared, compared, middle


def grouped(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that share a baseline are measured together."""
    for _, group in groupby(rows, key=lambda row: (repr(row.baseline or row.subject), row.slices)):
        yield list(group)


def one_round(rows: list[Row], base: str) -> dict[str, Compared]:
    """Start all of them anew and measure each; the medians of the slices, by key."""
    with ExitStack() as stack:

        def started(subject: Subject) -> Running:
            return stack.enter_context(closing(subject.start(base)))

        subjects = {row.key: started(row.subject) for row in rows}
        baseline = started(rows[0].baseline) if rows[0].baseline else None
        found: dict[str, list[Compared]] = {row.key: [] for row in rows}
        for _ in range(rows[0].slices):
            for row, value in _slice(rows, subjects, baseline):
                found[row.key].append(value)
    return {key: middle(values) for key, values in found.items()}


def _slice(rows: list[Row], subjects: dict[str, Running], baseline: Running | None) -> Iterator[tuple[Row, Compared]]:
    """Each subject once. What came before one subject is what came after the one before it."""
    before = baseline.sample() if baseline else {}
    for row in random.sample(rows, len(rows)):
        sample = subjects[row.key].sample()
        after = baseline.sample() if baseline else {}
        yield row, compared(row.how, row.figure, sample, (before, after))
        before = after
