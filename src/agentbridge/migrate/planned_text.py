"""A plan as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .planning import MovePlan


def as_text(plan: MovePlan) -> str:
    """A table of the fields, then what is missing, and the sum of it."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: MovePlan) -> Iterator[str]:
    rows = [(one.agent, one.field, one.how, f"{one.count:,}", one.detail) for one in plan.fields]
    yield from _table([("agent", "field", "how", "calls", ""), *rows])
    yield from _section(
        "What to do", dict.fromkeys(f"{one.agent}, {one.field}: {one.remedy}" for one in plan.fields if one.remedy)
    )
    yield from _section(
        "Not said by some calls",
        [f"{one.agent}: {one.what}, calls: {one.count:,} ({', '.join(one.samples)}{' ...' * (one.count > len(one.samples))})"
         for one in plan.missing],
    )  # fmt: skip
    yield from _section("To be filled in", plan.unfilled)
    yield from _section(
        f"Sessions are {plan.sessions}; conversations of several turns: {plan.conversations:,}", plan.notes
    )
    known = "not known" if plan.credits is None else f"{plan.credits:,.2f}"
    yield ""
    once = " once that is filled in" if plan.unfilled else ""
    yield f"{plan.calls:,} of {plan.samples:,} calls can be made at {plan.to}{once}; credits: {known}"


def _section(title: str, lines: Sequence[str] | dict[str, None]) -> Iterator[str]:
    if lines:
        yield ""
        yield title
        yield from (f"  {' '.join(line.split())}" for line in lines)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    lines = [[" ".join(cell.split()) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for row in lines:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
