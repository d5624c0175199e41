"""Names that somebody wrote: which known one was meant, and none twice. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .errors import ConfigurationError


def did_you_mean(name: str, known: Mapping[str, Any] | list[str] | frozenset[str]) -> str:
    """ " Did you mean 'x'?" where something known is close, else nothing."""
    import difflib  # late: it is for those who erred

    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def check_once(names: Sequence[str], label: str) -> None:
    """Raise ConfigurationError where a name stands twice: who could not is not asked again in the same call."""
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"{label} names {name!r} twice; name it once, and let retry= ask it again")
