"""FluxPrompt for agentbridge."""

from __future__ import annotations

from agentbridge import hookimpl

from .provider import FluxPrompt

__all__ = ["FluxPrompt", "agentbridge_providers"]


@hookimpl
def agentbridge_providers() -> list[FluxPrompt]:
    """The one provider of this plugin."""
    return [FluxPrompt()]
