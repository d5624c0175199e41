"""What a vendor sends, read without models: where there are thousands of objects, or pydantic is not worth its import."""

from __future__ import annotations

import json
import re
from typing import Any

from ..drift import Names, notice, watch
from ..wire import decode_json

__all__ = ["compare", "decode_json", "notice", "said", "unreadable", "whole"]


def compare(place: str, data: Any, known: frozenset[str]) -> None:
    """Notice the fields of an object that is read without a model; `place` is what it is called in `bridge.drift`."""
    if isinstance(data, dict) and not known.issuperset(data) and (active := watch()) is not None:
        active.compare(Names(place, known, known), data)


def unreadable(field: str | None) -> str:
    """The warning for an optional part of an answer that was left out, since it could not be read."""
    return f"{field or 'a field'} of the answer is unreadable and left out"


def whole(value: Any) -> int | None:
    """A whole number, also as 402.0 or as text, for the status or the code in a body; None for what is none, as true."""
    if isinstance(value, str) and re.fullmatch(r"\s*-?[0-9]{1,18}\s*", value):
        return int(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value % 1 == 0:
        return int(value)
    return None


def said(value: Any) -> str:
    """A value for a reader: text as it is, a message in an object, nothing for what is empty, JSON for the rest."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, dict) and isinstance(value.get("message"), str):
        return str(value["message"]).strip()
    empty = value is None or isinstance(value, bool) or value in ({}, [])
    return "" if empty else json.dumps(value, ensure_ascii=False)
