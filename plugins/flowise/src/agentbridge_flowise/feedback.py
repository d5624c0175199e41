"""Operations on what end users say of answers: their ratings."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import attrs

from agentbridge import Call, ConfigurationError, Fault, HttpRequest, HttpResponse, Operation, Result
from agentbridge.provider import filled_or_none

from . import checks, endpoint, wire, wire_operations, wire_records
from .checks import FLOW, SINCE, UNTIL, an_id, wrong

Rating = Literal["THUMBS_UP", "THUMBS_DOWN"]
_RATING = {"help": "THUMBS_UP or THUMBS_DOWN"}
_COMMENT = {"help": "what the end user says about it"}


def _rating(operation: object, field: attrs.Attribute[Any], value: object) -> None:
    """The server stores any word, and shows no other than these (S: Interface.ts; R)."""
    if value not in wire_records.RATINGS:
        raise wrong(operation, f"{field.name}={value!r} is none. Give THUMBS_UP or THUMBS_DOWN")


@attrs.frozen(kw_only=True)
class Feedback:
    """A rating of an answer. `comment` is what the end user said."""

    id: str
    message_id: str
    rating: str | None = None
    comment: str | None = None
    agent_id: str | None = None
    chat_id: str | None = None
    created: dt.datetime | None = None


@attrs.frozen
class FeedbackList:
    """Ratings in the order that was asked for."""

    feedback: tuple[Feedback, ...]
    warnings: tuple[str, ...] = ()


@attrs.frozen(init=False)
class GiveFeedback(Operation[Feedback]):
    """Rate an answer.

    `GiveFeedback(result, "THUMBS_UP")`, or with the id of its message. A second rating of the same answer stands beside the first; `UpdateFeedback` changes one.
    Source: routes/feedback, services/feedback/validation.ts. Needs no key.

    Raises:
        ConfigurationError: on construction, for a Result that is none of Flowise's, or does not say its message.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "give-feedback"

    message_id: str = attrs.field(
        validator=an_id, metadata={"help": "the id of the answer's message; `agentbridge call flowise messages` has it"}
    )
    rating: Rating = attrs.field(validator=_rating, metadata=_RATING)
    comment: str | None = attrs.field(default=None, validator=filled_or_none, metadata=_COMMENT)
    agent_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(an_id), metadata=FLOW)
    chat_id: str | None = attrs.field(
        default=None,
        validator=filled_or_none,
        metadata={"help": "the chat of the message, to be sure that it is the one"},
    )

    def __init__(
        self,
        message_id: str | Result,
        rating: Rating,
        comment: str | None = None,
        agent_id: str | None = None,
        chat_id: str | None = None,
    ) -> None:
        if isinstance(message_id, Result):
            agent_id = agent_id or message_id.agent or None
            message_id, found = _message_of(message_id)
            chat_id = chat_id or found
        self.__attrs_init__(message_id, rating, comment, agent_id, chat_id)

    def build_request(self, call: Call) -> HttpRequest:
        body = wire_records.FeedbackBody(
            chatflowid=None if self.agent_id is None else endpoint.flow_id(self.agent_id),
            chatId=self.chat_id,
            messageId=self.message_id,
            rating=self.rating,
            content=self.comment,
        )
        return endpoint.request(call, "POST", *wire_operations.FEEDBACK, json=body.model_dump(exclude_none=True))

    def read(self, response: HttpResponse) -> Feedback | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        return _feedback(wire_records.StoredFeedback.parse(response.json())[0])


def _message_of(result: Result) -> tuple[str, str | None]:
    """The message of an answer and its chat: in the answer, in what a recovered run left, or, of a stream, its id."""
    if result.provider not in ("", GiveFeedback.provider):
        raise ConfigurationError(f"GiveFeedback: this result is of {result.provider}. Rate results of flowise only")
    known = next((pair for pair in map(_ids, _records(result)) if pair is not None), None)
    if known is None:
        raise ConfigurationError("GiveFeedback: this result does not say its message. Give the message's id")
    return known


