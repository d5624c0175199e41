"""From samples to a figure, its noise and a verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Literal, TypeAlias

Sample: TypeAlias = Mapping[str, float]
"""What one slice of work cost, by name of the figure."""
How: TypeAlias = Literal["ratio", "speed", "less", "alone"]

_NORMAL = 1.4826  # makes the median absolute deviation a standard deviation, where noise is normal


class Verdict(StrEnum):
    """How a figure stands to its budget."""

    MET = "met"
    NOISE = "within noise"
    MISSED = "missed"
    ABSENT = "not there yet"


@dataclass(frozen=True)
class Figure:
    """The median of the rounds, and how far a round typically lies from it."""

    value: float
    noise: float


@dataclass(frozen=True)
class Compared:
    """One figure: `value` against its budget, made of the subject's `own` and the baseline's `base`."""

    value: float
    own: float
    base: float | None = None


def compared(how: How, figure: str, subject: Sample, around: Sequence[Sample]) -> Compared:
    """One sample against the baseline's samples just before and after it."""
    own = subject[figure]
    if how == "alone":
        return Compared(own, own)
    base = sum(sample[figure] for sample in around) / len(around)
    value = {"less": lambda: own - base, "ratio": lambda: own / base, "speed": lambda: base / own}[how]()
    return Compared(value, own, base)


def middle(values: Sequence[Compared]) -> Compared:
    """The medians. That of the values is of ratios within a slice, not the ratio of the medians."""
    bases = [each.base for each in values if each.base is not None]
    return Compared(
        median(each.value for each in values), median(each.own for each in values), median(bases) if bases else None
    )


def summed_up(rounds: Iterable[float]) -> Figure:
    """The figure of several rounds."""
    values = list(rounds)
    center = median(values)
    return Figure(center, _NORMAL * median(abs(value - center) for value in values))


def verdict(figure: Figure | None, limit: float, *, higher_is_better: bool) -> Verdict:
    """Missed is only what is worse than its budget by more than the noise."""
    if figure is None:
        return Verdict.ABSENT
    excess = limit - figure.value if higher_is_better else figure.value - limit
    if excess <= 0:
        return Verdict.MET
    return Verdict.NOISE if excess <= figure.noise else Verdict.MISSED
