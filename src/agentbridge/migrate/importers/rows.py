"""CSV, with a mapping from its columns to what a call says."""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import math
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import ConfigurationError
from ...model import Invocation, Result
from ...naming import did_you_mean
from ..samples import Answer, Sample
from .imported import Found, Imported, Skipped, id_of

_FIELDS = ("id", "target", "text", "session_id", "user_id", "time", "answer")
_GROUPS = ("inputs", "metadata")
_DELIMITERS = ",;\t|"


def from_csv(
    path: str | os.PathLike[str], columns: Mapping[str, str], *, target: str | None = None, encoding: str = "utf-8-sig"
) -> Imported:
    """One call a row. `columns` says what the columns of a file with a header hold.

    As in {"Question": "text", "Ticket": "session_id", "Shop": "inputs.vendor", "Reply": "answer"}: id, target, text,
    session_id, user_id, time (ISO 8601, or seconds since the epoch), answer (what the agent said), inputs.NAME and
    metadata.NAME. Columns that are not named are left alone, and so are empty cells. `target` is for rows without one.
    Cells are parted by a comma, semicolon, tab or "|", whichever gives the header the columns that are named.

    Raises:
        ConfigurationError: a column is to hold what no call has, or what another one holds; when it is iterated: it is not there, none holds what
            was asked, or the file cannot be read.
    """
    for column, field in columns.items():
        _check(column, field)
    _check_once(columns)
    if target is None and "target" not in columns.values():
        raise ConfigurationError("whom the rows were said to is not told: give target=, or a column that holds it")
    return Imported(lambda: _found(Path(path), columns, target, encoding))


def _check(column: str, field: str) -> None:
    group, dot, name = field.partition(".")
    if field not in _FIELDS and not (dot and name and group in _GROUPS):
        known = [*_FIELDS, "inputs.NAME", "metadata.NAME"]
        raise ConfigurationError(
            f"column {column!r} cannot be {field!r} (it can be {', '.join(known)}).{did_you_mean(field, known)}"
        )


def _check_once(columns: Mapping[str, str]) -> None:
    for field, count in Counter(columns.values()).items():
        if count > 1:
            names = " and ".join(repr(column) for column, of in columns.items() if of == field)
            raise ConfigurationError(f"{field!r} is to come from several columns, {names}; name one of them")


def _found(path: Path, columns: Mapping[str, str], target: str | None, encoding: str) -> Iterator[Found]:
    try:
        with path.open(encoding=encoding, newline="") as file:
            first = file.readline()
            reader = csv.DictReader(itertools.chain([first], file), delimiter=_delimiter(first, columns))
            _check_header(path, list(reader.fieldnames or ()), columns)
            for row in reader:
                place = f"{path.name}, line {reader.line_num}"
                try:
                    yield _sample(_cells(row, columns), place, target)
                except ValueError as error:
                    yield Skipped(place, str(error))
    except (OSError, UnicodeDecodeError, LookupError, csv.Error) as error:
        raise ConfigurationError(f"{path} cannot be read as CSV in {encoding}: {error}") from None


def _delimiter(line: str, columns: Mapping[str, str]) -> str:
    """What makes of the header's line most of the columns that are named, then the most columns."""

    def fitness(delimiter: str) -> tuple[int, int]:
        names = next(csv.reader([line], delimiter=delimiter), [])
        return len(columns.keys() & set(names)), len(names)

    return max(_DELIMITERS, key=fitness)


def _check_header(path: Path, header: list[str], columns: Mapping[str, str]) -> None:
    if not any(field == "text" or field.startswith("inputs.") for field in columns.values()):
        raise ConfigurationError(
            f"which column of {path} holds what was asked is not told (there: {', '.join(header) or 'none'});"
            " name it with columns={'NAME': 'text'}, in the shell with --column NAME=text"
        )
    for column in columns:
        if column not in header:
            there = ", ".join(header) or "none"
            raise ConfigurationError(f"{path} has no column {column!r} (there: {there}).{did_you_mean(column, header)}")


def _cells(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, str]:
    """What a row says, by field; a short row lacks its last cells."""
    return {field: row[column] for column, field in columns.items() if row[column]}


def _sample(said: Mapping[str, str], place: str, target: str | None) -> Sample:
    inputs, metadata = (_group(said, group) for group in _GROUPS)
    if "text" not in said and not inputs:
        raise ValueError("the row says neither a text nor an input")
    whom = said.get("target", target)
    if whom is None:
        raise ValueError("the row names no target")
    invocation = Invocation(
        target=whom,
        text=said.get("text"),
        inputs=inputs,
        session_id=said.get("session_id"),
        user_id=said.get("user_id"),
        metadata=metadata,
    )
    answer = said.get("answer")
    return Sample(
        id=said.get("id") or id_of(place, invocation),
        invocation=invocation,
        answer=None if answer is None else Answer.of(Result(text=answer, output=answer)),
        session=invocation.session_id,
        time=_time(said.get("time")),
    )


def _group(said: Mapping[str, str], group: str) -> dict[str, str]:
    return {field.partition(".")[2]: value for field, value in said.items() if field.startswith(f"{group}.")}


def _time(said: str | None) -> float | None:
    if said is None:
        return None
    try:
        seconds = float(said)
    except ValueError:
        seconds = math.nan
    try:
        return seconds if math.isfinite(seconds) else dt.datetime.fromisoformat(said).timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"the time {said!r} is neither ISO 8601 nor a number of seconds") from None
