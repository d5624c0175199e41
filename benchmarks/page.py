"""`python -m benchmarks.page [RESULT.json]`: put the figures of a run, by default those shown already, into the page."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
        f" load {machine['load']}, {found['rounds']} rounds.{_busy(machine)}\n\n"
        "| what | budget | measured | noise | verdict |\n| --- | --- | --- | --- | --- |\n"
    )
    return head + "".join(f"| {' | '.join(cells(row))} |\n" for row in found["rows"])


def _busy(machine: Mapping[str, Any]) -> str:
    if machine["load"] <= machine["processors"]:
        return ""
    return " **On a busy machine**: figures in us and ms are too high, ratios are noisy."


def written(page: str, found: Mapping[str, Any]) -> str:
    """The page with these figures in their place."""
    before, _, rest = page.partition(_BEGIN)
    return f"{before}{_BEGIN}{table(found)}{_END}{rest.partition(_END)[2]}"


def main() -> None:
    """Keep the result, and write page and chart."""
    if len(sys.argv) > 1:
        shutil.copyfile(Path(sys.argv[1]), SHOWN)
    found = json.loads(SHOWN.read_text())
    PAGE.write_text(written(PAGE.read_text(), found))
    CHART.write_text(chart(found["rows"]))


if __name__ == "__main__":
    main()
