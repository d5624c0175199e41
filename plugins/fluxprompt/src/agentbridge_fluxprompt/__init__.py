"""FluxPrompt for agentbridge. Operations are imported when they are used, since most programs only call agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentbridge import hookimpl
from agentbridge.provider import names_in

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

__getattr__ = names_in(__name__, ("agents", "completions", "email_trigger", "memory_pods", "runs"), __all__)


@hookimpl
def agentbridge_providers() -> list[FluxPrompt]:
    """The one provider of this plugin."""
    return [FluxPrompt()]
