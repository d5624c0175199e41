"""`agentbridge migrate demo`: it finds what was planted and nothing else, though it is killed half-way."""

from __future__ import annotations

import re

from agentbridge.migrate.demo_world import CONVERSATIONS, TURNS, order_of, questions, world


def test_the_demo_finds_every_planted_difference_and_no_other_and_repeats_nothing_unasked(run, tmp_path):
    found = run("migrate", "demo", "--out", tmp_path / "demo")
    assert found.exit_code == 0, found.output
    counts = re.findall(r"^ +(\w[\w ]*?) +(\d+) planted, +(\d+) found$", found.output, re.MULTILINE)
    assert counts == [("reworded", "40", "40"), ("failed", "12", "12"), ("wrong number", "8", "8")]
    assert re.search(r"anything else +0 found", found.output)
    assert re.search(r"So far \d+ questions arrived at the new vendor, 0 of them twice", found.output)
    assert "<html" in (tmp_path / "demo" / "report.html").read_text()


def test_the_shares_that_are_planted_are_those_that_are_promised():
    planted = list(world().planted.values())
    calls = CONVERSATIONS * TURNS
    assert {kind: planted.count(kind) / calls for kind in set(planted)} == {
        "reworded": 0.1,
        "failed": 0.03,
        "wrong_number": 0.02,
    }


def test_every_order_is_asked_for_once():
    orders = [order_of(invocation.text) for invocation in questions()]
    assert len(orders) == len(set(orders)) == CONVERSATIONS * TURNS
