"""The fields of an operation as options of the command line: their names, types and help."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import os
import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
import click

from ..docstrings import told
from ..errors import PluginError
from ..provider import Operation
from ..wire import File, Link, decode_json

if TYPE_CHECKING:
    _Type = click.ParamType[Any]
else:
    _Type = click.ParamType  # takes no argument before click 8.5

PREFIX = "field_"
"""Before the name of a field as a parameter, so that it is none of ours."""

_RESERVED = frozenset({"config", "connection", "json", "verbose", "help"})  # options that each command has


class _Date(_Type):
    name = "YYYY-MM-DD"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
                return dt.date.fromisoformat(value)
        except ValueError:
            pass
        self.fail(f"{value!r} is no date; write YYYY-MM-DD.", param, ctx)
        return None


class _Json(_Type):
    """JSON; of a class where the field is one."""

    name = "JSON"

    def __init__(self, kind: type | None = None) -> None:
        self.kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            decoded = decode_json(value)
        except ValueError as error:
            self.fail(f"{value!r} is not JSON: {error}. A text is written {json.dumps(value)}.", param, ctx)
        try:
            return decoded if self.kind is None else self.kind(**decoded)
        except TypeError as error:
            self.fail(f"{value!r} does not fit: {error}.", param, ctx)


class _File(_Type):
    """The path of a file, which is read while it is sent; where a link will do too, also a URL."""

    name = "PATH"

    def __init__(self, *, links: bool = False) -> None:
        self.links = links

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return Link(value) if self.links and "://" in value else File(Path(value).name, path=value)


class _Path(_Type):
    name = "PATH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return Path(value)


class _OneOf(_Type):
    """The values of a Literal, whatever their type."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = {str(value): value for value in values}
        self.name = f"[{'|'.join(self.values)}]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value not in self.values:
            self.fail(f"{value!r} is none of {', '.join(self.values)}.", param, ctx)
        return self.values[value]


_SIMPLE: Mapping[Any, _Type] = {
    str: click.STRING,
    int: click.INT,
    float: click.FLOAT,
    bool: click.BOOL,
    dt.date: _Date(),
    File: _File(),
    Path: _Path(),
}


def options_of(kind: type[Operation[Any]]) -> list[click.Option]:
    """An option for each field that a caller may give.

    Raises:
        PluginError: the operation is no attrs class, or its types cannot be looked up.
    """
    try:
        fields = [field for field in attrs.fields(cast("Any", kind)) if field.init and not field.name.startswith("_")]
        hints = typing.get_type_hints(kind, localns={"JsonValue": Any})
    except (attrs.exceptions.NotAnAttrsClassError, NameError) as error:
        problem = f"operation {kind.__name__} is not fit for the command line: {error}"
        raise PluginError(problem, plugin=kind.provider) from None
    texts = told(kind)
    names = [field.name for field in fields]
    return [_option(field, hints[field.name], names, texts) for field in fields]


def summary_of(kind: type[Operation[Any]]) -> str:
    """The first line of an operation's docstring."""
    return described(kind).partition("\n")[0]


def described(kind: type[Operation[Any]]) -> str:
    """An operation's docstring without its sections."""
    text = inspect.cleandoc(kind.__doc__ or "")
    return re.split(r"^\w+:$", text, maxsplit=1, flags=re.MULTILINE)[0].strip()


def _option(field: Any, hint: Any, names: Collection[str], texts: Mapping[str, str]) -> click.Option:
    hint, multiple = _unwrapped(hint)
    kind = _type(hint)
    spellings = _spellings(field.name, names)
    if hint is bool and not multiple:
        spellings = [f"{spelling}/--no-{spelling[2:]}" for spelling in spellings]
    required = field.default is attrs.NOTHING
    return click.Option(
        [*spellings, PREFIX + field.alias],
        type=kind,
        metavar=kind.name if isinstance(kind, _OneOf) else None,
        multiple=multiple,
        help=_help(field, texts, multiple=multiple),
        **({"required": True} if required else {"default": None}),  # what is not given is left to the operation
    )


def _spellings(name: str, names: Collection[str]) -> list[str]:
    """`agent_id` is `--agent` and `--agent-id`, where no other field and no option of ours is called so."""
    short = name.removesuffix("_id")
    taken = _RESERVED | (set(names) - {name})
    found = [spelling for spelling in dict.fromkeys((short, name)) if spelling and spelling not in taken]
    return [f"--{spelling.replace('_', '-')}" for spelling in found or [f"field-{name}"]]


def _unwrapped(hint: Any) -> tuple[Any, bool]:
    """The type without None, and whether there may be many of it."""
    hint = _choice(hint)
    origin = typing.get_origin(hint)
    if origin is not None and _holds_many(hint) and not issubclass(origin, Mapping):
        return _choice((typing.get_args(hint) or (Any,))[0]), True
    return hint, False


def _choice(hint: Any) -> Any:
    """Of a union what a shell can give: a file, else its only type, else a text, else JSON of any kind."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return hint
    choices = [choice for choice in typing.get_args(hint) if choice is not type(None)]
    if File in choices:
        return File | Link if Link in choices else File
    if len(choices) == 1:
        return choices[0]
    return str if str in choices and not any(map(_holds_many, choices)) else Any


def _holds_many(hint: Any) -> bool:
    kind = typing.get_origin(hint) or hint
    return isinstance(kind, type) and issubclass(kind, Iterable) and kind not in (str, bytes)


def _type(hint: Any) -> _Type:
    if typing.get_origin(hint) is typing.Literal:
        return _OneOf(typing.get_args(hint))
    if hint == File | Link:
        return _File(links=True)
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if os.PathLike in (hint, typing.get_origin(hint)):
        return _Path()
    return _Json(hint if isinstance(hint, type) and attrs.has(hint) else None)


def _help(field: Any, texts: Mapping[str, str], *, multiple: bool) -> str:
    text = str(field.metadata.get("help") or texts.get(field.name, ""))
    text = text[:1].upper() + text[1:]
    parts = [text if not text or text.endswith(".") else f"{text}."]
    parts += ["May be given several times."] if multiple else []
    parts += [f"[default: {field.default}]"] if _shown(field.default) else []
    return " ".join(filter(None, parts))


def _shown(default: object) -> bool:
    return default is not attrs.NOTHING and isinstance(default, (str, int, float)) and default != ""
