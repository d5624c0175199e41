"""What a run found: as a table on the screen and as JSON."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .budgets import ROWS, Row
from .statistics import Compared, Verdict, middle, summed_up, verdict


def entry(row: Row, rounds: Sequence[Compared] | None) -> dict[str, Any]:
    """One row as JSON; `rounds` None where the library cannot do it yet."""
    values = [each.value / row.per for each in rounds or ()]
    figure = summed_up(values) if values else None
    costs = middle(rounds) if rounds else None
    found = {"figure": figure.value, "noise": figure.noise} if figure else {"figure": None, "noise": None}
    return {
        "key": row.key,
        "what": row.what,
        "budget": row.budget,
        "limit": row.limit,
        "unit": row.unit,
        **found,
        "verdict": verdict(figure, row.limit, higher_is_better=row.higher_is_better),
        "own": costs and costs.own,
        "base": costs and costs.base,
        "rounds": values,
    }


def document(measured: Mapping[str, Sequence[Compared] | None], *, quick: bool = False) -> dict[str, Any]:
    """The whole run, with the machine that it ran on."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "quick": quick,
        "rows": [entry(row, measured[row.key]) for row in ROWS if row.key in measured],
    }


def machine() -> dict[str, Any]:
    """Where it ran, and how busy it was there."""
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
    }


def cells(found: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    """What, budget, measured, noise and verdict, as text."""
    if found["figure"] is None:
        return found["what"], found["budget"], "", "", Verdict.ABSENT
    measured = f"{number(found['figure'])} {found['unit'].partition(' ')[0]}"
    noise = f"± {number(found['noise'])}" if len(found["rounds"]) > 1 else "one round"
    return found["what"], found["budget"], measured, noise, found["verdict"]


def number(value: float) -> str:
    """Two or three digits that mean something."""
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def line(found: Mapping[str, Any]) -> str:
    """One row on the screen, with what the figure is made of."""
    what, budget, measured, noise, said = cells(found)
    parts = " against ".join(number(found[part]) for part in ("own", "base") if found[part] is not None)
    return f"{what:58} {budget:44} {measured:>16} {noise:>9}  {said:14} {parts}"
