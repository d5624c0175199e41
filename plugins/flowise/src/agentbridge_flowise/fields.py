"""Fields of an answer that are read by hand, as forgiving as `Lenient` is in a model."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from agentbridge.reading import unreadable


def text_of(value: Any) -> str | None:
    """A text, or a number where one was expected; None for all else."""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def optional_text(name: str, value: Any, warnings: list[str]) -> str | None:
    """The same, and a warning for what is neither a text nor missing."""
    text = text_of(value)
    if text is None and value is not None:
        warnings.append(unreadable(name))
    return text


def entries(name: str, lists: Iterable[Any], warnings: list[str]) -> list[dict[str, Any]]:
    """The objects in all lists of this name, which may be missing, or `[null]` where they are empty (T: v1_seq)."""
    given = [one for one in lists if one is not None]
    readable = [one for one in given if isinstance(one, list)]
    values = [*chain.from_iterable(readable)]
    found = [entry for entry in values if isinstance(entry, dict)]
    lost = len(given) - len(readable) + len(values) - len(found) - values.count(None)
    warnings += [unreadable(name)] * lost
    return found
