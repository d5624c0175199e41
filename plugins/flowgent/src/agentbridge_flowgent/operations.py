"""FlowGent's other endpoints. Source of all of them: its API reference (S003)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeAlias

import attrs

from agentbridge import Call, ConfigurationError, Fault, HttpRequest, HttpResponse, JsonValue, Operation
from agentbridge.provider import filled, filled_or_none
from agentbridge.reading import compare

from . import endpoint, wire, wire_operations

LONGEST = 31  # days of usage in one request (S003)
_DAY = dt.timedelta(days=1)


def _utc_today() -> dt.date:
    return dt.datetime.now(dt.UTC).date()


def _day(name: str, value: object) -> dt.date | None:
    """A date, or its text as YYYY-MM-DD; other spellings of ISO 8601 are none of the vendor's."""
    if value is None or (isinstance(value, dt.date) and not isinstance(value, dt.datetime)):
        return value
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            return dt.date.fromisoformat(value)
    except ValueError as error:
        raise ConfigurationError(f"GetUsage: {name}={value!r} is no day of the calendar: {error}") from None
    raise ConfigurationError(f"GetUsage: {name}={value!r} is no date. Give a datetime.date, or a text as YYYY-MM-DD")


def _start(value: dt.date | str | None) -> dt.date | None:
    return _day("start", value)


def _end(value: dt.date | str | None) -> dt.date | None:
    return _day("end", value)


@attrs.frozen
class DailyUsage:
    """The credits that an agent used on one day (UTC)."""

    date: dt.date
    credits: float


