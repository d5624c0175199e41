"""Figures as people read them, each in its unit: a "share", a "ratio", a "score" or a "count". Pure."""

from __future__ import annotations


def figure(value: float, unit: str) -> str:
    """A value in its unit."""
    if unit == "count":
        return f"{value:,.0f}"
    if unit == "share":
        percent = 100 * value
        return f"{percent:.2g} %" if 0 < abs(percent) < 0.005 else f"{percent:.2f}".rstrip("0").rstrip(".") + " %"
    return f"{value:.2f}"


def measured(value: float | None, unit: str) -> str:
    """A value that may not be known."""
    return "not known" if value is None else figure(value, unit)


def ends(interval: tuple[float, float] | None, unit: str, unknown: str = "not known") -> str:
    """Between which values something is; `unknown` where nobody knows."""
    return unknown if interval is None else " to ".join(figure(end, unit) for end in interval)


def bound(limit: float, unit: str, *, least: bool) -> str:
    """A threshold, and on which side of it is right."""
    return f"{'at least' if least else 'at most'} {figure(limit, unit)}"


def spoken(name: str) -> str:
    """The name of a category in words."""
    return name.replace("_", " ")
