"""The chart of docs/performance.md: what is compared with httpx, as bars of SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from .statistics import Verdict

_COLOURS = {Verdict.MET: "#2a7f4f", Verdict.NOISE: "#c98a1b", Verdict.MISSED: "#b5382c"}
_LABELS, _BARS, _MARGIN = 390, 420, 60  # widths
_STEP, _THICK, _TOP = 26, 14, 40  # heights


def costs(rows: Sequence[Mapping[str, Any]]) -> list[tuple[str, float, float, str]]:
    """Label, cost, budget and verdict of each row that httpx is the measure of; a throughput is turned over."""
    found = []
    for row in rows:
        if row["figure"] is not None and row["unit"].startswith("x raw"):
            fast = row["budget"].startswith("at least")
            cost, limit = (1 / row[name] if fast else row[name] for name in ("figure", "limit"))
            found.append((row["what"].replace("calls per CPU second", "CPU"), cost, limit, row["verdict"]))
    return found


def chart(rows: Sequence[Mapping[str, Any]]) -> str:
    """The whole picture. httpx is the line at 1, each budget a mark on its bar."""
    bars = costs(rows)
    widest = max((max(cost, limit) for _, cost, limit, _ in bars), default=1.0)
    scale = _BARS / max(widest, 1.2)
    height = _TOP + _STEP * len(bars) + 10
    raw = _LABELS + scale
    box = f"0 0 {_LABELS + _BARS + _MARGIN} {height}"
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        *(line for number, bar in enumerate(bars) for line in _bar(bar, _TOP + _STEP * number, scale)),
        f'<path d="M{raw:.1f} {_TOP - 10}V{height - 8}" stroke="#333333" stroke-dasharray="3 3"/>',
        f'<text x="{raw:.1f}" y="{_TOP - 16}" text-anchor="middle">plain httpx = 1</text>',
        "</svg>\n",
    ))  # fmt: skip


def _bar(bar: tuple[str, float, float, str], top: int, scale: float) -> tuple[str, ...]:
    label, cost, limit, said = bar
    middle = top + _THICK - 3
    mark, end = _LABELS + limit * scale, _LABELS + cost * scale
    return (
        f'<text x="{_LABELS - 8}" y="{middle}" text-anchor="end">{escape(label.replace("`", ""))}</text>',
        f'<rect x="{_LABELS}" y="{top}" width="{cost * scale:.1f}" height="{_THICK}" fill="{_COLOURS[Verdict(said)]}"/>',
        f'<path d="M{mark:.1f} {top - 3}v{_THICK + 6}" stroke="#000000" stroke-width="2"/>',
        f'<text x="{max(mark, end) + 6:.1f}" y="{middle}">{cost:.2f}</text>',
    )