def _records(result: Result) -> Iterable[Any]:
    if result.response.content_type == wire_records.STREAM:
        return [
            {"chatMessageId": result.id}
        ]  # the id of a streamed answer is its message's (S: SSEStreamer.ts, metadata)
    try:
        answer = result.raw
    except ValueError:
        return []
    return answer if isinstance(answer, list) else [answer]


def _ids(record: Any) -> tuple[str, str | None] | None:
    """Of an answer, or of a stored message of the assistant."""
    if not isinstance(record, Mapping):
        return None
    name = "id" if record.get("role") == wire.ROLES["assistant"] else "chatMessageId"
    message, chat = record.get(name), record.get("chatId")
    return (message, chat if isinstance(chat, str) else None) if isinstance(message, str) and message else None


@attrs.frozen
class UpdateFeedback(Operation[None]):
    """Change a rating, its comment or both.

    Source: routes/feedback, services/feedback. Needs no key.

    Raises:
        ConfigurationError: on construction, where nothing is to be changed.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "update-feedback"
    idempotent: ClassVar[bool] = True  # the same words are the same rating (S: utils/updateChatMessageFeedback.ts)

    feedback_id: str = attrs.field(validator=an_id, metadata={"help": "the id of the rating"})
    rating: Rating | None = attrs.field(default=None, validator=attrs.validators.optional(_rating), metadata=_RATING)
    comment: str | None = attrs.field(default=None, validator=filled_or_none, metadata=_COMMENT)

    def __attrs_post_init__(self) -> None:
        if self.rating is None and self.comment is None:
            raise ConfigurationError("UpdateFeedback: there is nothing to change. Give a rating, a comment or both")

    def build_request(self, call: Call) -> HttpRequest:
        body = wire_records.FeedbackBody(rating=self.rating, content=self.comment).model_dump(exclude_none=True)
        return endpoint.request(call, "PUT", *wire_operations.FEEDBACK, self.feedback_id, json=body)

    def read(self, response: HttpResponse) -> Fault | None:
        refused = endpoint.refusal(response)
        if refused is None:
            wire_records.FeedbackUpdated.parse(response.json())
        return refused


@attrs.frozen
class ListFeedback(Operation[FeedbackList]):
    """List the ratings of a flow's answers. A flow that is not there has none.

    Source: routes/feedback, utils/getChatMessageFeedback.ts. Needs no key.

    Raises:
        ConfigurationError: on construction, for a start without an end or the other way round: the server ignores it.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "feedback"
    idempotent: ClassVar[bool] = True

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)
    chat_id: str | None = attrs.field(default=None, validator=filled_or_none, metadata={"help": "only of this chat"})
    start: dt.date | str | None = attrs.field(default=None, converter=checks.start, metadata=SINCE)
    end: dt.date | str | None = attrs.field(default=None, converter=checks.end, metadata=UNTIL)
    newest_first: bool = attrs.field(default=False, metadata={"help": "the newest first, not the oldest"})

    def __attrs_post_init__(self) -> None:
        if (self.start is None) is not (self.end is None):
            raise ConfigurationError("ListFeedback: a start and an end count only together. Give both")

    def build_request(self, call: Call) -> HttpRequest:
        query = wire_records.FeedbackQuery(
            chatId=self.chat_id,
            order=wire_records.NEWEST_FIRST if self.newest_first else None,
            startDate=checks.written(self.start),
            endDate=checks.written(self.end),
        )
        flow, said = endpoint.flow_id(self.agent_id), query.model_dump(exclude_none=True)
        return endpoint.request(call, "GET", *wire_operations.FEEDBACK, flow, query=said)

    def read(self, response: HttpResponse) -> FeedbackList | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        if not isinstance(response.json(), list):
            raise ValueError("feedback is a list")
        found, warnings = endpoint.each(wire_records.StoredFeedback, response.json())
        return FeedbackList(tuple(_feedback(stored) for stored, _ in found), warnings)


def _feedback(stored: wire_records.StoredFeedback) -> Feedback:
    return Feedback(
        id=stored.id,
        message_id=stored.messageId,
        rating=stored.rating,
        comment=stored.content,
        agent_id=stored.chatflowid,
        chat_id=stored.chatId,
        created=stored.createdDate,
    )
