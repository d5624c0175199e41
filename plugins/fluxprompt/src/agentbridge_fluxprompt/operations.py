"""FluxPrompt's other endpoints, all of them: `Provider.operations`."""

from __future__ import annotations

from typing import Any

from agentbridge import Operation

from .agents import CreateAgent, GetAgent, GetAgentDocumentation, ListAgents, ListFolders, UpdateAgent
from .completions import CreateChatCompletion, ListModels
from .email_trigger import EmailTrigger
from .memory_pods import AddDocuments, CreatePod, DeleteDocuments, ListPods, ReplaceDocument
from .runs import GetBatchDownload, GetBatchStatus, GetExecution, StartExecution, TriggerWebhook

OPERATIONS: tuple[type[Operation[Any]], ...] = (
    StartExecution,
    GetExecution,
    TriggerWebhook,
    EmailTrigger,
    GetBatchStatus,
    GetBatchDownload,
    ListAgents,
    GetAgent,
    CreateAgent,
    UpdateAgent,
    GetAgentDocumentation,
    ListFolders,
    CreatePod,
    ListPods,
    AddDocuments,
    ReplaceDocument,
    DeleteDocuments,
    ListModels,
    CreateChatCompletion,
)
