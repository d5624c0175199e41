"""The page shows what a run found, and nothing else."""

import json
from xml.etree import ElementTree

from benchmarks.budgets import ROWS
from benchmarks.chart import chart, costs
from benchmarks.page import CHART, PAGE, SHOWN, merged, written
from benchmarks.report import document, entry
from benchmarks.statistics import Compared

FOUND = json.loads(SHOWN.read_text())
BY_KEY = {row.key: row for row in ROWS}


def test_the_page_and_the_chart_show_the_figures_that_are_kept():
    assert PAGE.read_text() == written(PAGE.read_text(), FOUND)
    assert CHART.read_text() == chart(FOUND["rows"])


def test_every_budget_is_on_the_page():
    assert [(row["key"], row["budget"]) for row in FOUND["rows"]] == [(row.key, row.budget) for row in ROWS]


def test_new_figures_replace_the_old_ones_and_leave_the_text():
    page = PAGE.read_text()
    other = document({"sync_call": [Compared(0.123, 123.0, 1000.0)]})
    changed = written(page, other)
    assert "| 0.12 x | one round | met |" in changed
    assert written(changed, FOUND) == page


def test_figures_are_in_the_unit_of_their_budget():
    found = entry(BY_KEY["further_bridge"], [Compared(250.0, 2250.0, 2000.0)])
    assert (found["figure"], found["verdict"]) == (0.25, "met")


def test_a_row_that_the_library_cannot_do_yet_says_so():
    found = entry(BY_KEY["batch_own"], None)
    assert (found["figure"], found["verdict"]) == (None, "not there yet")


def test_a_throughput_is_drawn_as_a_cost():
    rows = [entry(BY_KEY["async_32_httpx"], [Compared(5.0, 1.0, 5.0)])]
    assert costs(rows) == [("async, 32 in flight, CPU, httpx", 0.2, 0.25, "met")]


def test_the_chart_is_xml_with_a_bar_for_each_comparison():
    drawn = ElementTree.fromstring(CHART.read_text())
    bars = [shape for shape in drawn.iter("{http://www.w3.org/2000/svg}rect") if shape.get("x")]
    assert len(bars) == len(costs(FOUND["rows"])) > 5


def test_a_row_that_was_measured_again_replaces_the_one_shown_and_the_others_stay():
    other = document({"adapter": [Compared(-30.0, 100.0, 130.0)]})
    kept = merged(FOUND, other)
    assert [row["key"] for row in kept["rows"]] == [row["key"] for row in FOUND["rows"]]
    assert [row for row in kept["rows"] if row["key"] != "adapter"] == [
        row for row in FOUND["rows"] if row["key"] != "adapter"
    ]
    assert next(row for row in kept["rows"] if row["key"] == "adapter")["figure"] == -30.0
