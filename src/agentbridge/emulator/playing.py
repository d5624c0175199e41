"""What emulated agents say where somebody says it for them: `Emulator.says`."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeAlias

import attrs


@attrs.frozen
class Scenario:
    """A scenario of the emulator, by its name, in place of words: a failure for example."""

    name: str


Says: TypeAlias = Callable[[str], str | Scenario]
"""What the agent `ok` answers to what it was asked, which it is given as it would echo it. Asked twice for one call."""

speaker: ContextVar[Says | None] = ContextVar("speaker", default=None)


def played(agent: str, asked: str) -> str:
    """The scenario of this call: that of the agent's id, unless who speaks for the agent `ok` names another."""
    says = speaker.get()
    said = says(asked) if says is not None and agent == "ok" else ""
    return said.name if isinstance(said, Scenario) else agent


def spoken(asked: str) -> str:
    """What an agent says: an echo, unless somebody speaks for it."""
    says = speaker.get()
    said = says(asked) if says is not None else None
    return said if isinstance(said, str) else f"Echo: {asked}"
