"""The table of what was run against the real server: printed, and written into docs/live-flowise.md when all of it passed."""

from __future__ import annotations

import datetime
import inspect
import json
import os
from itertools import groupby
from pathlib import Path
from typing import Any

import attrs
import pytest

PAGE = """\
# Flowise, live

Written by `make test-live`, which starts the real Flowise (npm package `flowise`, {version}) and runs the tests of
[tests/live](../tests/live) against it: {count} tests on {date}, all passed. They are no part of `make test`.
The models behind the flows are a stand-in that answers alike each time; all else is the server as it is installed.

The outcome is what the caller got, in this order: an answer, an empty answer, a pause for a human, a pending run, or an
exception with the HTTP status that it came with.
"""


@attrs.frozen
class Row:
    """One test in one world."""

    module: str
    heading: str
    what: str
    world: str
    outcome: str


class Table:
    """A pytest plugin: notes what came of each test, prints it, and writes the page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._page = folder.parents[1] / "docs" / "live-flowise.md"
        self._names: dict[str, tuple[str, str, str, str]] = {}
        self._rows: list[Row] = []
        self._whole = True

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        ours = [item for item in items if isinstance(item, pytest.Function) and item.path.parent == self._folder]
        self._names = {item.nodeid: _named(item) for item in ours}

    def pytest_deselected(self) -> None:
        self._whole = False

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid in self._names and (report.when == "call" or report.failed):
            outcomes = [value for name, value in report.user_properties if name == "outcome"]
            outcome = ", ".join(value for value, _ in groupby(outcomes)) or "refused before it was sent"
            outcome = outcome if report.passed else f"**{report.outcome}**"
            self._rows.append(Row(*self._names[report.nodeid], outcome))

    def pytest_terminal_summary(self, terminalreporter: Any, exitstatus: int) -> None:
        if not self._rows:
            return
        table = self._table()
        terminalreporter.write_line(table)
        modules = {path.name for path in self._folder.glob("test_*.py")}
        if exitstatus == 0 and self._whole and modules == {row.module for row in self._rows}:
            self._page.write_text(self._heading() + table)
            terminalreporter.write_line(f"written into {self._page.relative_to(self._folder.parents[1])}")

    def _heading(self) -> str:
        version = json.loads(Path(os.environ["LIVE_FLOWISE"]).read_text())["version"]
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        return PAGE.format(version=version, count=len(self._rows), date=today)

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


def _named(item: pytest.Function) -> tuple[str, str, str, str]:
    """Module, its heading, the test as a sentence, and its world."""
    words = item.originalname.removeprefix("test_").replace("_", " ")
    world = str(item.callspec.params["open_bridge"])
    case = "-".join(part for part in item.callspec.id.split("-") if part != world)
    heading = (inspect.getdoc(item.module) or "").partition("\n")[0].rstrip(".")
    return item.path.name, heading, f"{words}: {case}" if case else words, world
