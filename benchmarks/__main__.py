"""`python -m benchmarks [ROW ...] [--rounds 5] [--check]`: measure, and say how the figures stand to their budgets."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import report
from .budgets import ROWS, Row
from .processes import ROOT, features, vendor
from .rounds import grouped, measured
from .statistics import Compared, Verdict

LATEST = ROOT / "benchmarks" / "results" / "latest.json"


def arguments() -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help="keys of rows, or how they begin; all by default")
    parser.add_argument("--rounds", type=int, default=5, help="each starts all processes anew")
    parser.add_argument("--quick", action="store_true", help="start processes once and not for each round")
    parser.add_argument("--check", action="store_true", help="fail where a budget is missed by more than the noise")
    parser.add_argument("--json", type=Path, default=LATEST, help="where the figures go")
    parser.add_argument("--list", action="store_true", help="name the rows, and measure nothing")
    return parser.parse_args()


def chosen(names: Sequence[str]) -> list[Row]:
    """The rows that are named, or whose key begins so."""
    unknown = [name for name in names if not any(row.key.startswith(name) for row in ROWS)]
    if unknown:
        raise SystemExit(f"there is no row {', '.join(unknown)}; `--list` names them")
    return [row for row in ROWS if not names or row.key.startswith(tuple(names))]


def measure(rows: Sequence[Row], rounds: int, *, quick: bool) -> Iterator[dict[str, list[Compared] | None]]:
    """What each round found, by key, as far as it is measured; None for what the library cannot do yet."""
    there = features()
    yield {row.key: None for row in rows if row.needs not in there}
    with vendor() as base:
        for group in grouped(row for row in rows if row.needs in there):
            every = measured(group, base, rounds, keep=quick)
            yield {row.key: [each[row.key] for each in every] for row in group}


def main() -> int:
    """The exit code: 1 where `--check` finds a budget missed."""
    asked = arguments()
    rows = chosen(asked.rows)
    if asked.list:
        print(*(f"{row.key:20} {row.what}: {row.budget}" for row in rows), sep="\n")
        return 0
    found: dict[str, list[Compared] | None] = {}
    for more in measure(rows, asked.rounds, quick=asked.quick):
        found |= more
        result = report.document(found, quick=asked.quick)
        print(*(report.line(entry) for entry in result["rows"] if entry["key"] in more), sep="\n", flush=True)
        asked.json.write_text(json.dumps(result, indent=1) + "\n")
    verdicts = [entry["verdict"] for entry in result["rows"]]
    print(", ".join(f"{verdicts.count(said)} {said}" for said in Verdict))
    return int(asked.check and Verdict.MISSED in verdicts)


if __name__ == "__main__":
    sys.exit(main())
