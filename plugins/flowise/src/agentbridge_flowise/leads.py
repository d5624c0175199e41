"""The operation on leads: contacts that end users leave."""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

import attrs

from agentbridge import Call, ConfigurationError, Fault, HttpRequest, HttpResponse, Operation
from agentbridge.provider import filled_or_none

from . import endpoint, wire_operations, wire_records
from .checks import FLOW, an_id


@attrs.frozen(kw_only=True)
class Lead:
    """A contact that the server kept."""

    id: str
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    agent_id: str | None = None
    chat_id: str | None = None
    created: dt.datetime | None = None


@attrs.frozen
class CreateLead(Operation[Lead]):
    """Keep the contact of an end user. The server does not ask whether the flow is there.

    Source: routes/leads, services/leads. Needs no key.

    Raises:
        ConfigurationError: on construction, for a contact that says nothing.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "lead"

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)
    contact_name: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "the end user's name"}
    )
    email: str | None = attrs.field(default=None, validator=filled_or_none, metadata={"help": "an e-mail address"})
    phone: str | None = attrs.field(default=None, validator=filled_or_none, metadata={"help": "a phone number"})
    chat_id: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "the chat it was said in; one of its own otherwise"}
    )

    def __attrs_post_init__(self) -> None:
        if not (self.contact_name or self.email or self.phone):
            raise ConfigurationError("CreateLead: this contact says nothing. Give a contact_name, an email or a phone")

    def build_request(self, call: Call) -> HttpRequest:
        body = wire_records.LeadBody(
            chatflowid=endpoint.flow_id(self.agent_id),
            chatId=self.chat_id,
            name=self.contact_name,
            email=self.email,
            phone=self.phone,
        )
        return endpoint.request(call, "POST", *wire_operations.LEADS, json=body.model_dump(exclude_none=True))

    def read(self, response: HttpResponse) -> Lead | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        stored = wire_records.StoredLead.parse(response.json())[0]
        return Lead(
            id=stored.id,
            name=stored.name,
            email=stored.email,
            phone=stored.phone,
            agent_id=stored.chatflowid,
            chat_id=stored.chatId,
            created=stored.createdDate,
        )
