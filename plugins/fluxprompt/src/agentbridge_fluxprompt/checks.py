"""What the fields of operations must be. A wrong value fails where it is said, before anything is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from agentbridge import File, Link
from agentbridge.errors import ConfigurationError

Check = Callable[[Any, "attrs.Attribute[Any]", Any], None]


def wrong(instance: object, field: str, problem: str) -> ConfigurationError:
    """The error of a field; `problem` says what is wrong with it, and the remedy."""
    return ConfigurationError(f"{type(instance).__name__}.{field} {problem}")


def text(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """Any text."""
    if not isinstance(value, str):
        raise wrong(instance, attribute.name, f"must be a text, not {value!r}")


def at_most(length: int) -> Check:
    """No longer than the vendor takes."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if len(value) > length:
            raise wrong(instance, attribute.name, f"has {len(value)} characters, and the vendor takes {length}")

    return check


def a(*kinds: type) -> Check:
    """A value of one of these types."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        fits = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
        if not fits:
            names = " or ".join(kind.__name__ for kind in kinds)
            raise wrong(instance, attribute.name, f"must be {names}, not {value!r}")

    return check


def each(*kinds: type) -> Check:
    """A tuple of values of these types."""

    def check(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        for item in value:
            if not isinstance(item, kinds) or item == "":
                names = " or ".join(kind.__name__ for kind in kinds)
                raise wrong(instance, attribute.name, f"takes {names}, not {item!r}")

    return check


def web_address(instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    """A URL that the vendor can fetch."""
    if not isinstance(value, str) or not value.lower().startswith(("http://", "https://")):
        raise wrong(instance, attribute.name, f"must be a URL that begins with http:// or https://, not {value!r}")


def many(values: Any) -> tuple[Any, ...]:
    """Converts to a tuple, also one value alone."""
    if isinstance(values, (str, bytes, File, Link, Mapping)) or not hasattr(values, "__iter__"):
        return () if values is None else (values,)
    return tuple(values)


def mapping(values: Any) -> Any:
    """A copy of a mapping; what is none is left to the check."""
    return dict(values) if isinstance(values, Mapping) else values
