"""The model's values as plain JSON and back, by their types. Every document carries a schema version."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import math
import os
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

import attrs

from .wire import DataUrl, File, FileText

SCHEMA_VERSION = 1
_VERSION_KEY = "schema_version"
_BYTES_KEY = "$base64"
_TEXT_KEY = "$text"
_LEAF_KEY = "$leaf"
_LOOSE = frozenset({"json", "form", "options"})
_LEAVES: Mapping[str, type] = {kind.__name__: kind for kind in (DataUrl, File, FileText)}

T = TypeVar("T")


def to_dict(value: Any) -> dict[str, Any]:
    """An attrs value as JSON values: tuples become lists, bytes become `{"$text": ...}` or `{"$base64": ...}`."""
    return {_VERSION_KEY: SCHEMA_VERSION, **_plain(value)}


def to_sparse_dict(value: Any) -> dict[str, Any]:
    """The same, without the fields that say what they say by default."""
    return {_VERSION_KEY: SCHEMA_VERSION, **_plain(value, sparse=True)}


def plain(value: Any) -> Any:
    """Any value of ours as JSON values, without a schema version: dates become their ISO text, else as `to_dict`."""
    return _plain(value)


def from_dict(cls: type[T], data: Mapping[str, Any]) -> T:
    """Rebuild a value of `cls`.

    Raises:
        ValueError: when `data` has another schema version, lacks a field, or has one that `cls` does not know.
    """
    if not isinstance(data, Mapping) or data.get(_VERSION_KEY) != SCHEMA_VERSION:
        raise ValueError(f"not a {cls.__name__} of {_VERSION_KEY} {SCHEMA_VERSION}")
    fields = {key: value for key, value in data.items() if key != _VERSION_KEY}
    return typing.cast(T, _build(cls, fields))


def _plain(value: Any, *, loose: bool = False, sparse: bool = False) -> Any:
    """JSON values; `loose` where no type will tell a file from an object, so that it has to say what it is."""
    if attrs.has(type(value)):
        said = {name: getattr(value, name) for name in _fields(type(value)) if name != "auth"}
        if sparse:
            defaults = _defaults(value.__class__)
            said = {name: item for name, item in said.items() if name not in defaults or item != defaults[name]}
        fields = {name: _plain(item, loose=loose or name in _LOOSE, sparse=sparse) for name, item in said.items()}
        return {_LEAF_KEY: type(value).__name__, **fields} if loose else fields
    if isinstance(value, bytes):
        return _written(value)
    if isinstance(value, Mapping):
        items: dict[str, Any] = {}
        for key, item in value.items():  # a comprehension would be one more frame for each level of a deep answer
            items[str(key)] = _plain(item, loose=loose, sparse=sparse)
        return items
    if isinstance(value, (list, tuple)):
        entries: list[Any] = []
        for item in value:
            entries.append(_plain(item, loose=loose, sparse=sparse))  # noqa: PERF401
        return entries
    return _word(value)


def _word(value: Any) -> Any:
    """A value that holds no others."""
    if isinstance(value, dt.date):  # a point in time is one too
        return value.isoformat()
    if isinstance(value, float) and math.isinf(value):  # JSON has no word for what a vendor wrote as 1e999
        return "1e999" if value > 0 else "-1e999"
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _fields(cls: type) -> list[str]:
    return [field.name for field in attrs.fields(cls) if field.init]


@functools.cache
def _defaults(cls: type) -> dict[str, Any]:
    """What the fields of a class are where nothing was said."""
    fields = attrs.fields(cls)
    return {field.name: _default(field.default) for field in fields if field.default is not attrs.NOTHING}


def _default(default: Any) -> Any:
    return default.factory() if hasattr(default, "factory") else default


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, vars(sys.modules[cls.__module__]))


def _build(cls: type, data: Any) -> Any:
    if not isinstance(data, Mapping):
        raise ValueError(f"{cls.__name__} is written as an object, not as {type(data).__name__}")
    data = {name: item for name, item in data.items() if name != _LEAF_KEY}
    if unknown := sorted(set(data) - set(_fields(cls))):
        raise ValueError(f"{cls.__name__} has no field {unknown[0]!r}")
    hints = _hints(cls)
    try:
        return cls(**{name: _value(hints[name], item) for name, item in data.items()})
    except TypeError as error:
        raise ValueError(f"{cls.__name__} lacks a field: {error}") from None


def _value(hint: Any, data: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _union(arguments, data)
    if origin is tuple:
        return tuple(_value(arguments[0], item) for item in data)
    if isinstance(hint, type) and attrs.has(hint):
        return _build(hint, data)
    return _bytes(data) if hint is bytes else _loosened(data)


def _union(choices: tuple[Any, ...], data: Any) -> Any:
    """Of several classes, the one that has all the given fields (File and Link share only some)."""
    classes = [choice for choice in choices if isinstance(choice, type) and attrs.has(choice)]
    if not classes or not isinstance(data, Mapping):
        return _bytes(data) if bytes in choices else data
    fitting = [cls for cls in classes if set(data) <= set(_fields(cls))]
    return _build((fitting or classes)[0], data)


def _loosened(data: Any) -> Any:
    """Values without a type, with the files in them made anew."""
    if isinstance(data, Mapping):
        leaf = _LEAVES.get(str(data.get(_LEAF_KEY)))
        return _build(leaf, data) if leaf else {key: _loosened(item) for key, item in data.items()}
    return [_loosened(item) for item in data] if isinstance(data, list) else data


def _written(content: bytes) -> dict[str, str]:
    """Text stays text, so that a reader of the JSON sees what a vendor said."""
    try:
        return {_TEXT_KEY: content.decode("utf-8")}
    except UnicodeDecodeError:
        return {_BYTES_KEY: base64.b64encode(content).decode("ascii")}


def _bytes(data: Any) -> Any:
    if isinstance(data, Mapping) and set(data) == {_BYTES_KEY}:
        return base64.b64decode(data[_BYTES_KEY])
    return data[_TEXT_KEY].encode() if isinstance(data, Mapping) and set(data) == {_TEXT_KEY} else data
