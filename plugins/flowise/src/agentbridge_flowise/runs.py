"""Operations on runs: the executions that the server keeps, and the end of one that is under way."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

import attrs

from agentbridge import Call, ConfigurationError, Fault, HttpRequest, HttpResponse, JsonValue, Operation, Pending
from agentbridge.provider import filled_or_none
from agentbridge.reading import decode_json

from . import checks, endpoint, wire_operations, wire_records
from .checks import FLOW, SINCE, UNTIL, a_count, an_id
from .told import Told, told


@attrs.frozen(kw_only=True)
class Execution(Told):
    """A run of an Agentflow V2. `state` is the server's word: INPROGRESS, FINISHED, ERROR, STOPPED (paused) ..."""

    id: str
    state: str
    agent_id: str | None = None
    session_id: str | None = None
    created: dt.datetime | None = None
    updated: dt.datetime | None = None
    stopped: dt.datetime | None = None


@attrs.frozen(kw_only=True)
class ExecutionDetails(Execution):
    """A run and `nodes`, what its nodes took and gave: prompts, settings of models and ids of credentials among it."""

    nodes: tuple[JsonValue, ...] = ()
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class Executions:
    """One page of runs, last updated first. `total` counts those of all pages."""

    executions: tuple[Execution, ...]
    total: int | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class ListExecutions(Operation[Executions]):
    """List the runs of Agentflows V2; other flows leave none.

    The server gives 12 at most, unless told otherwise, each with its whole flow: some 50 KB a run.
    Source: routes/executions, controllers/executions, services/executions. Needs a key with executions:view.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "executions"
    idempotent: ClassVar[bool] = True

    agent_id: str | None = attrs.field(default=None, validator=attrs.validators.optional(an_id), metadata=FLOW)
    session_id: str | None = attrs.field(
        default=None,
        validator=filled_or_none,
        metadata={"help": "only of this session; a call without one has its chat id"},
    )
    state: str | None = attrs.field(
        default=None,
        validator=filled_or_none,
        metadata={
            "help": "only INPROGRESS, FINISHED, ERROR, TERMINATED, TIMEOUT or STOPPED; the server ignores any other word"
        },
    )
    agent_name: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "only of flows with this text in their name"}
    )
    start: dt.date | str | None = attrs.field(default=None, converter=checks.start, metadata=SINCE)
    end: dt.date | str | None = attrs.field(default=None, converter=checks.end, metadata=UNTIL)
    page: int | None = attrs.field(default=None, validator=a_count, metadata={"help": "which page, from 1 on"})
    limit: int | None = attrs.field(default=None, validator=a_count, metadata={"help": "how many runs a page has"})

    def build_request(self, call: Call) -> HttpRequest:
        query = wire_records.ExecutionsQuery(
            agentflowId=None if self.agent_id is None else endpoint.flow_id(self.agent_id),
            agentflowName=self.agent_name,
            sessionId=self.session_id,
            state=self.state,
            startDate=checks.written(self.start),
            endDate=checks.written(self.end),
            page=None if self.page is None else str(self.page),
            limit=None if self.limit is None else str(self.limit),
        )
        return endpoint.request(call, "GET", *wire_operations.EXECUTIONS, query=query.model_dump(exclude_none=True))

    def read(self, response: HttpResponse) -> Executions | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        page, noted = wire_records.ExecutionPage.parse(response.json())
        found, warnings = endpoint.each(wire_records.ListedExecution, page.data)
        executions = tuple(told(Execution(**_fields(listed)), entry) for listed, entry in found)
        return Executions(executions=executions, total=page.total, warnings=(*noted, *warnings))


@attrs.frozen
class GetExecution(Operation[ExecutionDetails]):
    """Read one run of an Agentflow V2, with what its nodes took and gave.

    Source: routes/executions, services/executions. Needs a key with executions:view.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "execution"
    idempotent: ClassVar[bool] = True

    execution_id: str = attrs.field(
        validator=an_id,
        metadata={"help": "the id of the run: that of a Result of an Agentflow V2 that was not streamed"},
    )

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", *wire_operations.EXECUTIONS, self.execution_id)

    def read(self, response: HttpResponse) -> ExecutionDetails | Fault:
        refused = endpoint.refusal(response)
        if refused is not None:
            return refused
        listed, warnings = wire_records.ListedExecution.parse(response.json())
        nodes, unreadable = _nodes(listed.executionData)
        details = ExecutionDetails(**_fields(listed), nodes=nodes, warnings=(*warnings, *unreadable))
        return told(details, response.json())


def _fields(listed: wire_records.ListedExecution) -> dict[str, Any]:
    return {
        "id": listed.id,
        "state": listed.state,
        "agent_id": listed.agentflowId,
        "session_id": listed.sessionId,
        "created": listed.createdDate,
        "updated": listed.updatedDate,
        "stopped": listed.stoppedDate,
    }


def _nodes(text: str | None) -> tuple[tuple[Any, ...], tuple[str, ...]]:
    """The executed nodes, which are stored as JSON text."""
    try:
        nodes = decode_json(text or "[]")
    except ValueError:
        nodes = None
    return (
        (tuple(nodes), ())
        if isinstance(nodes, list)
        else ((), ("executionData of the answer is unreadable and left out",))
    )


@attrs.frozen(init=False)
class Abort(Operation[None]):
    """End a run that is under way.

    `Abort(pending)`, or `Abort(agent_id, chat_id)`. The server says yes to everything, also where nothing runs. An Agentflow V2 ends with an error; a chatflow with a
    conversation chain and an Agentflow V1 do not hear it, and end as ever.
    Source: routes/chat-messages, controllers/chat-messages. Needs no key.

    Raises:
        ConfigurationError: on construction, for a Pending that is none of Flowise's, or has no id.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "abort"
    idempotent: ClassVar[bool] = True  # what ended stays so, and every call has a chat id of its own (T: abort_nothing)

    agent_id: str = attrs.field(validator=an_id, metadata=FLOW)
    chat_id: str = attrs.field(validator=an_id, metadata={"help": "the chat id of the run: the id of its Pending"})

    def __init__(self, agent_id: str | Pending, chat_id: str | None = None) -> None:
        if isinstance(agent_id, Pending):
            agent_id, chat_id = _run_of(agent_id)
        self.__attrs_init__(agent_id, chat_id or "")

    def build_request(self, call: Call) -> HttpRequest:
        flow = endpoint.flow_id(self.agent_id)
        return endpoint.request(call, "PUT", *wire_operations.ABORT, flow, self.chat_id)

    def read(self, response: HttpResponse) -> Fault | None:
        refused = endpoint.refusal(response)
        if refused is None:
            wire_records.Aborted.parse(response.json())
        return refused


def _run_of(pending: Pending) -> tuple[str, str]:
    """The flow and the chat of a run that answers later."""
    if pending.provider not in ("", Abort.provider):
        raise ConfigurationError(f"Abort: this run is of {pending.provider}. Abort runs of flowise only")
    if not (pending.agent and pending.id):
        raise ConfigurationError("Abort: this run does not say its flow and its id, so that it cannot be aborted")
    return pending.agent, pending.id
