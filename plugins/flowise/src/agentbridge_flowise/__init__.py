"""Flowise for agentbridge."""

from __future__ import annotations

from agentbridge import hookimpl

from .documents import AttachFiles, Attachment, Attachments, UpsertDocuments, Upserted
from .feedback import Feedback, FeedbackList, GiveFeedback, ListFeedback, UpdateFeedback
from .flows import (
    CanStream,
    Flow,
    FlowDetails,
    Flows,
    GetFlow,
    GetUploadRules,
    ListFlows,
    ListKeyFlows,
    UploadRule,
    UploadRules,
)
from .leads import CreateLead, Lead
from .messages import ChatMessage, ChatMessages, ListMessages
from .provider import Flowise
from .runs import Abort, Execution, ExecutionDetails, Executions, GetExecution, ListExecutions
from .server import GetVersion, Ping, VerifyKey

__all__ = [
    "Abort", "AttachFiles", "Attachment", "Attachments", "CanStream", "ChatMessage", "ChatMessages", "CreateLead",
    "Execution", "ExecutionDetails", "Executions", "Feedback", "FeedbackList", "Flow", "FlowDetails", "Flowise", "Flows",
    "GetExecution", "GetFlow", "GetUploadRules", "GetVersion", "GiveFeedback", "Lead", "ListExecutions", "ListFeedback",
    "ListFlows", "ListKeyFlows", "ListMessages", "Ping", "UpdateFeedback", "UploadRule", "UploadRules",
    "UpsertDocuments", "Upserted", "VerifyKey", "agentbridge_providers",
]  # fmt: skip


@hookimpl
def agentbridge_providers() -> list[Flowise]:
    """The one provider of this plugin."""
    return [Flowise()]
