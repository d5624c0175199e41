"""What the emulator remembers: the newest of all that it was told."""

from __future__ import annotations

from typing import Any

_KEPT = 1000  # of each kind: runs, sessions, pods, agents


def forget(remembered: dict[str, Any]) -> None:
    """Drop the oldest."""
    while len(remembered) > _KEPT:
        del remembered[next(iter(remembered))]
