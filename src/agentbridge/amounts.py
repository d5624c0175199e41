"""Counts, numbers and shares as callers give them, checked where they come in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from .errors import ConfigurationError


def number(name: str, value: object, what: str, fits: Callable[[float], bool], remedy: str = "") -> float:
    """A number that `fits`; `what` says which do. Raises ConfigurationError for anything else: True is no number."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and fits(value):
        return value
    raise _refused(name, value, what, remedy)


def count(name: str, value: object, remedy: str = "") -> int:
    """A whole number, 1 or more. Raises ConfigurationError for anything else: True is no number."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    raise _refused(name, value, "a whole number, 1 or more", remedy)


def positive(name: str, value: object, remedy: str = "") -> float:
    """A number above 0. Raises ConfigurationError for anything else."""
    return number(name, value, "a number above 0", lambda given: given > 0, remedy)


def share(name: str, value: object, remedy: str = "") -> float:
    """A part of the whole. Raises ConfigurationError for what is not from 0 to 1."""
    return number(name, value, "a share from 0 to 1", lambda given: 0 <= given <= 1, remedy)


def checked(check: Callable[[str, object, str], object], none: str | None = None) -> Callable[[Any, Any, Any], None]:
    """A validator of an attrs field that names class and field; `none` says what None means, where it may be said."""
    remedy = "" if none is None else f"; None {none}"

    def validate(instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is not None or none is None:
            check(f"{type(instance).__name__}.{attribute.name}", value, remedy)

    return validate


def _refused(name: str, value: object, what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"{name} must be {what}, not {value!r}{remedy}")
