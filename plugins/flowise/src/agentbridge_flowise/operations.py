"""Flowise's other endpoints. Source of all of them: the server's own code and exchanges with a real 3.1.4."""

from __future__ import annotations

from .documents import AttachFiles, UpsertDocuments
from .feedback import GiveFeedback, ListFeedback, UpdateFeedback
from .flows import CanStream, GetFlow, GetUploadRules, ListFlows, ListKeyFlows
from .leads import CreateLead
from .messages import ListMessages
from .runs import Abort, GetExecution, ListExecutions
from .server import GetVersion, Ping, VerifyKey

OPERATIONS = (
    Ping,
    GetVersion,
    VerifyKey,
    ListFlows,
    ListKeyFlows,
    GetFlow,
    CanStream,
    GetUploadRules,
    ListMessages,
    ListExecutions,
    GetExecution,
    Abort,
    GiveFeedback,
    UpdateFeedback,
    ListFeedback,
    CreateLead,
    AttachFiles,
    UpsertDocuments,
)
