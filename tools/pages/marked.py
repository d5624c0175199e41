"""A page of which one part is generated: what stands between two comments is made anew, the rest is kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
END = "<!-- end -->"


def filled(page: Path, name: str, content: str) -> str:
    """The page with `content` between `<!-- generated: NAME -->` and `<!-- end -->`."""
    start = f"<!-- generated: {name} -->"
    found, count = re.subn(
        re.escape(start) + r".*?" + re.escape(END), lambda _: f"{start}\n{content}\n{END}", page.read_text(), flags=re.DOTALL
    )  # fmt: skip
    if count != 1:
        raise ValueError(f"{page} has {count} places {start}, not one")
    return found


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |" for line in lines
    )
