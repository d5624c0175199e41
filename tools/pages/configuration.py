"""The tables of docs/configuration.md, from the models that read the file."""

from __future__ import annotations

import json
import types
from typing import Any, Literal, Union, get_args, get_origin

import attrs
from marked import DOCS, filled, table
from pydantic.fields import FieldInfo

from agentbridge import tables
from agentbridge.migrate import Gate

PAGE = DOCS / "configuration.md"
SHOWN = (
    ("`[connections.NAME]`", tables.ConnectionTable),
    ("`retry = { … }` of a connection", tables.RetryTable),
    ("`timeouts = { … }` of a connection", tables.TimeoutsTable),
    ("`limits = { … }` of a connection", tables.LimitsTable),
    ("`[[connections.NAME.faults]]`", tables.FaultTable),
    ("`[agents.NAME]`", tables.AgentTable),
    ("`[agents.NAME.on.CONNECTION]`", tables.BindingTable),
    ("`[migrate.gate]`", tables.GateTable),
)
_WORDS: dict[Any, str] = {
    str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any value", dict: "table", list: "list"
}  # fmt: skip


def page() -> str:
    """docs/configuration.md with its tables made anew."""
    return filled(PAGE, "keys", "\n\n".join(f"### {title}\n\n{_keys(model)}" for title, model in SHOWN))


def _keys(model: type[tables.Table]) -> str:
    rows = [
        (f"`{name}`", _type(field.annotation), _default(model, name, field), str(field.description))
        for name, field in model.model_fields.items()
    ]
    return table(("key", "type", "default", "what it is"), rows)


def _type(kind: Any) -> str:
    """What a file may say there, in words; None is what is left out and cannot be written in TOML."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in {Union, types.UnionType}:
        return ", or ".join(_type(each) for each in inner if each is not types.NoneType)
    if origin is Literal:
        return " or ".join(f"`{value!r}`".replace("'", '"') for value in inner)
    if origin is list:
        return f"list of {_type(inner[0])}"
    if origin is dict:
        return f"table of {_type(inner[1])}"
    return _WORDS.get(kind, "table")


def _default(model: type[tables.Table], name: str, field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    default = field.default
    if model is tables.GateTable:  # says what was set; what was not is the Gate's own
        default = attrs.fields_dict(Gate)[name].default
        default = "off" if default is None else default
    if default is None or isinstance(default, tables.Table | attrs.Factory) or default in ({}, []):
        return ""
    return f"`{json.dumps(default)}`"