@attrs.frozen(kw_only=True)
class UsageReport:
    """The credits that an agent used. `daily` is newest first, with the days without usage; `note` is the vendor's."""

    agent_id: str
    total_credits: float
    start: dt.date | None = None
    end: dt.date | None = None
    daily: tuple[DailyUsage, ...] = ()
    note: str | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class GetUsage(Operation[UsageReport]):
    """Tell the credits that an agent used, by day.

    Without dates it is about the last seven days, up to yesterday (UTC). FlowGent knows of no usage before 28 May
    2025, and gives 31 days at most.

    Attributes:
        agent_id: the agent's id, or a copied endpoint URL.
        start: the first day, as YYYY-MM-DD.
        end: the last day, as YYYY-MM-DD, yesterday (UTC) or earlier; yesterday where there is only a start.
        today: for tests; what day it is in UTC.

    Raises:
        ConfigurationError: on construction, for dates that FlowGent refuses.
    """

    provider: ClassVar[str] = "flowgent"
    name: ClassVar[str] = "usage"
    idempotent: ClassVar[bool] = True

    agent_id: str = attrs.field(validator=filled)
    start: dt.date | None = attrs.field(default=None, converter=_start)
    end: dt.date | None = attrs.field(default=None, converter=_end)
    # asked once, when the operation is made, so that building the request needs no clock
    _today: dt.date = attrs.field(factory=_utc_today, repr=False, eq=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        problem = _problem(self.start, self.end, self._today)
        if problem:
            raise ConfigurationError(f"GetUsage: {problem}")

    def build_request(self, call: Call) -> HttpRequest:
        query = wire_operations.UsageQuery(start_date=self.start, end_date=self.end)
        said = query.model_dump(mode="json", exclude_none=True)
        return endpoint.request(call, "GET", endpoint.agent_id(self.agent_id), *wire_operations.USAGE, query=said)

    def read(self, response: HttpResponse) -> UsageReport | Fault:
        refused = _refusal(response)
        if refused is not None:
            return refused
        answer, warnings = wire_operations.UsageAnswer.parse(response.json())
        period = answer.time_range or wire_operations.TimeRange()
        days = [DailyUsage(day.date, day.credits_used) for day in answer.usage.daily_breakdown or () if day]
        return UsageReport(
            agent_id=answer.agent_id or endpoint.agent_id(self.agent_id),
            total_credits=answer.usage.total_credits_used,
            start=period.start and period.start.date(),
            end=period.end and period.end.date(),
            daily=tuple(sorted(days, key=lambda day: day.date, reverse=True)),
            note=answer.note,
            warnings=warnings,
        )


def _problem(start: dt.date | None, end: dt.date | None, today: dt.date) -> str | None:
    """What FlowGent would refuse (S003), in the order in which a caller would mend it; both ends count as days."""
    yesterday = today - _DAY
    if start is None:
        return None if end is None else f"end={end} needs a start. Give the first day too"
    if end is not None and end > yesterday:
        return f"end={end} must be before today, {today} in UTC. Give {yesterday} or an earlier day, or leave it out"
    last = yesterday if end is None else end
    if start > last:
        return f"start={start} is after the end, {last}. Give that day or an earlier one"
    days = (last - start).days + 1
    if days > LONGEST:
        return f"from start={start} to {last} are {days} days, {LONGEST} at most. Ask in several calls"
    return None


@attrs.frozen
class TemplateImage:
    """An image for the header of a template: a link that WhatsApp fetches."""

    link: str = attrs.field(validator=filled)


TemplateParameter: TypeAlias = str | TemplateImage | Mapping[str, JsonValue]
"""A text, an image, or any other parameter as Meta's Cloud API has it."""


def _each(values: Iterable[Any]) -> tuple[Any, ...]:
    if isinstance(values, (str, Mapping)):  # iterating it would send its letters or keys
        raise ConfigurationError(f"parameters={values!r} is one parameter. Give a list of parameters")
    return tuple(values)


def _parameters(part: object, _: attrs.Attribute[Any], values: tuple[object, ...]) -> None:
    for value in values:
        if not isinstance(value, (str, TemplateImage, Mapping)):
            kind = type(part).__name__
            raise ConfigurationError(f"{kind}: {value!r} is no parameter. Give a text, a TemplateImage or an object")


def _components(_: object, __: attrs.Attribute[Any], values: tuple[object, ...]) -> None:
    for value in values:
        if not isinstance(value, (TemplateHeader, TemplateBody, Mapping)):
            message = f"SendWhatsAppTemplate: {value!r} is no part of a template"
            raise ConfigurationError(f"{message}. Give a TemplateHeader, a TemplateBody or an object")


@attrs.frozen
class TemplateHeader:
    """What fills the header of a template: an image, or a text for its variable."""

    parameters: tuple[TemplateParameter, ...] = attrs.field(converter=_each, validator=_parameters)


@attrs.frozen
class TemplateBody:
    """What fills the variables in the body of a template, in their order."""

    parameters: tuple[TemplateParameter, ...] = attrs.field(converter=_each, validator=_parameters)


TemplateComponent: TypeAlias = TemplateHeader | TemplateBody | Mapping[str, JsonValue]
"""One part of a template, or any other part (a button, say) as Meta's Cloud API has it."""


@attrs.frozen
class SentTemplate:
    """A message that WhatsApp took over, by Meta's own answer: the ids of the message and of the recipient."""

    id: str
    wa_id: str | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class SendWhatsAppTemplate(Operation[SentTemplate]):
    """Send a WhatsApp template message by an agent's WhatsApp connection.

    Attributes:
        agent_id: the agent's id, or a copied endpoint URL.
        recipient: the phone number with its country code, 31612345678 for example.
        template: the name of the template.
        language: its language: en_US, en or nl_NL for example.
        customer_name: the customer's name, for new customers.
        parameters: the template's components: TemplateHeader, TemplateBody, or an object as Meta's Cloud API has it.
    """

    provider: ClassVar[str] = "flowgent"
    name: ClassVar[str] = "whatsapp"

    agent_id: str = attrs.field(validator=filled)
    recipient: str = attrs.field(validator=filled)
    template: str = attrs.field(validator=filled)
    language: str = attrs.field(validator=filled)
    customer_name: str | None = attrs.field(default=None, validator=filled_or_none)
    parameters: tuple[TemplateComponent, ...] = attrs.field(default=(), converter=_each, validator=_components)

    def build_request(self, call: Call) -> HttpRequest:
        message = wire_operations.TemplateMessage(
            recipient_phone_number=self.recipient,
            template_name=self.template,
            language=self.language,
            customer_name=self.customer_name,
            parameters=[_component(component) for component in self.parameters] or None,
        )
        agent = endpoint.agent_id(self.agent_id)
        return endpoint.request(
            call, "POST", agent, *wire_operations.WHATSAPP, json=message.model_dump(exclude_none=True)
        )

    def read(self, response: HttpResponse) -> SentTemplate | Fault:
        refused = _refusal(response)
        if refused is not None:
            return refused
        answer, warnings = wire_operations.WhatsAppAnswer.parse(response.json())
        contact = next(filter(None, answer.contacts or ()), None)
        return SentTemplate(answer.messages[0].id, contact.wa_id if contact else None, warnings)


def _component(component: TemplateComponent) -> dict[str, Any]:
    if isinstance(component, Mapping):
        return dict(component)
    kind = "header" if isinstance(component, TemplateHeader) else "body"
    parameters = [_parameter(parameter) for parameter in component.parameters]
    return wire_operations.Component(type=kind, parameters=parameters).model_dump()


def _parameter(parameter: TemplateParameter) -> dict[str, Any]:
    if isinstance(parameter, str):
        return wire_operations.Text(text=parameter).model_dump()
    if isinstance(parameter, TemplateImage):
        return wire_operations.Image(image=wire_operations.ImageLink(link=parameter.link)).model_dump()
    return dict(parameter)


@attrs.frozen
class ListAgents(Operation[JsonValue]):
    """List the account's agents, as the vendor does.

    S003 names this endpoint in one example, and does not say what it answers: any JSON list or object is handed on.
    """

    provider: ClassVar[str] = "flowgent"
    name: ClassVar[str] = "agents"
    idempotent: ClassVar[bool] = True

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", *wire_operations.AGENTS)

    def read(self, response: HttpResponse) -> JsonValue | Fault:
        body: JsonValue = response.json()
        if response.ok and isinstance(body, list):  # also an empty one: an account may have no agents
            return body
        refused = _refusal(response)
        if refused is None and not body:
            raise ValueError("an empty object is no answer")
        return body if refused is None else refused


def _refusal(response: HttpResponse) -> Fault | None:
    """These endpoints answer without the envelope of chat, but may fail in its words (S003)."""
    envelope = wire.Complaint.parse(response.json())[0]
    refused = endpoint.refusal(envelope, envelope.details(), response)
    if refused is not None:
        compare("Envelope", response.json(), wire.COMPLAINT)
    return refused


OPERATIONS = (GetUsage, SendWhatsAppTemplate, ListAgents)
