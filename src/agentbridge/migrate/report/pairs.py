"""The worst differences as HTML: both answers side by side, the differing words marked."""

from __future__ import annotations

from ..comparing.comparison import Comparison, Example
from ..comparing.differences import BAD, CATEGORIES, Category
from ..figures import spoken
from .texts import escaped, marked

_OPEN = 3  # of each category are open when the page is


def pairs_section(comparison: Comparison) -> str:
    """Every example of a comparison, by category, worst first."""
    parts = [_category(name, comparison) for name in BAD]
    said = "".join(parts) or '<p class="quiet">There is none.</p>'
    return f'<h2 id="differences">Worst differences first</h2>{said}'


def _category(name: Category, comparison: Comparison) -> str:
    found = [example for example in comparison.worst if example.difference.category == name]
    if not found:
        return ""
    total = comparison.overall.categories.get(name, 0)
    shown = "" if total == len(found) else f", the worst {len(found):,} of them are shown"
    meaning = CATEGORIES[name]
    pairs = "".join(_pair(example, is_open=index < _OPEN) for index, example in enumerate(found))
    head = f'{spoken(name).capitalize()} <span class="quiet small">{total:,}{shown}: {escaped(meaning)}</span>'
    return f'<h3 class="category">{head}</h3>{pairs}'


def _pair(example: Example, *, is_open: bool) -> str:
    noisy = '<span class="badge plain">the old vendor differs from itself here too</span>' if example.noisy else ""
    return (
        f'<details class="pair"{" open" if is_open else ""}><summary><span class="id">{escaped(example.id)}</span>'
        f'<span class="quiet small">{_facts(example)}</span>{noisy}</summary><div class="inside">{_asked(example)}'
        f"{_drift(example)}{_sides(example)}</div></details>"
    )


def _facts(example: Example) -> str:
    found = example.difference
    facts = [f"agent {example.agent}", *([f"session {example.session}"] if example.session else [])]
    facts += [example.cohort] if example.cohort else []
    facts += [f"similarity {found.similarity:.2f}"] if found.similarity is not None else []
    facts += ["other numbers"] if found.category == "reworded" and not found.same_numbers else []
    facts += [f"{found.latency_ratio:.1f} x the time"] if found.latency_ratio is not None else []
    facts += [f"{name} {score:.3g}" for name, score in example.scores.items()]
    return escaped(" \u00b7 ".join(facts))


def _asked(example: Example) -> str:
    return (
        f'<div class="side"><h4>Asked</h4><p class="answer" dir="auto">{escaped(example.asked)}</p></div>'
        if example.asked
        else ""
    )


def _drift(example: Example) -> str:
    drift = example.difference.drift
    return f'<p class="small">{escaped(drift)}</p>' if drift else ""


def _sides(example: Example) -> str:
    failed = example.difference.new == "failed"
    old, new = (escaped(example.old), escaped(example.new)) if failed else marked(example.old, example.new)
    sides = [("Old", old, ""), ("New" + (", failed" if failed else ""), new, " error" if failed else "")]
    sides += (
        [("Old, asked again", escaped(example.again), "")]
        if example.again is not None and example.again != example.old
        else []
    )
    return (
        '<div class="sides">'
        + "".join(
            f'<div class="side"><h4>{name}</h4><p class="answer{kind}" dir="auto">{text or _nothing()}</p></div>'
            for name, text, kind in sides
        )
        + "</div>"
    )


def _nothing() -> str:
    return '<span class="quiet">(nothing)</span>'
