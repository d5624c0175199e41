"""What installed distributions declare, without importing any of it."""

from __future__ import annotations

import importlib.metadata
import os
import sys
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint
from typing import TypeAlias

GROUP = "agentbridge"
Folders: TypeAlias = tuple[tuple[str, int | None], ...]

_LAST: dict[tuple[str, ...], Sequence[EntryPoint]] = {}
"""What was found last, by where it was looked for."""


def installed() -> Sequence[EntryPoint]:
    """The plugins that are installed now."""
    found = _declared(_folders())
    _LAST.clear()
    _LAST[tuple(sys.path)] = found
    return found


def last_installed() -> Sequence[EntryPoint]:
    """Those that were found last. None, if packages are looked for elsewhere by now."""
    return _LAST.get(tuple(sys.path), ())


def _folders() -> Folders:
    """Where packages are looked for, and when something was installed there last."""
    return tuple((folder, _modified(folder)) for folder in sys.path)


def _modified(folder: str) -> int | None:
    try:
        return os.stat(folder or os.curdir).st_mtime_ns  # noqa: PTH116 (a Path takes five times as long)
    except (OSError, ValueError):
        return None


@lru_cache(maxsize=4)
def _declared(_: Folders) -> Sequence[EntryPoint]:
    """What the distributions declare. To read them all takes longer than a hundred calls, so it is done once."""
    return in_order(importlib.metadata.entry_points(group=GROUP))


def in_order(points: Iterable[EntryPoint]) -> Sequence[EntryPoint]:
    """Each of them once, by name."""
    return sorted(set(points), key=lambda point: (point.name, distribution(point)))


def distribution(point: EntryPoint) -> str:
    """The name of what brought a plugin. Its metadata may be as broken as the plugin."""
    try:
        name = getattr(getattr(point, "dist", None), "name", None)
    except Exception:
        name = None
    return name if isinstance(name, str) else "unknown distribution"
