"""The report as one HTML page: no script, no network, and no markup that came from an answer."""

from __future__ import annotations

import base64
import hashlib
import importlib.resources
from collections.abc import Iterable, Mapping, Sequence

from ..comparing.differences import BAD, CATEGORIES, Category
from ..comparing.slices import Slice
from ..comparing.statistics import Estimate, Excess
from ..figures import bound, ends, figure, measured, spoken
from ..ruling import Ruling
from . import charts
from .document import Report
from .pairs import pairs_section
from .texts import escaped

_WORDS = {"pass": "\u2713 pass", "fail": "\u2717 fail", "extend": "\u2026 extend"}


def as_html(report: Report) -> str:
    """The report as a page that needs nothing beside it."""
    style = importlib.resources.files(__package__).joinpath("page.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "".join((_header(report), "<main>", *_sections(report), "</main>", _footer()))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">'
        f'<meta name="robots" content="noindex"><title>{report.verdict.outcome}: {escaped(report.title)}</title>'
        f"<style>{style}</style></head>\n<body>{body}</body></html>\n"
    )


def _sections(report: Report) -> Iterable[str]:
    yield _rules(report)
    yield _charts(report)
    yield _slices("By agent", "agent", report.comparison.agents, report)
    if report.comparison.cohort is not None:
        yield _slices(f"By {escaped(report.comparison.cohort)}", "cohort", report.comparison.cohorts, report)
    yield pairs_section(report.comparison)
    yield _method(report)


def _header(report: Report) -> str:
    overall = report.comparison.overall
    reasons = "".join(f"<li>{escaped(reason)}</li>" for reason in report.verdict.reasons)
    different = sum(overall.categories.get(name, 0) for name in BAD)
    known = (
        (overall.pairs, "samples compared"),
        (overall.conversations, "conversations"),
        (different, "different answers"),
        *report.counted,
    )
    counts = "".join(f"<li><b>{count:,}</b> {escaped(what)}</li>" for count, what in known)
    return (
        f'<header><h1>Move from {escaped(report.title)}</h1><section class="verdict {report.verdict.outcome}" aria-label="Verdict">'
        f'<p class="word">{escaped(report.headline)}</p><ul>{reasons}</ul></section><ul class="facts">{counts}</ul></header>'
    )


def _rules(report: Report) -> str:
    rows = "".join(map(_rule, report.verdict.rulings))
    said = (
        f"A rule passes or fails where its whole interval ({report.gate.confidence * 100:g} % confidence) is on one side of its threshold."
        " Where it is not, about as many samples as the last column says would tell."
    )
    heads = ("Rule", "Outcome", "Measured", "Interval", "Threshold", "Samples", "Would tell")
    return f'<h2 id="rules">Rules</h2>{_table(said, heads, rows, numbers_from=2, stack=True)}'


def _rule(ruling: Ruling) -> str:
    unit = ruling.unit
    more = f"{ruling.needed:,}" if ruling.needed else "\u2013"
    cells = (
        ("Measured", measured(ruling.value, unit)),
        ("Interval", "\u2013" if unit == "count" else ends(ruling.interval, unit)),
        ("Threshold", bound(ruling.limit, unit, least=ruling.least)),
        ("Samples", f"{ruling.samples:,}"),
        ("Would tell", more),
    )
    numbers = "".join(f'<td class="number" data-name="{name}">{escaped(text)}</td>' for name, text in cells)
    badge = f'<span class="badge {ruling.outcome}">{_WORDS[ruling.outcome]}</span>'
    title = escaped(ruling.title[:1].upper() + ruling.title[1:])
    return f'<tr><th scope="row">{title}<br><code>{escaped(ruling.rule)}</code></th><td>{badge}</td>{numbers}</tr>'


def _charts(report: Report) -> str:
    overall = report.comparison.overall
    again = f"the old vendor asked again (n = {overall.repeated:,})" if overall.repeated else None
    legend = _legend(f"new against old (n = {overall.pairs:,})", again and f"noise: {again}")
    noise = (
        "The noise is how far the old vendor differs from itself; only what is beyond it counts."
        if overall.repeated
        else "The old vendor was not asked again, so that the noise is not known and every difference counts as the new vendor's."
    )
    drawn = [("Outcomes", "Share of all pairs in each category.", legend, charts.outcomes(overall))]
    if overall.similarity.total:
        drawn.append(_similarity(overall))
    if overall.latency.total:
        drawn.append(_latency(overall))
    if drawing := charts.sureness(report.verdict.rulings):
        told = f"Beyond noise: the dot is what was measured, the bar its {report.gate.confidence * 100:g} % interval, the line the threshold."
        drawn.insert(1, ("How sure it is", told, "", drawing))
    figures = "".join(
        f"<figure><figcaption><h3>{title}</h3><p>{escaped(told)}</p>{key}</figcaption>{drawing}</figure>"
        for title, told, key, drawing in drawn
    )
    return f'<h2 id="charts">What changed</h2><p class="quiet">{noise}</p><div class="charts">{figures}</div>{_categories(overall)}'


def _similarity(overall: Slice) -> tuple[str, str, str, str]:
    new, old = overall.similarity, overall.similarity_noise
    same = f"{100 * new.counts[-1] / new.total:.3g} % of the new answers have exactly the old words"
    same += f", {100 * old.counts[-1] / old.total:.3g} % of the old vendor's second ones" if old.total else ""
    told = f"{same}; they are left out here. Shares of all answers that could be compared."
    legend = _legend(f"new (n = {new.total:,})", f"old again (n = {old.total:,})" if old.total else None)
    return "Similarity", told, legend, charts.similarity(overall)


