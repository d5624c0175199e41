"""`python -m benchmarks.page [RESULT.json ...]`: put figures into the page; rows of a later file replace those shown."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .budgets import ROWS
from .chart import chart
from .processes import ROOT
from .report import cells

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"
SHOWN = ROOT / "benchmarks" / "results" / "shown.json"
_BEGIN, _END = "<!-- figures: python -m benchmarks.page -->\n", "<!-- end of figures -->\n"


def table(found: Mapping[str, Any]) -> str:
    """The machine and the figures, in Markdown."""
    machine = found["machine"]
    head = (
        f"{found['date']}, Python {machine['python']}, {machine['system']}, {machine['processors']} processors,"
        f" load {machine['load']}, {_rounds(found)} rounds{_quick(found)}.{_busy(machine)}{found.get('note', '')}\n\n"
        "| what | budget | measured | noise | verdict |\n| --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(f"| {' | '.join(cells(row))} |\n" for row in found["rows"])


def _rounds(found: Mapping[str, Any]) -> str:
    counts = sorted({len(row["rounds"]) for row in found["rows"] if row["rounds"]})
    return " to ".join(str(count) for count in (counts[0], counts[-1])[: len(counts)])


def _quick(found: Mapping[str, Any]) -> str:
    return " with the same processes (`--quick`)" if found["quick"] else ""


def _busy(machine: Mapping[str, Any]) -> str:
    if machine["load"] <= machine["processors"]:
        return ""
    return " **On a busy machine**: figures in us and ms are too high, ratios are noisy."


def written(page: str, found: Mapping[str, Any]) -> str:
    """The page with these figures in their place."""
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}{table(found)}{_END}{rest.partition(_END)[2]}"


def merged(shown: Mapping[str, Any], newer: Mapping[str, Any]) -> dict[str, Any]:
    """The newer run, with the rows that it did not measure as they were shown."""
    rows = {row["key"]: row for row in (*shown["rows"], *newer["rows"])}
    return {**newer, "rows": [rows[row.key] for row in ROWS if row.key in rows]}


def main() -> None:
    """Keep the result, and write page and chart."""
    found = json.loads(SHOWN.read_text())
    for path in sys.argv[1:]:
        found = merged(found, json.loads(Path(path).read_text()))
    SHOWN.write_text(json.dumps(found, indent=1) + "\n")
    PAGE.write_text(written(PAGE.read_text(), found))
    CHART.write_text(chart(found["rows"]))


if __name__ == "__main__":
    main()
