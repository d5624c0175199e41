"""FlowGent for agentbridge."""

from __future__ import annotations

from agentbridge import hookimpl

from .provider import FlowGent

__all__ = ["FlowGent", "agentbridge_providers"]


@hookimpl
def agentbridge_providers() -> list[FlowGent]:
    """The one provider of this plugin."""
    return [FlowGent()]