def _latency(overall: Slice) -> tuple[str, str, str, str]:
    sides = (("new", overall.latency), ("old", overall.latency_reference))
    names = [
        f"{side}: median {spread.quantile(0.5):.3g} s, 95 % within {spread.quantile(0.95):.3g} s (n = {spread.total:,})"
        for side, spread in sides
        if spread.total
    ]
    told = "Share of the answers by the time that they took, failures left out."
    return "Latency", told, _legend(*names), charts.latency(overall)


def _legend(new: str, old: str | None = None) -> str:
    sides = (("new", new), ("old", old))
    return (
        '<ul class="legend">'
        + "".join(f'<li class="{side}">{escaped(name)}</li>' for side, name in sides if name)
        + "</ul>"
    )


def _categories(overall: Slice) -> str:
    rows = "".join(
        f'<tr><th scope="row">{spoken(name)}</th><td>{escaped(meaning)}{_numbers_too(name, overall)}</td>'
        f'<td class="number" data-name="New against old">{overall.categories.get(name, 0):,}</td>'
        f'<td class="number" data-name="Old against old">{_noise(name, overall)}</td></tr>'
        for name, meaning in CATEGORIES.items()
    )
    said = "Each pair is in one category. Rewording is of words: whether the sense is the same, a judge decides."
    return _table(said, ("Category", "Meaning", "New against old", "Old against old"), rows, numbers_from=2, stack=True)


def _numbers_too(name: str, overall: Slice) -> str:
    return (
        f"; {overall.other_numbers:,} of them with other numbers too"
        if name == "reworded" and overall.other_numbers
        else ""
    )


def _noise(name: Category, overall: Slice) -> str:
    return f"{overall.noise.get(name, 0):,}" if overall.repeated else "\u2013"


def _slices(title: str, head: str, slices: Mapping[str, Slice], report: Report) -> str:
    rows = "".join(_slice(name, found, report) for name, found in slices.items())
    said = f"Beyond noise, with the {report.gate.confidence * 100:g} % interval. The gate looks at all samples together, not at these."
    heads = (
        head.capitalize(),
        "Samples",
        "Conversations",
        "Failures",
        "Wrong numbers",
        "Changed answers",
        "Time, new by old",
        "Credits, new by old",
    )
    return f"<h2>{title}</h2>{_table(said, heads, rows, numbers_from=1, stack=True)}"


def _slice(name: str, found: Slice, report: Report) -> str:
    few = ' <span class="badge extend">too few samples</span>' if found.pairs < report.gate.min_samples else ""
    shown = (
        ("Failures", "failures"),
        ("Wrong numbers", "wrong_numbers"),
        ("Changed", "changed"),
        ("Time", "latency"),
        ("Credits", "credits"),
    )
    cells = "".join(
        f'<td class="number" data-name="{head}">{_measured(found.estimates.get(estimate), report.gate.confidence)}</td>'
        for head, estimate in shown
    )
    return (
        f'<tr><th scope="row">{escaped(name)}{few}</th><td class="number" data-name="Samples">{found.pairs:,}</td>'
        f'<td class="number" data-name="Conversations">{found.conversations:,}</td>{cells}</tr>'
    )


def _measured(estimate: Estimate | None, confidence: float) -> str:
    if estimate is None or not estimate.n:
        return '<span class="quiet">not known</span>'
    unit = "share" if isinstance(estimate, Excess) else "ratio"
    between = ends(estimate.interval(confidence), unit, "too few to tell")
    return f'{figure(estimate.value, unit)}<br><span class="quiet small">{between}</span>'


def _method(report: Report) -> str:
    comparison = report.comparison
    facts = {**report.facts, "seed of the groups": str(comparison.seed)}
    facts |= {
        f"judge {name}": f"raised {count:,} times, and is not counted there"
        for name, count in comparison.judge_errors.items()
    }
    listed = "".join(f"<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>" for name, value in facts.items())
    told = "".join(f"<p>{escaped(text)}</p>" for text in _METHOD.split("\n\n"))
    return f'<h2 id="method">How it was measured</h2>{told}<dl class="facts-list">{listed}</dl>'


_METHOD = """
Old is the answer that was kept of production. Noise is the old vendor asked again, compared with production in the same way;
what the new vendor does beyond that is its own. Calls of unknown outcome and those not yet asked are in no figure but their own.

Conversations are the unit of independence: each is in one of 256 groups, and how far the groups differ decides how wide an
interval is. Shares have Wilson intervals with the number of independent samples that this gives, differences of shares
Newcombe's with their correlation, means and ratios Student's. Latency is the ratio of geometric means over the pairs in which
both answered; credits are the ratio of sums.

Similarity is Dice's coefficient of words and neighbouring pairs of words: it knows spelling, not sense. Intervals are of each
rule alone.
"""


def _footer() -> str:
    return "<footer>Made by agentbridge. This page holds what people asked and were told: it is for the eyes that may see the samples.</footer>"


def _table(caption: str, heads: Sequence[str], rows: str, *, numbers_from: int, stack: bool = False) -> str:
    shown = "".join(
        f'<th scope="col"{" class=number" if index >= numbers_from else ""}>{escaped(head)}</th>'
        for index, head in enumerate(heads)
    )
    kind = ' class="stack"' if stack else ""
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escaped(caption)}"><table{kind}><caption>{escaped(caption)}</caption>'
        f"<thead><tr>{shown}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
