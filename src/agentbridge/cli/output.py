"""How things are printed: plain text into pipes, colour on terminals, and no character that could break either."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from ..showing import facts, visible

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from ..model import Result

_PIPE_WIDTH = 200  # columns where there is no terminal to ask: rows of a table should stay lines


def forgive() -> None:
    """Print `?` for what a stream cannot encode, a lone surrogate for example, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def one_line(text: str, limit: int | None = None) -> str:
    """The text on one line, control characters shown, cut to `limit` characters."""
    line = visible(" ".join(text.split()))
    return line if limit is None or len(line) <= limit else line[: limit - 3] + "..."


def say(text: str) -> None:
    """Text on stdout with a final newline: as it is into a pipe, without control characters on a terminal."""
    shown = visible(text) if sys.stdout.isatty() else text
    click.echo(shown, nl=not shown.endswith("\n"))


def note(text: str) -> None:
    """One line about what happened on stderr, dim on a terminal."""
    click.secho(one_line(text), err=True, dim=True)


def say_piece(text: str) -> None:
    """A piece of a text that goes on, on stdout at once."""
    click.echo(visible(text) if sys.stdout.isatty() else text, nl=False)
    sys.stdout.flush()


def say_json(value: Any, *, err: bool = False) -> None:
    """JSON on stdout, or on stderr; in ASCII only where it cannot encode what is in it."""
    import json

    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode((sys.stderr if err else sys.stdout).encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        text = json.dumps(value, indent=2)
    click.echo(text, err=err)


def is_coloured() -> bool:
    """Whether stdout is a terminal that wants colour (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def console(width: int | None = None) -> Console:
    """A rich console on stdout, plain unless stdout is a terminal that wants colour."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(
        file=sys.stdout,
        force_terminal=terminal,
        color_system="auto" if is_coloured() else None,
        width=width if width is not None else None if terminal else _PIPE_WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )


def table(*headers: str) -> Table:
    """A table without frame, its headers bold on a terminal."""
    from rich.table import Table

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        made.add_column(header, overflow="fold")
    return made


def show_table(made: Table, out: Console) -> None:
    """Print a table without the blanks that fill up its last column."""
    with out.capture() as captured:
        out.print(made)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def summary(result: Result) -> str:
    """One line about a result: who answered, its ids, what it cost."""
    return ", ".join(facts(result))
