"""One thing that was looked at, how it is, and what to do about it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

Level: TypeAlias = Literal["fine", "warning", "problem"]


@attrs.frozen
class Finding:
    """What was found about a connection, or about this machine where `connection` is empty.

    `check` names what was looked at, `message` says how it is, `remedy` what to do; it is empty where all is fine. With
    a problem calls will fail, with a warning they may. No secret is in any of them.
    """

    check: str
    level: Level
    message: str
    remedy: str = ""
    connection: str = ""


def fine(check: str, message: str) -> Finding:
    """Nothing is to be done."""
    return Finding(check, "fine", message)


def warning(check: str, message: str, remedy: str) -> Finding:
    """It may work, or works less safely than it could."""
    return Finding(check, "warning", message, remedy)


def problem(check: str, message: str, remedy: str) -> Finding:
    """It cannot work."""
    return Finding(check, "problem", message, remedy)
