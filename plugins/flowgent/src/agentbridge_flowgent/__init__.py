"""FlowGent for agentbridge."""

from __future__ import annotations

from agentbridge import hookimpl

from .operations import (
    DailyUsage,
    GetUsage,
    ListAgents,
    SendWhatsAppTemplate,
    SentTemplate,
    TemplateBody,
    TemplateHeader,
    TemplateImage,
    UsageReport,
)
from .provider import FlowGent

__all__ = [
    "DailyUsage", "FlowGent", "GetUsage", "ListAgents", "SendWhatsAppTemplate", "SentTemplate", "TemplateBody",
    "TemplateHeader", "TemplateImage", "UsageReport", "agentbridge_providers",
]  # fmt: skip


@hookimpl
def agentbridge_providers() -> list[FlowGent]:
    """The one provider of this plugin."""
    return [FlowGent()]
