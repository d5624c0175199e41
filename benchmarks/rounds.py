"""Rounds: the subjects of one baseline in random order, with the baseline before and after each."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import groupby

from .budgets import Row
from .processes import Running, Subject
from .statistics import Compared, compared, middle


def grouped(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that share a baseline are measured together."""
    for _, group in groupby(rows, key=lambda row: (repr(row.baseline or row.subject), row.slices)):
        yield list(group)


def measured(rows: Sequence[Row], base: str, rounds: int, *, keep: bool = False) -> list[dict[str, Compared]]:
    """What each round found, by key. Processes are started anew for each, or kept where that is asked and may be.

    What is measured once in a process, as its memory, always takes a new one.
    """
    if keep and rows[0].slices > 1:
        with _started(rows, base) as running:
            return [_round(rows, running) for _ in range(rounds)]
    found = []
    for _ in range(rounds):
        with _started(rows, base) as running:
            found.append(_round(rows, running))
    return found


@contextmanager
def _started(rows: Sequence[Row], base: str) -> Iterator[dict[str, Running]]:
    """A process for each subject and for the baseline, by what they are."""
    with ExitStack() as stack:
        running: dict[str, Running] = {}
        for subject in (*(row.subject for row in rows), rows[0].baseline):
            if subject is not None and repr(subject) not in running:
                running[repr(subject)] = stack.enter_context(closing(subject.start(base)))
        yield running


def _round(rows: Sequence[Row], running: dict[str, Running]) -> dict[str, Compared]:
    """The medians of the slices."""
    found: dict[str, list[Compared]] = {row.key: [] for row in rows}
    for _ in range(rows[0].slices):
        for row, value in _slice(rows, running):
            found[row.key].append(value)
    return {key: middle(values) for key, values in found.items()}


def _slice(rows: Sequence[Row], running: dict[str, Running]) -> Iterator[tuple[Row, Compared]]:
    """Each subject once. What came before one subject is what came after the one before it."""
    baseline = rows[0].baseline
    before = _sample(baseline, running)
    subjects = list({repr(row.subject): row.subject for row in rows}.values())
    for subject in random.sample(subjects, len(subjects)):
        sample = running[repr(subject)].sample()
        after = _sample(baseline, running)
        for row in rows:
            if row.subject == subject:
                yield row, compared(row.how, row.figure, sample, (before, after))
        before = after


def _sample(baseline: Subject | None, running: dict[str, Running]) -> dict[str, float]:
    return dict(running[repr(baseline)].sample()) if baseline is not None else {}
