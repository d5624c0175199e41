"""Checks of what a caller gives to an operation, made when the operation is made."""

from __future__ import annotations

import datetime as dt
from typing import Any

import attrs

from agentbridge import ConfigurationError
from agentbridge.provider import filled

FLOW = {"help": "the flow's id, or its copied endpoint URL"}
SINCE = {"help": "from this moment on; a day is its midnight in UTC"}
UNTIL = {"help": "up to this moment; a day is its midnight in UTC"}


def wrong(operation: object, problem: str) -> ConfigurationError:
    """The error of a value; `problem` has the remedy."""
    return ConfigurationError(f"{type(operation).__name__}: {problem}")


def an_id(operation: object, field: attrs.Attribute[Any], value: object) -> None:
    """Take a text that can stand in a path: one or two dots would name another path."""
    filled(operation, field, value)
    if value in {".", ".."}:
        raise wrong(operation, f"{field.name}={value!r} is no id. Give the id that Flowise shows")


def a_count(operation: object, field: attrs.Attribute[Any], value: object) -> None:
    """Take a whole number from 1 on, or None: the server reads 0 as if nothing was said."""
    if value is not None and (type(value) is not int or value < 1):
        raise wrong(operation, f"{field.name}={value!r} is none. Give a whole number from 1 on")


def start(value: dt.date | str | None) -> dt.datetime | None:
    """A converter: the moment from which on."""
    return _moment("start", value)


def end(value: dt.date | str | None) -> dt.datetime | None:
    """A converter: the moment up to which."""
    return _moment("end", value)


def _moment(name: str, value: object) -> dt.datetime | None:
    """A moment with its time zone; a day is its midnight in UTC. The server ignores what it cannot read (R)."""
    try:
        moment = _read(value) if isinstance(value, str) else value
    except ValueError as error:
        raise ConfigurationError(f"{name}={value!r} is no date: {error}. Write it as in ISO 8601") from None
    if moment is None:
        return None
    if not isinstance(moment, dt.date):
        raise ConfigurationError(
            f"{name}={value!r} is no date. Give a datetime with a time zone, or a text in ISO 8601"
        )
    if not isinstance(moment, dt.datetime):
        return dt.datetime.combine(moment, dt.time(), dt.UTC)
    if moment.tzinfo is None:
        raise ConfigurationError(f"{name}={value!r} has no time zone. Give one, as in 2026-05-20T12:00:00Z")
    return moment


def _read(text: str) -> dt.date:
    return dt.date.fromisoformat(text) if len(text) == len("2026-05-20") else dt.datetime.fromisoformat(text)


def written(moment: dt.date | str | None) -> str | None:
    """A moment as the server's own dates are written."""
    read = _moment("a date", moment)
    return None if read is None else read.astimezone(dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
