"""The table of what was run against the real server: printed, and written into docs/live-flowise.md when all of it passed."""

from __future__ import annotations

import datetime
import inspect
import json
import os
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest

GAP = "**known gap**:"

PAGE = """\
# Flowise, live

Written by `make test-live`, which starts the real Flowise (npm package `flowise`, version {version}) and runs the tests of
`tests/live` against it: {count} tests on {date}, {passed}. They are no part of `make test`.
The models behind the flows are a stand-in that answers alike each time; all else is the server as it is installed.

The outcome is what the caller got, in this order: an answer, an empty answer, a pause for a human, a pending run, or an
exception with the HTTP status that it came with.
"""


class Row(NamedTuple):
    """One test in one world, what came of it last; `total` is how many tests there are."""

    index: int
    total: int
    module: str
    heading: str
    what: str
    world: str
    outcome: str = ""


class Table:
    """A pytest plugin: notes what came of each test, prints it, and writes the page. Workers of xdist send their rows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._page = folder.parents[1] / "docs" / "live-flowise.md"
        self._rows: list[Row] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        ours = [item for item in items if isinstance(item, pytest.Function) and item.path.parent == self._folder]
        for index, item in enumerate(ours):
            item.user_properties.append(("row", [index, len(ours), *_named(item)]))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        row = next((value for name, value in report.user_properties if name == "row"), None)
        if row is not None and (report.when == "call" or report.failed):
            self._rows.append(Row(*row, _outcome(report)))

    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        if not self._rows:
            return
        self._rows.sort()
        table = self._table()
        terminalreporter.write_line(table)
        modules = {path.name for path in self._folder.glob("test_*.py")}
        whole = len(self._rows) == self._rows[0].total and modules == {row.module for row in self._rows}
        if exitstatus == 0 and whole:
            self._page.write_text(self._heading() + table)
            terminalreporter.write_line(f"written into {self._page.relative_to(self._folder.parents[1])}")

    def _heading(self) -> str:
        version = json.loads(Path(os.environ["LIVE_FLOWISE"]).read_text())["version"]
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        gaps = sum(row.outcome.startswith(GAP) for row in self._rows)
        passed = f"all passed but {gaps}, which show known gaps" if gaps else "all passed"
        return PAGE.format(version=version, count=len(self._rows), date=today, passed=passed)

    def _table(self) -> str:
        lines: list[str] = []
        for (module, heading), rows in groupby(self._rows, key=lambda row: (row.module, row.heading)):
            lines += ["", f"## {heading}", "", f"[{module}](../tests/live/{module})", ""]
            lines += ["| what was run | world | outcome |", "| --- | --- | --- |"]
            by_test: dict[tuple[str, str], list[str]] = {}
            for row in rows:
                by_test.setdefault((row.what, row.outcome), []).append(row.world)
            lines += [
                f"| {what} | {'both' if len(worlds) > 1 else worlds[0]} | {outcome} |"
                for (what, outcome), worlds in by_test.items()
            ]
        return "\n".join([*lines, ""])


def _outcome(report: pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        return f"{GAP} {report.wasxfail.removeprefix('reason: ')}"
    if not report.passed:
        return f"**{report.outcome}**"
    outcomes = [value for name, value in report.user_properties if name == "outcome"]
    return ", ".join(value for value, _ in groupby(outcomes))


def _named(item: pytest.Function) -> tuple[str, str, str, str]:
    """Module, its heading, the test as a sentence, and its world."""
    words = item.originalname.removeprefix("test_").replace("_", " ")
    params = dict(item.callspec.params)
    world = str(params.pop("open_bridge"))
    case = ", ".join(str(value) for value in params.values())
    heading = (inspect.getdoc(item.module) or "").partition("\n")[0].rstrip(".")
    return item.path.name, heading, f"{words}: {case}" if case else words, world
