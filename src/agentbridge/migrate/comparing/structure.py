"""Whether JSON kept its structure: keys that are gone or came, values that are of another type."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import attrs

_FENCE = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL | re.IGNORECASE)
_MOST = 20  # paths that are named of each kind


@attrs.frozen
class Changes:
    """What became of a structure: paths such as `items[].price`, each list in order, at most twenty of each."""

    gone: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.gone or self.added or self.retyped)

    def __str__(self) -> str:
        told = (("gone", self.gone), ("added", self.added), ("of another type", self.retyped))
        return "; ".join(f"{what}: {', '.join(paths)}" for what, paths in told if paths)


@attrs.frozen
class _Place:
    """One place of a document: the types seen there, what is inside of them, and whether a list there was empty."""

    kinds: set[str] = attrs.field(factory=set)
    inside: dict[str, _Place] = attrs.field(factory=dict)


def json_in(text: str) -> Any:
    """The object or list that a text is, also in a fence of markdown; None where it is neither."""
    fenced = _FENCE.fullmatch(text)
    document = (fenced.group(1) if fenced else text).strip()
    if document[:1] not in ("{", "["):
        return None
    try:
        found = json.loads(document)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None


def changes(old: Any, new: Any) -> Changes:
    """What of the structure of `old` is otherwise in `new`. Elements of a list are looked at together; an empty list
    says nothing of its elements, so that none are missed in it.
    """
    try:
        found = list(_differences(_place(old), _place(new), ""))
    except RecursionError:
        return Changes(retyped=("(nested too deeply)",))
    return Changes(*(tuple(sorted(path for how, path in found if how == kind))[:_MOST] for kind in ("-", "+", "~")))


def _place(value: Any, place: _Place | None = None) -> _Place:
    place = _Place() if place is None else place
    place.kinds.add(_kind(value))
    inside = (
        value.items()
        if isinstance(value, dict)
        else [("[]", item) for item in value]
        if isinstance(value, list)
        else ()
    )
    for key, item in inside:
        name = key if isinstance(value, list) else f".{key}"
        place.inside[name] = _place(item, place.inside.get(name))
    return place


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (dict, "object"), (list, "list"), ((int, float), "number"), (str, "text"),
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "value")


def _differences(old: _Place, new: _Place, path: str) -> Iterator[tuple[str, str]]:
    if old.kinds != new.kinds:
        yield "~", f"{path.lstrip('.') or 'all of it'} ({_named(old)} -> {_named(new)})"
        return
    for name in {**old.inside, **new.inside}:
        before, after = old.inside.get(name), new.inside.get(name)
        where = f"{path}{name}"
        if before is not None and after is not None:
            yield from _differences(before, after, where)
        elif name != "[]":
            yield "-" if before is not None else "+", where.lstrip(".")


def _named(place: _Place) -> str:
    return " or ".join(sorted(place.kinds))
