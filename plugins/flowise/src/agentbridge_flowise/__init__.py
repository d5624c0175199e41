"""Flowise for agentbridge."""

from __future__ import annotations

from agentbridge import hookimpl

from .provider import Flowise

__all__ = ["Flowise", "agentbridge_providers"]


@hookimpl
def agentbridge_providers() -> list[Flowise]:
    """The one provider of this plugin."""
    return [Flowise()]
