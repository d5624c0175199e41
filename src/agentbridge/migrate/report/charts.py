"""Charts as inline SVG, without a style of their own: the page's classes colour them in light, dark and print."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import attrs

from ..comparing.differences import CATEGORIES, Category
from ..comparing.distributions import LATENCIES, Distribution
from ..comparing.slices import Slice
from ..figures import spoken
from ..ruling import Ruling
from .texts import escaped

_WIDTH = 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 14, 12, 42
_HEIGHT = 250
_MARGIN = 8  # above and below the rows of a chart
_ROW, _HEAD = 48, 16  # of a rule in the chart of how sure it is, and what is free above the first
_MERGED = 5  # bins of a distribution of latencies that are drawn as one


@attrs.frozen
class _Series:
    """What one side gave: shares of `total` by bin."""

    name: str
    shares: tuple[float, ...]


def outcomes(found: Slice) -> str:
    """How many pairs are in each category, new and, where it was asked again, old."""
    shown = [name for name in CATEGORIES if found.categories.get(name) or found.noise.get(name)]
    step = 46 if found.repeated else 32
    height = _MARGIN + step * len(shown) + _MARGIN
    rows = "".join(_outcome(found, name, _MARGIN + index * step) for index, name in enumerate(shown))
    told = "; ".join(f"{spoken(name)}: {_count(found.categories.get(name, 0), found.pairs)}" for name in shown)
    return _svg(height, "Pairs by category", told, rows)


def sureness(rulings: Sequence[Ruling]) -> str:
    """The shares that the gate looks at, with their intervals and thresholds, on one axis; nothing without any."""
    known = [one for one in rulings if one.unit == "share" and one.interval and one.value is not None and not one.least]
    if not known:
        return ""
    axis = _Axis.around(known)
    height = _HEAD + _ROW * len(known) + _BOTTOM
    ticks = "".join(
        _upright(axis.x(tick), height - _BOTTOM, f"{100 * tick:.3g} %", is_zero=abs(tick) < axis.step / 2)
        for tick in axis.ticks
    )
    rows = "".join(_reach(ruling, _HEAD + _ROW * index, axis.x) for index, ruling in enumerate(known))
    below = f'<text x="{_WIDTH / 2}" y="{height - 6}" class="axis" text-anchor="middle">share of all samples</text>'
    told = "; ".join(ruling.reason for ruling in known)
    return _svg(height, "Shares with their intervals and thresholds", told, ticks + rows + below)


@attrs.frozen
class _Axis:
    """A line of shares from `low` to `high`, with a tick at each `step`."""

    low: float
    high: float
    step: float

    @classmethod
    def around(cls, rulings: Sequence[Ruling]) -> _Axis:
        """The axis that holds 0, the intervals of the rulings, and those of their thresholds that are not far away."""
        ends = [end for ruling in rulings for end in ruling.interval or ()]
        limits = [ruling.limit for ruling in rulings if ruling.limit < 0.5]
        lowest, highest = min(0.0, *ends, *limits), max(0.0, *ends, *limits)
        step = _nice(highest - lowest)[1]
        return cls(math.floor(lowest / step) * step, math.ceil(max(highest, step) / step) * step, step)

    @property
    def ticks(self) -> list[float]:
        return [self.low + index * self.step for index in range(round((self.high - self.low) / self.step) + 1)]

    def x(self, value: float) -> float:
        """Where a value stands; one that is off the axis stands at its end."""
        part = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return float(16 + part * (_WIDTH - 40))


def similarity(found: Slice) -> str:
    """How similar the answers are that are not the same, as shares of all that were compared."""
    new, old = found.similarity, found.similarity_noise
    edges = new.edges
    series = [_side("new", _inner(new.counts), new.total)]
    if old.total:
        series.append(_side("old", _inner(old.counts), old.total))
    labels = [(index / (len(edges) - 1), f"{edges[index]:g}") for index in range(0, len(edges), 4)]
    told = (
        f"{_count(new.counts[-1], new.total)} of the new answers are the same or have the same words in the same order."
    )
    return _chart(
        "Similarity of the answers that differ",
        told,
        series,
        labels,
        "similarity to the old answer (1 = the same words)",
        _bars,
    )


def latency(found: Slice) -> str:
    """How long the answers took, on a logarithmic axis."""
    new, old = found.latency, found.latency_reference
    low, high = _occupied([new, old])
    edges = [LATENCIES[index - 1] for index in range(low, high + 1, _MERGED)]
    series = [_side("new", _merged(new.counts, low, high), new.total)]
    if old.total:
        series.append(_side("old", _merged(old.counts, low, high), old.total))
    labels = _decades(edges[0], edges[-1])
    told = "; ".join(
        f"{side}: median {_seconds(spread.quantile(0.5))}"
        for side, spread in (("new", new), ("old", old))
        if spread.total
    )
    marks = [
        (side, _place(spread.quantile(0.5), edges)) for side, spread in (("new", new), ("old", old)) if spread.total
    ]
    return _chart(
        "Seconds to the answer",
        told,
        series,
        labels,
        "seconds to the whole answer (logarithmic); dashed: median",
        _steps,
        marks,
    )


def _outcome(found: Slice, name: Category, y: float) -> str:
    room = _WIDTH - _RIGHT - 150
    label = f'<text x="0" y="{y + 13}" class="label">{escaped(spoken(name))}</text>'
    sides = [("new", found.categories.get(name, 0), found.pairs)]
    sides += [("old", found.noise.get(name, 0), found.repeated)] if found.repeated else []
    bars = []
    for index, (side, count, total) in enumerate(sides):
        at, share = y + index * 19, count / total if total else 0.0
        width = max(share * (room - 96), 1.5 if count else 0)
        bars.append(
            f'<rect class="{side}" x="150" y="{at + 1}" width="{width:.1f}" height="15" rx="2"/>'
            f'<text x="{150 + width + 6:.1f}" y="{at + 13}" class="value">{_count(count, total)}</text>'
        )
    return label + "".join(bars)


def _upright(x: float, bottom: float, text: str, *, is_zero: bool) -> str:
    line = f'<line class="{"zero" if is_zero else "grid"}" x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{bottom:.1f}"/>'
    return line + f'<text x="{x:.1f}" y="{bottom + 17:.1f}" class="tick" text-anchor="middle">{escaped(text)}</text>'


def _reach(ruling: Ruling, y: float, x: Callable[[float], float]) -> str:
    low, high = ruling.interval or (0.0, 0.0)
    at = x(ruling.limit)
    return (
        f'<text x="16" y="{y + 14}" class="label">{escaped(ruling.title)}</text>'
        f'<line class="reach" x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y + 28}" y2="{y + 28}"/>'
        f'<line class="bound" x1="{at:.1f}" x2="{at:.1f}" y1="{y + 20}" y2="{y + 36}"/>'
        f'<circle class="dot" cx="{x(ruling.value or 0.0):.1f}" cy="{y + 28}" r="4.5"/>'
    )


def _chart(
    title: str,
    told: str,
    series: Sequence[_Series],
    labels: Iterable[tuple[float, str]],
    axis: str,
    draw: Callable[[Sequence[_Series], float], str],
    marks: Iterable[tuple[str, float]] = (),
) -> str:
    """Axes with their units, and what `draw` draws between them. `labels` and `marks` stand at 0 to 1 of the width."""
    top, step = _nice(max((share for one in series for share in one.shares), default=0.0))
    grid = "".join(_gridline(level * step, top) for level in range(round(top / step) + 1))
    ticks = "".join(
        f'<text x="{_x(at):.1f}" y="{_HEIGHT - _BOTTOM + 17}" class="tick" text-anchor="middle">{escaped(text)}</text>'
        for at, text in labels
    )
    lines = "".join(
        f'<line class="median {side}" x1="{_x(at):.1f}" x2="{_x(at):.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>'
        for side, at in marks
    )
    below = f'<text x="{_x(0.5):.1f}" y="{_HEIGHT - 6}" class="axis" text-anchor="middle">{escaped(axis)}</text>'
    return _svg(_HEIGHT, title, told, grid + draw(series, top) + lines + ticks + below)


def _bars(series: Sequence[_Series], top: float) -> str:
    """The series beside each other in each bin."""
    bins = max(len(one.shares) for one in series)
    slot = (_WIDTH - _LEFT - _RIGHT) / bins
    width = slot * 0.84 / len(series)
    return "".join(
        f'<rect class="{one.name}" x="{_LEFT + index * slot + slot * 0.08 + place * width:.1f}" y="{_y(share / top):.1f}"'
        f' width="{width:.1f}" height="{_y(0) - _y(share / top):.1f}"/>'
        for place, one in enumerate(series)
        for index, share in enumerate(one.shares)
        if share
    )


def _steps(series: Sequence[_Series], top: float) -> str:
    """The outlines of the series above each other, the first on top."""
    return "".join(_outline(one, top) for one in reversed(series))


def _outline(one: _Series, top: float) -> str:
    bins = len(one.shares)
    points = [(0.0, 0.0)]
    for index, share in enumerate(one.shares):
        points += [(index / bins, share / top), ((index + 1) / bins, share / top)]
    path = " ".join(f"{_x(at):.1f},{_y(level):.1f}" for at, level in [*points, (1.0, 0.0)])
    return f'<polygon class="area {one.name}" points="{path}"/>'


def _svg(height: float, title: str, told: str, content: str) -> str:
    name = f"chart-{title.split(maxsplit=1)[0].lower()}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escaped(title)}</title><desc id="{name}-desc">{escaped(told)}</desc>{content}</svg>'
    )


def _gridline(level: float, top: float) -> str:
    y = _y(level / top)
    return (
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" class="tick" text-anchor="end">{100 * level:.3g} %</text>'
    )


def _nice(highest: float) -> tuple[float, float]:
    """The top of an axis from 0, and the step between its lines: three to five of them."""
    if highest <= 0:
        return 0.01, 0.005
    size = 10.0 ** math.floor(math.log10(highest / 4))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size * 5 >= highest)
    return step * math.ceil(highest / step - 1e-9), step


def _side(name: str, counts: Sequence[int], total: int) -> _Series:
    return _Series(name, tuple(count / total if total else 0.0 for count in counts))


def _inner(counts: Sequence[int]) -> Sequence[int]:
    return counts[1:-1]


def _occupied(spreads: Sequence[Distribution]) -> tuple[int, int]:
    """The bins between which all values are, with a margin, in whole groups of them."""
    filled = [index for spread in spreads for index, count in enumerate(spread.counts) if count] or [150, 200]
    low = max((min(filled) - 1) // _MERGED * _MERGED - _MERGED, 0) + 1
    high = min(((max(filled) - 1) // _MERGED + 2) * _MERGED, len(LATENCIES) - 1) + 1
    return low, max(high, low + 4 * _MERGED)


def _merged(counts: Sequence[int], low: int, high: int) -> list[int]:
    return [sum(counts[at : at + _MERGED]) for at in range(low, high, _MERGED)]


def _decades(low: float, high: float) -> list[tuple[float, str]]:
    wide = math.log10(high / low)
    factors = (1, 2, 5) if wide < 2.5 else (1,)
    ticks = (factor * 10.0**power for power in range(-4, 5) for factor in factors)
    return [(math.log10(tick / low) / wide, f"{tick:g} s") for tick in ticks if low * 0.999 <= tick <= high * 1.001]


def _place(value: float | None, edges: Sequence[float]) -> float:
    return 0.0 if not value else min(max(math.log(value / edges[0]) / math.log(edges[-1] / edges[0]), 0.0), 1.0)


def _x(at: float) -> float:
    return _LEFT + at * (_WIDTH - _LEFT - _RIGHT)


def _y(level: float) -> float:
    return _HEIGHT - _BOTTOM - level * (_HEIGHT - _TOP - _BOTTOM)


def _count(count: int, total: int) -> str:
    return f"{count:,} ({100 * count / total:.3g} %)" if total else f"{count:,}"


def _seconds(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3g} s"
