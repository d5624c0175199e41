"""FluxPrompt for agentbridge. Operations are imported when they are used, since most programs only call agents."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from agentbridge import hookimpl

from .provider import FluxPrompt

if TYPE_CHECKING:
    from .agents import (
        Agent,
        AgentJson,
        CreateAgent,
        Folder,
        GetAgent,
        GetAgentDocumentation,
        ListAgents,
        ListFolders,
        Owner,
        UpdateAgent,
    )
    from .completions import ChatCompletion, ChatModel, CreateChatCompletion, ListModels
    from .email_trigger import EmailTrigger, Mailed
    from .memory_pods import AddDocuments, CreatePod, DeleteDocuments, ListPods, Pod, PodFile, ReplaceDocument
    from .runs import (
        Acknowledged,
        BatchStatus,
        Execution,
        GetBatchDownload,
        GetBatchStatus,
        GetExecution,
        StartExecution,
        TriggerWebhook,
    )

__all__ = [
    "Acknowledged", "AddDocuments", "Agent", "AgentJson", "BatchStatus", "ChatCompletion", "ChatModel", "CreateAgent",
    "CreateChatCompletion", "CreatePod", "DeleteDocuments", "EmailTrigger", "Execution", "FluxPrompt", "Folder",
    "GetAgent", "GetAgentDocumentation", "GetBatchDownload", "GetBatchStatus", "GetExecution", "ListAgents",
    "ListFolders", "ListModels", "ListPods", "Mailed", "Owner", "Pod", "PodFile", "ReplaceDocument", "StartExecution",
    "TriggerWebhook", "UpdateAgent", "agentbridge_providers",
]  # fmt: skip

_HOMES = ("agents", "completions", "email_trigger", "memory_pods", "runs")


def __getattr__(name: str) -> Any:
    for home in _HOMES if name in __all__ else ():
        module = importlib.import_module(f".{home}", __name__)
        if getattr(getattr(module, name, None), "__module__", None) == module.__name__:
            return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@hookimpl
def agentbridge_providers() -> list[FluxPrompt]:
    """The one provider of this plugin."""
    return [FluxPrompt()]
