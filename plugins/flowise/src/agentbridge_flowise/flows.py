"""Operations on flows: lists of them, one flow, whether it streams, and what files it takes."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

import attrs

from agentbridge import Call, ConfigurationError, Fault, HttpRequest, HttpResponse, JsonValue, Operation
from agentbridge.provider import filled_or_none
from agentbridge.reading import decode_json

from . import endpoint, key, wire_operations
from .checks import FLOW, a_count, an_id
from .told import Told, told


@attrs.frozen(kw_only=True)
class Flow(Told):
    """A chatflow, agentflow or assistant. `type` is the server's word, `key_id` names the API key it is bound to."""

    id: str
    name: str
    type: str | None = None
    category: str | None = None
    is_public: bool | None = None
    is_deployed: bool | None = None
    key_id: str | None = None
    created: dt.datetime | None = None
    updated: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class FlowDetails(Flow):
    """A flow and `data`, its drawing: nodes with their settings, ids of credentials among them, and edges."""

    data: JsonValue = None
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Flows:
    """Flows, last changed first. `total` counts those of all pages, where a page was asked for."""

    flows: tuple[Flow, ...]
    total: int | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class ListFlows(Operation[Flows]):
    """List the flows of the workspace.

    Without `limit` the server sends all of them at once, each with its whole drawing: some 50 KB a flow.
    Source: routes/chatflows, services/chatflows. Needs a key that may view chatflows or agentflows.

    Raises:
        ConfigurationError: on construction, for a page without a limit, which the server would ignore.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "flows"
    idempotent: ClassVar[bool] = True

    type: str | None = attrs.field(
        default=None,
        validator=filled_or_none,
        metadata={"help": "only CHATFLOW, AGENTFLOW, MULTIAGENT or ASSISTANT; the server ignores any other word"},
    )
    page: int | None = attrs.field(default=None, validator=a_count, metadata={"help": "which page, from 1 on"})
    limit: int | None = attrs.field(default=None, validator=a_count, metadata={"help": "how many flows a page has"})

    def __attrs_post_init__(self) -> None:
        if self.page is not None and self.limit is None:
            raise ConfigurationError("ListFlows: a page has a length. Give a limit too")

    def build_request(self, call: Call) -> HttpRequest:
        limit = None if self.limit is None else str(self.limit)
        page = None if limit is None else str(self.page or 1)
        query = wire_operations.FlowsQuery(type=self.type, page=page, limit=limit)
        return endpoint.request(call, "GET", *wire_operations.FLOWS, query=query.model_dump(exclude_none=True))

    def read(self, response: HttpResponse) -> Flows | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        body = response.json()
        if isinstance(body, list):
            return _flows(body, None, ())
        page, warnings = wire_operations.FlowPage.parse(body)
        return _flows(page.data, page.total, warnings)


@attrs.frozen
class ListKeyFlows(Operation[Flows]):
    """List the flows that can be called with the connection's key.

    They are those that are bound to it, and those bound to none. The key stands in the address, so it is seen by whatever logs addresses on the way; agentbridge masks it. All flows
    come at once, by name; where there are none, the server says so by a failure: a NotFoundError.
    Source: routes/chatflows, services/chatflows. The key needs no permission.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "key-flows"
    idempotent: ClassVar[bool] = True

    only_bound: bool = attrs.field(default=False, metadata={"help": "without the flows that are bound to no key"})

    def build_request(self, call: Call) -> HttpRequest:
        query = wire_operations.KeyFlowsQuery(keyonly="true" if self.only_bound else None)
        said = query.model_dump(exclude_none=True)
        return key.request(call, *wire_operations.KEY_FLOWS, query=said)

    def read(self, response: HttpResponse) -> Flows | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        if not isinstance(response.json(), list):
            raise ValueError("flows are a list")
        return _flows(response.json(), None, ())


