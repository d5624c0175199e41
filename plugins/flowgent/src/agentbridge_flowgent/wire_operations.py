"""What FlowGent's other endpoints take and send: the second half of `wire`. Facts from its API reference (S003)."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, Field

from agentbridge.reading import Lenient, Reply

AGENTS, USAGE, WHATSAPP = (), ("usage",), ("waba",)
"""Where the endpoints stand: `/agent`, `/agent/:agent_id/usage` and `/agent/:agent_id/waba` (S003)."""


class UsageQuery(BaseModel):
    """The query of usage: both dates as YYYY-MM-DD, the end not without the start (S003)."""

    start_date: dt.date | None = None
    end_date: dt.date | None = None


class UsedOn(Reply):
    """An entry of `usage.daily_breakdown` (S003)."""

    date: dt.date
    credits_used: float


class Used(Reply):
    """`usage`. The total is the proof of an answer. The sample has whole numbers; "number" is all that is said (S003)."""

    total_credits_used: float
    daily_breakdown: Lenient[list[Lenient[UsedOn]]] = None  # "newest first", days without usage included


class TimeRange(Reply):
    """`time_range`: "start and end timestamps for the queried period", from 00:00 to 23:59:59.999 UTC (S003)."""

    start: Lenient[dt.datetime] = None
    end: Lenient[dt.datetime] = None


class UsageAnswer(Reply):
    """Body of usage, without the envelope of chat (S003)."""

    agent_id: Lenient[str] = None
    time_range: Lenient[TimeRange] = None
    usage: Used
    note: Lenient[str] = None  # "appears when querying dates before May 28, 2025"


class Text(BaseModel):
    """A text that replaces a variable of a template, in the form of Meta's Cloud API (S003's sample, body)."""

    type: Literal["text"] = "text"
    text: str


class ImageLink(BaseModel):
    """Where an image is."""

    link: str


class Image(BaseModel):
    """An image for the header of a template, in the form of Meta's Cloud API (S003's sample, header)."""

    type: Literal["image"] = "image"
    image: ImageLink


class Component(BaseModel):
    """The parameters of one part of a template. S003 shows these two types; others are Meta's."""

    type: Literal["header", "body"]
    parameters: list[dict[str, Any]]


class TemplateMessage(BaseModel):
    """Body of waba (S003). Its table calls `language` required, its error text does not: it is always sent."""

    recipient_phone_number: str  # "with country code"; the sample has no plus: 31612345678
    template_name: str
    language: str  # "e.g., en_US, en, nl_NL"
    customer_name: str | None = None  # "for new customers"
    parameters: list[dict[str, Any]] | None = None


class Contact(Reply):
    """An entry of `contacts` (S003)."""

    input: Lenient[str] = None
    wa_id: Lenient[str] = None


class SentMessage(Reply):
    """An entry of `messages`; its id looks like "wamid.ID" (S003)."""

    id: str = Field(min_length=1)


class WhatsAppAnswer(Reply):
    """Answer of waba: Meta's own, without an envelope (S003). The id of the message is the proof."""

    known: ClassVar = frozenset({"messaging_product"})  # S003

    messages: list[SentMessage] = Field(min_length=1)
    contacts: Lenient[list[Lenient[Contact]]] = None
