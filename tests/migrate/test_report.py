"""The reports: all that was found is in them, and nothing in an answer is ever taken for markup."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from compared_pairs import answer, failed, pair, workload
from hypothesis import given, settings, strategies as st

from agentbridge.migrate import Gate, Ledger, Report, as_html, as_json, as_junit, as_markdown, compare
from agentbridge.migrate.report.texts import marked

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "</style><svg onload=alert(1)>",
    "]]></failure><testcase/>",
    "<!-- --><a href=javascript:alert(1)>x</a>",
    "&lt;b&gt; &amp; &#60;",
    "\x00\x08\ud800\u202etxt.exe\r\n\x1b[31m",
    "```\n# not a heading\n```` | a | b |",
    "</details></main><h1>Pass</h1>",
]
_VOID = {"meta", "br"}
_KNOWN = {
    "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section", "h1", "h2", "h3", "h4", "p", "ul", "li",
    "b", "br", "div", "span", "code", "table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "figcaption", "details",
    "summary", "del", "ins", "dl", "dt", "dd", "svg", "desc", "rect", "text", "line", "polygon", "circle",
}  # fmt: skip


class _Page(HTMLParser):
    """The elements, attributes and texts of a page; asserts that every element that is opened is closed."""

    def __init__(self, page):
        super().__init__()
        self.attributes, self.names, self.texts, self._open = [], set(), [], []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes += attrs
        if tag not in _VOID and not self.get_starttag_text().endswith("/>"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.names.add(tag)
        self.attributes += attrs

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


@pytest.fixture(scope="module")
def report():
    pairs = workload(400, turns=2, failing=0.08, wrong=0.06, reworded=0.1, noise=0.05)
    comparison = compare(pairs, cohort="country", judges={"polite": lambda _: 0.7}, unknown=3, remaining=7)
    return Report.of(
        comparison, Gate(min_scores={"polite": 0.5}, min_same=0.5), {"agentbridge": "0.1.0", "Python": "3.11"}
    )


def test_every_report_says_by_what_its_figures_can_be_made_again():
    facts = Report.of(compare([]), Gate(min_same=0.5), {"made for": "a test"}).facts
    assert {"agentbridge", "Python", "gate", "gate, sha256"} < set(facts)
    assert json.loads(facts["gate"])["min_same"] == 0.5
    assert facts["made for"] == "a test"


def test_a_report_of_a_ledger_has_its_counts_and_its_facts(tmp_path):
    with Ledger(tmp_path / "move.ledger") as ledger:
        ledger.add([pair("a", "b", id=name).sample for name in ("1", "2")])
        ledger.set("config hash", "f00d")
        report = Report.of_ledger(ledger, arm="candidate", seed=3)
    assert (report.comparison.remaining, report.comparison.seed) == (2, 3)
    assert (report.facts["ledger"], report.facts["ledger: config hash"]) == ("move.ledger", "f00d")
    assert (report.facts["arm"], report.facts["baseline"]) == ("candidate", "baseline")


def _hostile_report(text):
    pairs = [
        pair(f"old {text}", f"new {text}", f"again {text}", id=text, session=text, target=text, cohort=text),
        pair(text, failed(text), id="f" + text),
        pair(json.dumps({text: 1}), json.dumps({text + "2": 1}), id="j" + text),
        pair(answer("a", by=text), answer("a", by=text), id="s" + text),
    ]
    comparison = compare(pairs, cohort="cohort", judges={text: lambda _: 1, "bad" + text: lambda _: 1 / 0})
    return Report.of(comparison, Gate(min_scores={text: 0.5}), {text: text})


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_answer_is_text_on_the_page(text):
    page = _Page(as_html(_hostile_report(text)))
    assert page.names <= _KNOWN
    assert not any(name.startswith("on") or name in ("src", "href", "style") for name, _ in page.attributes)


@settings(deadline=None, max_examples=30)  # six pages each
@given(st.text(st.characters(codec=None), max_size=40))
def test_no_text_makes_another_page(text):
    calm = _Page(as_html(_hostile_report("calm")))
    page = _Page(as_html(_hostile_report(text)))
    assert page.names <= _KNOWN
    assert {name for name, _ in page.attributes} <= {name for name, _ in calm.attributes}


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_answer_is_text_in_junit_json_and_markdown(text):
    report = _hostile_report(text)
    suite = ET.fromstring(as_junit(report))
    assert len(suite.findall(".//testcase")) == len(report.verdict.rulings)
    assert json.loads(as_json(report))["worst"][0]["new"].endswith(text)
    outside = re.sub(r"^(`{3,})text\n.*?\n\1$", "", as_markdown(report), flags=re.MULTILINE | re.DOTALL)
    assert not re.search(r"(?<!\\)<", outside)
    assert not re.search(r"^# (?!Pass|Fail|Extend)", outside, re.MULTILINE)


def test_the_page_forbids_scripts_and_the_network(report):
    page = as_html(report)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page).group(1)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert not re.search(r"https?:|url\(|@import|<script|<link", page)


def test_the_page_says_the_verdict_first_then_the_rules(report):
    page = as_html(report)
    order = [
        page.index(part) for part in (report.headline, 'id="rules"', 'id="charts"', 'id="differences"', 'id="method"')
    ]
    assert order == sorted(order)
    for ruling in report.verdict.rulings:
        assert html.escape(ruling.rule) in page


def test_the_page_shows_what_was_not_measured(report):
    words = " ".join(_Page(as_html(report)).texts)
    assert "3  of unknown outcome" in words
    assert "7  not yet asked" in words


def test_the_page_can_be_read_without_eyes(report):
    page = as_html(report)
    assert (
        page.count("<svg")
        == page.count('role="img"')
        == len(re.findall(r"<title id=", page))
        == len(re.findall("<desc ", page))
    )
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(" ".join(re.findall(r'aria-labelledby="([^"]+)"', page)).split()) <= set(ids)
    assert page.count("<table") == page.count("<caption>")
    assert '<html lang="en">' in page


def test_two_pages_of_one_report_are_the_same_to_the_byte(report):
    assert as_html(report) == as_html(report)


def test_differing_words_are_marked_on_both_sides():
    assert marked("in 3 days <b>", "in 4 days <b>") == (
        "in <del>3</del> days &lt;b&gt;",
        "in <ins>4</ins> days &lt;b&gt;",
    )


def test_very_long_answers_are_shown_without_marks():
    old, new = "a " * 4000, "b " * 4000
    assert marked(old, new) == (old, new)


WORDS = st.text('ab <&"\n', max_size=30)


@given(WORDS, WORDS)
def test_marks_lose_and_add_nothing(old, new):
    left, right = (re.sub("</?(del|ins)>", "", side) for side in marked(old, new))
    assert (html.unescape(left), html.unescape(right)) == (old, new)


def test_json_has_every_figure_with_its_interval(report):
    found = json.loads(as_json(report))
    assert (found["schema_version"], found["verdict"], found["unknown"], found["remaining"]) == (1, "fail", 3, 7)
    failures = found["overall"]["estimates"]["failures"]
    assert failures["interval"][0] <= failures["value"] <= failures["interval"][1]
    assert sum(found["overall"]["categories"].values()) == found["overall"]["pairs"] == 400
    assert (
        sum(count for *_, count in found["overall"]["latency_seconds"]["bins"])
        == found["overall"]["latency_seconds"]["total"]
    )
    assert {rule["rule"] for rule in found["rules"]} >= {"min_samples", "max_wrong_numbers", "min_scores.polite"}


def test_junit_has_a_case_for_each_rule(report):
    suite = ET.fromstring(as_junit(report)).find("testsuite")
    failures = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failures == [one.rule for one in report.verdict.rulings if one.outcome == "fail"]
    assert int(suite.get("failures")) == len(failures) > 0


def test_markdown_has_verdict_rules_and_examples(report):
    text = as_markdown(report)
    assert text.startswith("# Fail: beyond a threshold, for sure\n")
    assert text.count("\n| ") > len(report.verdict.rulings)
    assert "```text\n[flowgent] The flow stopped" in text


def test_a_report_of_nothing_can_be_written():
    empty = Report.of(compare([]))
    _Page(as_html(empty))
    assert json.loads(as_json(empty))["verdict"] == "extend"
    assert as_markdown(empty).startswith("# Extend")


def test_axes_end_at_round_numbers_above_the_highest_value():
    from agentbridge.migrate.report.charts import _nice

    assert _nice(0.873) == (1.0, 0.2)
    assert _nice(0.102) == pytest.approx((0.125, 0.025))


@given(st.floats(1e-6, 1))
def test_an_axis_has_few_lines_and_room_for_all(highest):
    from agentbridge.migrate.report.charts import _nice

    top, step = _nice(highest)
    assert highest <= top * 1.000001 <= highest + step * 1.00001
    assert 2 <= round(top / step) <= 5