@attrs.frozen
class GetFlow(Operation[FlowDetails]):
    """Read one flow with its drawing.

    Source: routes/chatflows, services/chatflows. Needs a key that may view chatflows or agentflows.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "flow"
    idempotent: ClassVar[bool] = True

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", *wire_operations.FLOWS, endpoint.flow_id(self.agent_id))

    def read(self, response: HttpResponse) -> FlowDetails | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        stored, warnings = wire_operations.StoredFlow.parse(response.json())
        data, unreadable = _drawing(stored.flowData)
        details = FlowDetails(**_fields(stored), data=data, warnings=(*warnings, *unreadable))
        return told(details, response.json())


@attrs.frozen
class CanStream(Operation[bool]):
    """Ask whether a flow can stream; one that cannot answers a stream in plain JSON.

    Source: routes/chatflows-streaming, services/chatflows. Needs no key.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "streaming"
    idempotent: ClassVar[bool] = True

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", *wire_operations.STREAMING, endpoint.flow_id(self.agent_id))

    def read(self, response: HttpResponse) -> bool | Fault:
        refused = endpoint.refusal(response)
        return wire_operations.Streaming.parse(response.json())[0].isStreaming if refused is None else refused


@attrs.frozen
class UploadRule:
    """Media types or file endings that a flow takes, and how large a file may be."""

    types: tuple[str, ...]
    max_megabytes: float | None = None


@attrs.frozen(kw_only=True)
class UploadRules:
    """What files a flow takes: images for its model, speech, and documents for its vector store.

    It is not about texts: those are taken by every flow, in front of the question.
    """

    images: bool
    speech: bool | None = None
    documents: bool | None = None
    image_rules: tuple[UploadRule, ...] = ()
    document_rules: tuple[UploadRule, ...] = ()
    warnings: tuple[str, ...] = ()


@attrs.frozen
class GetUploadRules(Operation[UploadRules]):
    """Ask what files a flow takes.

    Source: routes/chatflows-uploads, utils/getUploadsConfig.ts. Needs no key.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "uploads"
    idempotent: ClassVar[bool] = True

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", *wire_operations.UPLOADS, endpoint.flow_id(self.agent_id))

    def read(self, response: HttpResponse) -> UploadRules | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        found, warnings = wire_operations.Uploads.parse(response.json())
        return UploadRules(
            images=found.isImageUploadAllowed,
            speech=found.isSpeechToTextEnabled,
            documents=found.isRAGFileUploadAllowed,
            image_rules=_rules(found.imgUploadSizeAndTypes),
            document_rules=_rules(found.fileUploadSizeAndTypes),
            warnings=warnings,
        )


def _rules(stated: list[wire_operations.SizeAndTypes | None] | None) -> tuple[UploadRule, ...]:
    rules = filter(None, stated or ())
    return tuple(UploadRule(tuple(filter(None, rule.fileTypes or ())), rule.maxUploadSize) for rule in rules)


def _flows(entries: list[Any], total: int | None, noted: tuple[str, ...]) -> Flows:
    found, warnings = endpoint.each(wire_operations.StoredFlow, entries)
    flows = tuple(told(Flow(**_fields(stored)), entry) for stored, entry in found)
    return Flows(flows=flows, total=total, warnings=(*noted, *warnings))


def _fields(stored: wire_operations.StoredFlow) -> dict[str, Any]:
    return {
        "id": stored.id,
        "name": stored.name,
        "type": stored.type,
        "category": stored.category,
        "is_public": stored.isPublic,
        "is_deployed": stored.deployed,
        "key_id": stored.apikeyid,
        "created": stored.createdDate,
        "updated": stored.updatedDate,
    }


def _drawing(text: str | None) -> tuple[Any, tuple[str, ...]]:
    """The nodes and edges, which are stored as JSON text."""
    try:
        return (None if text is None else decode_json(text)), ()
    except ValueError:
        return None, ("flowData of the answer is unreadable and left out",)
