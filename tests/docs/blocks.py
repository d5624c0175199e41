"""The fenced blocks of the pages: what each is, and how what a terminal shows is compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]
GUIDE = sorted((ROOT / "docs/plugin-guide").glob("*.md"))
PAGES = sorted(
    {
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/**/*.md"),
        *ROOT.glob("plugins/*/README.md"),
        *ROOT.glob("examples/*/README.md"),
    }
    - {*ROOT.glob("docs/_build/**/*.md")}
)
PLUGIN_PAGE = ROOT / "docs/write-a-plugin.md"
_FENCE = re.compile(r"^(`{3,})([^\n`]*)\n(.*?)^\1[ \t]*$", re.MULTILINE | re.DOTALL)
_LABEL = re.compile(r'(not-run|needs|file)=(?:"([^"]*)"|(\S+))')


@attrs.frozen
class Block:
    """One fenced block: its language, its label and its content. Where it stands is for messages."""

    page: Path
    line: int
    language: str
    label: str
    content: str

    def said(self, what: str) -> str | None:
        """The value of `what=…` in the label: `file`, `needs` (a library) or `not-run` (a reason)."""
        return next((quoted or plain for name, quoted, plain in _LABEL.findall(self.label) if name == what), None)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """All fenced blocks of a page but the directives of Sphinx."""
    text = page.read_text()
    found = []
    for match in _FENCE.finditer(text):
        language, _, label = match[2].strip().partition(" ")
        if not language.startswith("{"):
            found.append(Block(page, text.count("\n", 0, match.start()) + 1, language, label.strip(), match[3]))
    return found


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def followed() -> Iterator[tuple[Block, Block | None]]:
    """Each block of all pages with the one that comes after it."""
    for page in PAGES:
        yield from pairwise([*blocks(page), None])  # type: ignore[type-var]


def write_files(page: Path, folder: Path) -> None:
    """The files that a page shows; the pages of the plugin guide go on with those of the plugin, and of each other."""
    shown = [PLUGIN_PAGE, *GUIDE] if page.parent.name == "plugin-guide" else [page]
    for block in (block for one in shown for block in blocks(one)):
        if name := block.said("file"):
            (folder / name).write_text(block.content)


def commands(block: Block) -> list[tuple[str, str]]:
    """The lines after `$ ` of a console block, each with what the page shows beneath it."""
    found: list[tuple[str, str]] = []
    for line in block.content.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:].strip(), ""))
        elif found and found[-1][0].endswith("\\") and not found[-1][1]:
            found[-1] = (f"{found[-1][0]}\n{line.rstrip()}", "")
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + line)
        else:
            raise ValueError(f"{block} does not begin with a command")
    return found


def shows(page: str, printed: str) -> bool:
    """Whether a page shows what was printed: `...` is anything within a line, and alone on a line any lines."""
    pattern = "".join(_lines(line) for line in page.splitlines())
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed.splitlines())) is not None


def _lines(line: str) -> str:
    if line.strip() == "...":
        return r"(?:[^\n]*\n)*?"
    return "[^\n]*".join(re.escape(part) for part in line.rstrip().split("...")) + "\n"
