"""Bodies with one thing changed: a field taken away, a value replaced, fields that nobody knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

Path: TypeAlias = tuple[str | int, ...]


def fields(body: Any, path: Path = ()) -> Iterator[Path]:
    """Where the fields of all objects stand."""
    for key, value in _items(body):
        if isinstance(body, dict):
            yield (*path, key)
        yield from fields(value, (*path, key))


def texts(body: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where texts stand, and what they are."""
    for key, value in _items(body):
        if isinstance(value, str):
            yield (*path, key), value
        yield from texts(value, (*path, key))


def replaced(body: Any, path: Path, value: Any) -> Any:
    """The body with another value there."""
    if not path:
        return value
    key, *rest = path
    changed = replaced(body[key], tuple(rest), value)
    if isinstance(body, dict):
        return {**body, key: changed}
    return [changed if index == key else item for index, item in enumerate(body)]


def without(body: Any, path: Path) -> Any:
    """The body without the field there."""
    *above, key = path
    holder = at(body, tuple(above))
    return replaced(body, tuple(above), {name: value for name, value in holder.items() if name != key})


def at(body: Any, path: Path) -> Any:
    """The value there."""
    for key in path:
        body = body[key]
    return body


def grown(body: Any, but: frozenset[str] = frozenset()) -> Any:
    """The body with a field that nobody knows in each object, `but` what stands in fields of these names."""
    if isinstance(body, dict):
        within = {key: value if key in but else grown(value, but) for key, value in body.items()}
        return {**within, "a_new_field": {"of": ["the", "vendor"]}}
    return [grown(item, but) for item in body] if isinstance(body, list) else body


def is_below(path: Path, names: frozenset[str]) -> bool:
    """Whether a field of one of these names is above the path's end."""
    return any(key in names for key in path[:-1])


def shape(path: Path) -> Path:
    """The path with all places of a list being the same."""
    return tuple("*" if isinstance(key, int) else key for key in path)


def shown(path: Path) -> str:
    """The path for a reader: `data.message[0].text`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).lstrip(".")


def _items(body: Any) -> list[tuple[Any, Any]]:
    if isinstance(body, dict):
        return list(body.items())
    return list(enumerate(body)) if isinstance(body, list) else []
