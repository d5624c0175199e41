"""How the answer of an operation is printed: for a reader in lines and tables, for a script as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..codec import plain
from ..model import Result
from .output import one_line, say, say_json


def show(value: Any, *, as_json: bool) -> None:
    """Print any value that an operation hands back."""
    if as_json:
        say_json(value.to_dict() if hasattr(value, "to_dict") else plain(value))
    elif isinstance(value, Result):
        from .invoke import show_result

        show_result(value)
    elif isinstance(value, bytes):
        click.echo(value, nl=False)
    elif isinstance(value, str):
        say(value)
    else:
        say("\n".join(_lines(plain(value))) or _nothing(value))


def _nothing(value: Any) -> str:
    return "done" if value is None else json.dumps(plain(value))


def _lines(value: Any) -> list[str]:
    """A value as lines: the fields of an object, the entries of a list, a table where these have the same fields."""
    if isinstance(value, Mapping):
        return _fields({str(name): item for name, item in value.items() if item not in (None, [], {}, "")})
    if isinstance(value, list):
        return _table(value) if _is_table(value) else [line for item in value for line in _entry(item)]
    return [] if value is None else [_cell(value)]


def _fields(fields: Mapping[str, Any]) -> list[str]:
    width = max(map(len, fields), default=0)
    lines: list[str] = []
    for name, value in fields.items():
        if isinstance(value, (Mapping, list)):
            lines += [name, *(f"  {line}" for line in _lines(value))]
        else:
            lines.append(f"{name:<{width}}  {_cell(value)}")
    return lines


def _entry(item: Any) -> list[str]:
    first, *rest = _lines(item) or [""]
    return [f"- {first}", *(f"  {line}" for line in rest)]


def _is_table(rows: Sequence[Any]) -> bool:
    """Whether all entries are objects with the same fields, and plain values in them."""
    if not rows or not all(isinstance(row, Mapping) and row and row.keys() == rows[0].keys() for row in rows):
        return False
    return not any(isinstance(value, (Mapping, list)) for row in rows for value in row.values())


def _table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    cells = [[str(name) for name in rows[0]], *([_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cell(value: Any) -> str:
    return one_line(value) if isinstance(value, str) else json.dumps(value)
