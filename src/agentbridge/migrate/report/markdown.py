"""The report as Markdown, for a pull request or a ticket."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..comparing.comparison import Example
from ..comparing.differences import CATEGORIES
from ..figures import bound, ends, measured, spoken
from .document import Report
from .texts import clean

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|<>~@&$:-])")
_SHOWN = 10


def as_markdown(report: Report) -> str:
    """The report as Markdown: verdict, rules, categories, the worst pairs. Nothing in an answer is taken for markup."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    overall, comparison = report.comparison.overall, report.comparison
    yield f"# {report.headline}"
    yield ""
    yield f"{_said(report.title)}: {overall.pairs:,} samples in {overall.conversations:,} conversations,"
    yield f"{_said(report.counted_line)}."
    yield from ("", "| rule | outcome | measured | interval | threshold |", "| --- | --- | --- | --- | --- |")
    for ruling in report.verdict.rulings:
        told = (measured(ruling.value, ruling.unit), ends(ruling.interval, ruling.unit, ""))
        limit = bound(ruling.limit, ruling.unit, least=ruling.least)
        yield f"| {_said(ruling.title)} | **{ruling.outcome}** | {' | '.join(told)} | {limit} |"
    yield from ("", "| category | new against old | old against old |", "| --- | --- | --- |")
    for name in CATEGORIES:
        yield f"| {_said(spoken(name))} | {overall.categories.get(name, 0):,} | {overall.noise.get(name, 0):,} |"
    for example in comparison.worst[:_SHOWN]:
        yield from _example(example)
    yield from ("", "## How it was measured", "")
    yield from (
        f"- {_said(name)}: {_said(value)}" for name, value in {**report.facts, "seed": str(comparison.seed)}.items()
    )


def _example(example: Example) -> Iterator[str]:
    yield from ("", f"## {_said(example.id)}: {_said(spoken(example.difference.category))}", "")
    for name, text in (("Old", example.old), ("New", example.new)):
        yield from (f"{name}:", "", *_fenced(text), "")


def _fenced(text: str) -> list[str]:
    """A block that the text cannot end."""
    text = clean(text)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [f"{fence}text", text, fence]


def _said(text: str) -> str:
    """One line in which nothing is markup."""
    return _SPECIAL.sub(r"\\\1", " ".join(clean(text).split()))
