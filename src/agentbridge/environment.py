"""The variables of the environment, as they are now."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from types import MappingProxyType
from typing import Any, TypeVar

T = TypeVar("T")


def of_variables(make: Callable[[Mapping[str, str]], T]) -> Callable[[], T]:
    """Decorates what is made of all variables: it is made once, and anew where they have changed.

    Python decodes each variable whenever it is looked at, which for all of them takes as long as a tenth of a call.
    Below that are the undecoded ones, for which there is no public name: as long as they are the same, what was made serves.
    """
    kept: list[tuple[Mapping[Any, Any], T]] = []

    @wraps(make)
    def made() -> T:
        raw: dict[bytes | str, bytes | str] | None = getattr(os.environ, "_data", None)
        if raw is None:
            return make(dict(os.environ))
        for seen, before in kept:
            if seen == raw:
                return before
        seen = raw.copy()
        now = make(MappingProxyType({os.fsdecode(name): os.fsdecode(value) for name, value in seen.items()}))
        kept[:] = [(seen, now)]
        return now

    return made


@of_variables
def environment(variables: Mapping[str, str]) -> Mapping[str, str]:
    """All variables by name; later changes do not show in it."""
    return variables
