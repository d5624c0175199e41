"""Flowise for agentbridge. Operations are imported when they are used, since most programs only call agents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agentbridge import hookimpl
from agentbridge.provider import names_in

from .provider import Flowise

if TYPE_CHECKING:
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
    from .runs import Abort, Execution, ExecutionDetails, Executions, GetExecution, ListExecutions
    from .server import GetVersion, Ping, VerifyKey

__all__ = [
    "Abort", "AttachFiles", "Attachment", "Attachments", "CanStream", "ChatMessage", "ChatMessages", "CreateLead",
    "Execution", "ExecutionDetails", "Executions", "Feedback", "FeedbackList", "Flow", "FlowDetails", "Flowise", "Flows",
    "GetExecution", "GetFlow", "GetUploadRules", "GetVersion", "GiveFeedback", "Lead", "ListExecutions", "ListFeedback",
    "ListFlows", "ListKeyFlows", "ListMessages", "Ping", "UpdateFeedback", "UploadRule", "UploadRules",
    "UpsertDocuments", "Upserted", "VerifyKey", "agentbridge_providers",
]  # fmt: skip

__getattr__ = names_in(__name__, ("documents", "feedback", "flows", "leads", "messages", "runs", "server"), __all__)


@hookimpl
def agentbridge_providers() -> list[Flowise]:
    """The one provider of this plugin."""
    return [Flowise()]
