"""Promptitude for agentbridge."""

from __future__ import annotations

from agentbridge import hookimpl

from .provider import Promptitude

__all__ = ["Promptitude", "agentbridge_providers"]


@hookimpl
def agentbridge_providers() -> list[Promptitude]:
    """The one provider of this plugin."""
    return [Promptitude()]
