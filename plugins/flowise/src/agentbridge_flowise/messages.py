"""The operation on messages: what the server keeps of questions and answers."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

import attrs

from agentbridge import Call, Fault, HttpRequest, HttpResponse, Operation
from agentbridge.provider import filled_or_none

from . import checks, endpoint, wire, wire_operations, wire_records
from .checks import FLOW, SINCE, UNTIL, an_id
from .told import Told, told

_ROLES = {theirs: ours for ours, theirs in wire.ROLES.items()}


@attrs.frozen(kw_only=True)
class ChatMessage(Told):
    """A message that the server kept. `role` is user or assistant, `rating` is there where it was asked for.

    Its `raw` has tools, documents, files and, of an Agentflow V2, the whole execution.
    """

    id: str
    role: str
    text: str | None = None
    agent_id: str | None = None
    chat_id: str | None = None
    session_id: str | None = None
    execution_id: str | None = None
    chat_type: str | None = None
    created: dt.datetime | None = None
    rating: str | None = None


@attrs.frozen
class ChatMessages:
    """Messages in the order that was asked for."""

    messages: tuple[ChatMessage, ...]
    warnings: tuple[str, ...] = ()


@attrs.frozen
class ListMessages(Operation[ChatMessages]):
    """List the messages of a flow, of a chat or of a session.

    Only runs that ended well or paused have messages. There are no pages: a flow that is used much has many.
    Source: routes/chat-messages, controllers/chat-messages, utils/getChatMessage.ts. Needs a key.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "messages"
    idempotent: ClassVar[bool] = True

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)
    chat_id: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "only of this chat; each call has one of its own"}
    )
    session_id: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "only of this session: a conversation"}
    )
    message_id: str | None = attrs.field(default=None, validator=filled_or_none, metadata={"help": "only this message"})
    chat_type: str | None = attrs.field(
        default=None,
        validator=filled_or_none,
        metadata={"help": "only EXTERNAL (by the API), INTERNAL (in Flowise itself), or another word of the server's"},
    )
    memory_type: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "only of this kind of memory, by its label"}
    )
    start: dt.date | str | None = attrs.field(default=None, converter=checks.start, metadata=SINCE)
    end: dt.date | str | None = attrs.field(default=None, converter=checks.end, metadata=UNTIL)
    newest_first: bool = attrs.field(default=False, metadata={"help": "the newest first, not the oldest"})
    with_rating: bool = attrs.field(default=False, metadata={"help": "each with its rating, where it has one"})
    rating: str | None = attrs.field(
        default=None,
        validator=filled_or_none,
        metadata={"help": "only those rated THUMBS_UP or THUMBS_DOWN, each after the message before it"},
    )

    def build_request(self, call: Call) -> HttpRequest:
        query = wire_records.MessagesQuery(
            chatId=self.chat_id,
            sessionId=self.session_id,
            messageId=self.message_id,
            chatType=self.chat_type,
            memoryType=self.memory_type,
            startDate=checks.written(self.start),
            endDate=checks.written(self.end),
            order=wire_records.NEWEST_FIRST if self.newest_first else None,
            feedback="true" if self.with_rating or self.rating else None,
            feedbackType=self.rating,
        )
        flow, said = endpoint.flow_id(self.agent_id), query.model_dump(exclude_none=True)
        return endpoint.request(call, "GET", *wire_operations.MESSAGES, flow, query=said)

    def read(self, response: HttpResponse) -> ChatMessages | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        if not isinstance(response.json(), list):
            raise ValueError("messages are a list")
        found, warnings = endpoint.each(wire_records.ListedMessage, response.json())
        return ChatMessages(tuple(told(_message(listed), entry) for listed, entry in found), warnings)


def _message(listed: wire_records.ListedMessage) -> ChatMessage:
    return ChatMessage(
        id=listed.id,
        role=_ROLES.get(listed.role, listed.role),
        text=listed.content,
        agent_id=listed.chatflowid,
        chat_id=listed.chatId,
        session_id=listed.sessionId,
        execution_id=listed.executionId,
        chat_type=listed.chatType,
        created=listed.createdDate,
        rating=listed.feedback.rating if listed.feedback else None,
    )
