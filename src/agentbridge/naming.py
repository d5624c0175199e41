"""Names that somebody wrote: which known one was meant, and none twice. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from .errors import ConfigurationError

T = TypeVar("T")

PUBLISHED = frozenset({"flowgent", "flowise", "fluxprompt", "promptitude"})
"""Vendors whose plugins are called agentbridge-NAME, for a hint where one is not installed; nothing else knows them."""


def did_you_mean(name: str, known: Mapping[str, Any] | list[str] | frozenset[str]) -> str:
    """ " Did you mean 'x'?" where something known is close, else nothing."""
    import difflib  # late: it is for those who erred

    same = [one for one in known if one.casefold() == name.casefold()]
    close = same or difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def tells_names(cls: type[T]) -> type[T]:
    """Decorates a class: an argument that it does not take raises ConfigurationError with the one that was meant."""
    init: Callable[..., None] = cls.__init__

    @functools.wraps(init)
    def checked(self: T, /, *args: Any, **given: Any) -> None:
        try:
            init(self, *args, **given)
        except TypeError:
            _check_names(type(self).__name__, init, given)
            raise

    cls.__init__ = checked  # type: ignore[method-assign, assignment]
    return cls


def _check_names(label: str, init: Callable[..., None], given: Mapping[str, Any]) -> None:
    import inspect

    known = [name for name in inspect.signature(init).parameters if name != "self"]
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f" It takes {', '.join(known)}"
            raise ConfigurationError(f"{label} takes no {name!r}.{hint}") from None


def check_once(names: Sequence[str], label: str) -> None:
    """Raise ConfigurationError where a name stands twice: who could not is not asked again in the same call."""
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"{label} names {name!r} twice; name it once, and let retry= ask it again")
