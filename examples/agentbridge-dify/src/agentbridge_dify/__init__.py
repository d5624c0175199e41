"""Dify's app API for agentbridge: chat and workflow apps, blocking and streaming. The README says what is mapped."""

from agentbridge import Provider, hookimpl
from agentbridge_dify.operations import (
    ConversationMessage,
    GetChatflowRun,
    GetWorkflowRun,
    ListMessages,
    MessagePage,
    StopChat,
    StopWorkflow,
    UploadedFile,
    UploadFile,
    UploadWorkflowFile,
)
from agentbridge_dify.provider import Dify, DifyWorkflow

__all__ = [
    "ConversationMessage",
    "Dify",
    "DifyWorkflow",
    "GetChatflowRun",
    "GetWorkflowRun",
    "ListMessages",
    "MessagePage",
    "StopChat",
    "StopWorkflow",
    "UploadFile",
    "UploadWorkflowFile",
    "UploadedFile",
]


@hookimpl
def agentbridge_providers() -> list[Provider]:
    """The hook that agentbridge calls."""
    return [Dify(), DifyWorkflow()]
