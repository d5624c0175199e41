"""The gate as JUnit XML, a test case for each rule: what CI systems show without being taught."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from ..ruling import Ruling
from .document import Report
from .texts import clean


def as_junit(report: Report) -> str:
    """The report as JUnit XML: a rule that is broken is a failure, one that cannot be told is skipped with the reason.

    CI systems take a skipped case for success, so that the exit code of `agentbridge migrate compare` is what decides there.
    """
    rulings = report.verdict.rulings
    counts = " ".join(
        f'{name}="{sum(ruling.outcome == outcome for ruling in rulings)}"'
        for name, outcome in (("failures", "fail"), ("skipped", "extend"))
    )
    cases = "".join(map(_case, rulings))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuites><testsuite name="agentbridge.migrate.gate" tests="{len(rulings)}" errors="0" {counts}>\n'
        f"  <properties>\n{_properties(report)}  </properties>\n{cases}</testsuite></testsuites>\n"
    )


def _properties(report: Report) -> str:
    known = {"verdict": report.verdict.outcome, "move": report.title, **report.facts}
    return "".join(f"    <property name={_said(name)} value={_said(value)}/>\n" for name, value in known.items())


def _case(ruling: Ruling) -> str:
    start = f'  <testcase classname="agentbridge.migrate.gate" name={_said(ruling.rule)}'
    if ruling.outcome == "pass":
        return f"{start}><system-out>{escape(clean(ruling.reason))}</system-out></testcase>\n"
    element = "failure" if ruling.outcome == "fail" else "skipped"
    return f"{start}><{element} message={_said(ruling.reason)}/></testcase>\n"


def _said(text: str) -> str:
    return quoteattr(clean(text))
