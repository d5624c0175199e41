"""Checks of what a caller gives to an operation, made when the operation is made."""

from __future__ import annotations

from typing import Any

import attrs

from agentbridge import ConfigurationError


def whole_or_none(operation: object, field: attrs.Attribute[Any], value: object) -> None:
    """Take a whole number from 0 on, or None."""
    if value is not None and (type(value) is not int or value < 0):
        kind = type(operation).__name__
        raise ConfigurationError(f"{kind}: {field.name}={value!r} is no size. Give a whole number from 0 on")
