"""What Flowise keeps of runs, feedback, leads and files, on the wire: the third part of `wire` (S, T, R as there)."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, JsonValue, field_validator

from agentbridge.reading import Lenient, Reply, words

from .wire_nodes import State
from .wire_operations import PageQuery
from .wire_stored import Role

STREAM = "text/event-stream"
"""The media type of a streamed answer (S: controllers/predictions)."""

RATINGS = frozenset({"THUMBS_UP", "THUMBS_DOWN"})
"""The two ratings (S: Interface.ts, ChatMessageRatingType)."""

FILES = "files"
"""The field of every uploaded file; any other is refused (S: routes/attachments, routes/vectors; R)."""

NEWEST_FIRST = "DESC"
"""`order`; anything else means oldest first (S: utils/getChatMessage.ts, getChatMessageFeedback.ts)."""


class MessagesQuery(BaseModel):
    """The query of chatmessage (S: controllers/chat-messages). Only with `feedback` a message has its rating, and only
    then ratings can be asked for (S: utils/getChatMessage.ts).
    """

    chatId: str | None = None
    sessionId: str | None = None
    messageId: str | None = None
    chatType: str | None = None
    memoryType: str | None = None
    startDate: str | None = None
    endDate: str | None = None
    order: str | None = None
    feedback: str | None = None
    feedbackType: str | None = None


Rating = Annotated[str, words(*RATINGS)]


class Rated(Reply):
    """The feedback in a message (S: utils/getChatMessage.ts; R)."""

    known: ClassVar = frozenset({"id", "messageId", "content", "chatflowid", "chatId", "createdDate"})  # recorded

    rating: Lenient[Rating] = None


class ListedMessage(Reply):
    """A message (S: database/entities/ChatMessage.ts; T: ep_chatmessage)."""

    known: ClassVar = frozenset(
        {"memoryType", "artifacts", "fileUploads", "fileAnnotations", "followUpPrompts", "leadEmail", "reasonContent"}
        | {"action", "agentReasoning", "execution", "sourceDocuments", "usedTools"}
    )  # S: database/entities/ChatMessage.ts, and recorded

    id: str
    role: Role
    content: Lenient[str] = None
    chatflowid: Lenient[str] = None
    chatId: Lenient[str] = None
    sessionId: Lenient[str] = None
    executionId: Lenient[str] = None
    chatType: Lenient[str] = None
    createdDate: Lenient[dt.datetime] = None
    feedback: Lenient[Rated] = None


class ExecutionsQuery(PageQuery):
    """The query of executions. A state that the server does not know is ignored (S: controllers/executions; R)."""

    agentflowId: str | None = None
    agentflowName: str | None = None
    sessionId: str | None = None
    state: str | None = None
    startDate: str | None = None
    endDate: str | None = None


class ListedExecution(Reply):
    """A run of an Agentflow V2 (S: database/entities/Execution.ts; T: ep_execution)."""

    known: ClassVar = frozenset({"action", "agentflow", "isPublic", "workspaceId"})  # recorded

    id: str
    state: State
    agentflowId: Lenient[str] = None
    sessionId: Lenient[str] = None
    executionData: Lenient[str] = None
    createdDate: Lenient[dt.datetime] = None
    updatedDate: Lenient[dt.datetime] = None
    stoppedDate: Lenient[dt.datetime] = None


class ExecutionPage(Reply):
    """Answer of executions (S: services/executions; T: ep_executions)."""

    data: list[Any]
    total: Lenient[int] = None


class Aborted(Reply):
    """Answer of abort: the same whether anything ran or not (S: controllers/chat-messages; T: abort_nothing)."""

    known: ClassVar = frozenset({"message"})  # recorded

    status: int

    @field_validator("status")
    @classmethod
    def _is_200(cls, status: int) -> int:
        if status != 200:
            raise ValueError("the run was not aborted")
        return status


class FeedbackBody(BaseModel):
    """Body of feedback (S: services/feedback/validation.ts; T: ep_feedback)."""

    chatflowid: str | None = None
    chatId: str | None = None
    messageId: str | None = None
    rating: str | None = None
    content: str | None = None


class FeedbackQuery(BaseModel):
    """The query of feedback; the dates count only together (S: utils/getChatMessageFeedback.ts)."""

    chatId: str | None = None
    order: str | None = None
    startDate: str | None = None
    endDate: str | None = None


class StoredFeedback(Reply):
    """A rating (S: database/entities/ChatMessageFeedback.ts; T: ep_feedback)."""

    id: str
    messageId: str
    rating: Lenient[Rating] = None
    content: Lenient[str] = None
    chatflowid: Lenient[str] = None
    chatId: Lenient[str] = None
    createdDate: Lenient[dt.datetime] = None


class FeedbackUpdated(Reply):
    """Answer of a changed rating (S: utils/updateChatMessageFeedback.ts; R)."""

    status: str

    @field_validator("status")
    @classmethod
    def _is_ok(cls, status: str) -> str:
        if status != "OK":
            raise ValueError("the rating was not changed")
        return status


class LeadBody(BaseModel):
    """Body of leads (S: services/leads; T: ep_leads)."""

    chatflowid: str
    chatId: str | None = None
    name: str | None = None
    email: str | None = None
    phone: str | None = None


class StoredLead(Reply):
    """A contact (S: database/entities/Lead.ts; T: ep_leads)."""

    id: str
    chatflowid: Lenient[str] = None
    chatId: Lenient[str] = None
    name: Lenient[str] = None
    email: Lenient[str] = None
    phone: Lenient[str] = None
    createdDate: Lenient[dt.datetime] = None


class AttachedFile(Reply):
    """A file whose text was read (S: utils/createAttachment.ts; R: attach)."""

    name: str
    content: str
    mimeType: Lenient[str] = None
    size: Lenient[int] = None


class UpsertBody(BaseModel):
    """Body of an upsert without files; with files its overrides are fields of the form (S: utils/upsertVector.ts)."""

    overrideConfig: dict[str, JsonValue] | None = None
    stopNodeId: str | None = None


STOP_NODE = "stopNodeId"
"""The same in a form (S: utils/upsertVector.ts; R: upsert-files)."""

VARIABLES = "vars"
"""The one override that a form carries as JSON text (S: utils/upsertVector.ts)."""


class UpsertResult(Reply):
    """Answer of an upsert: what the vector store says, with a record manager all of it (S: components/src/indexing.ts;
    T: upsert_ok), or one sentence where it says nothing (S: utils/upsertVector.ts).
    """

    numAdded: Lenient[int] = None
    numUpdated: Lenient[int] = None
    numSkipped: Lenient[int] = None
    numDeleted: Lenient[int] = None
    totalKeys: Lenient[int] = None
    addedDocs: Any = None  # documents, as `wire.DOCUMENT`
    result: Lenient[str] = None
