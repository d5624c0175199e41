"""Runs by themselves: start one, ask how it is, trigger one and forget it; and batches of them.

Sources: the help page; vendor docs "Async flow execution" and "External API endpoints".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import attrs

from agentbridge import (
    SHARED,
    Call,
    Fault,
    File,
    HttpRequest,
    HttpResponse,
    Invocation,
    JsonValue,
    Link,
    Operation,
    Pending,
    Result,
    Usage,
)
from agentbridge.provider import filled, filled_or_none

from . import answer, replies, request, wire, wire_runs
from .checks import a, each, many, mapping, web_address, wrong
from .endpoint import flow_of, request_to
from .failures import failure

_AGENT = {"help": "the agent's id, its flowId; or its endpoint URL as copied"}
_INPUTS = {"help": "what goes into each Data Input node, by its inputId"}
_FILES = {"help": "files and links, each with the input that it belongs to"}
_SESSION = {"help": "the conversation; without one a fresh id, since calls without any share one memory"}
_optional = attrs.validators.optional


@attrs.frozen
class Execution:
    """How a run is: `status` is the vendor's word, pending, in_progress, completed or error.

    A run that failed has its `error` here: the question, how it is, was answered. Times are as the vendor writes them.
    """

    id: str
    status: str
    agent_id: str | None = None
    output: JsonValue = None
    error: str | None = None
    usage: Usage | None = None
    created_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class Acknowledged:
    """A webhook took the call, and never says what came of it. `output` is what it said, which is undocumented."""

    output: JsonValue
    session_id: str | None = None


@attrs.frozen
class BatchStatus:
    """How a batch is: the vendor's word for it, why it failed, and how many of its rows are done."""

    status: str
    error: str | None = None
    last_processed_line: int | None = None
    total_rows: int | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class _Start:
    """What every way to start a run is told."""

    agent_id: str = attrs.field(validator=filled, metadata=_AGENT)
    inputs: Mapping[str, JsonValue] = attrs.field(factory=dict, converter=mapping, validator=a(dict), metadata=_INPUTS)
    files: tuple[File | Link, ...] = attrs.field(
        default=(), converter=many, validator=each(File, Link), metadata=_FILES
    )
    session_id: str | None = attrs.field(default=None, validator=filled_or_none, metadata=_SESSION)

    def _invocation(self, call: Call, **more: Any) -> Invocation:
        session = None if self.session_id == SHARED else self.session_id or call.fresh_id
        return Invocation(target="", inputs=self.inputs, files=self.files, session_id=session, **more)


@attrs.frozen(kw_only=True)
class StartExecution(_Start, Operation[Result]):
    """Start a run, and wait no longer than the vendor does.

    `POST /flux/api-v2`; the help page, and vendor docs "Async flow execution". A Result where the run is done within the vendor's 30 s and no `callback_url` is set; else a Pending, whose id
    GetExecution takes. `invoke` also waits.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "start-execution"

    version_id: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "the version to run; else the deployed one"}
    )
    callback_url: str | None = attrs.field(
        default=None, validator=_optional(web_address), metadata={"help": "where the vendor posts the answer"}
    )

    def build_request(self, call: Call) -> HttpRequest:
        """The request of `invoke`."""
        flow = flow_of(attrs.evolve(call, agent=self.agent_id))
        said = self._invocation(call, callback_url=self.callback_url)
        query = request.query(said, flow.id, self.version_id or flow.version)
        return request_to(wire.RUN_PATH, call, "POST", query=query, json=request.body(said, {}))

    def read(self, response: HttpResponse) -> Result | Pending | Fault:
        """As `invoke` reads it."""
        value = answer.read(response)
        return attrs.evolve(value, response=response) if isinstance(value, Result) else value


@attrs.frozen(kw_only=True)
class GetExecution(Operation[Execution]):
    """Ask how a run is.

    `GET /flux/executions/{id}`; vendor docs "Async flow execution".
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "get-execution"
    idempotent: ClassVar[bool] = True

    execution_id: str = attrs.field(validator=filled, metadata={"help": "the run's id: Pending.id, or executionId"})

    def build_request(self, call: Call) -> HttpRequest:
        """By its id, at the connection's own address."""
        return request_to(f"{wire.EXECUTIONS_PATH}/{quote(self.execution_id, safe='')}", call)

    def read(self, response: HttpResponse) -> Execution | Fault:
        """The run's state, also where it failed."""
        return replies.read(response, _execution, wire.SIGNS_BESIDE_A_STATE)


@attrs.frozen(kw_only=True)
class TriggerWebhook(_Start, Operation[Acknowledged]):
    """Start a run and forget it: the result goes where the flow sends it, never here.

    `POST /flux/api-v2-webhook`. The help page says: the same query, body and key as a run. Vendor docs "External API endpoints" say: any body, which
    goes into the first input whole, and no key. `inputs` and `files` are the former, `body` is the latter; the key is sent.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "trigger-webhook"

    body: Mapping[str, JsonValue] | None = attrs.field(
        default=None,
        converter=mapping,
        validator=_optional(a(dict)),
        metadata={"help": "an object for the first input, in place of inputs and files"},
    )

    def __attrs_post_init__(self) -> None:
        if bool(self.inputs or self.files) == (self.body is not None):
            raise wrong(self, "inputs", "(or files) or a body must be given, and not both")

    def build_request(self, call: Call) -> HttpRequest:
        """A run's request at another path."""
        flow = flow_of(attrs.evolve(call, agent=self.agent_id))
        said = self._invocation(call)
        body: Any = request.body(said, {}) if self.body is None else self.body
        return request_to(wire_runs.WEBHOOK_PATH, call, "POST", query=request.query(said, flow.id, None), json=body)

    def read(self, response: HttpResponse) -> Acknowledged | Fault:
        """A 2xx is the acknowledgement (help page), unless its body says that it failed, or is a web page."""
        said = _undocumented(response)
        signs = wire.SIGNS_OF_AN_ACKNOWLEDGEMENT
        failed = failure(said, response.status, signs=signs) if isinstance(said, dict) else None
        if failed is not None:
            return failed
        if not response.ok:
            raise ValueError("a refusal without a message")  # the core then shows the body beside the status
        asked = response.request
        return Acknowledged(said, asked.query.get("sessionId") if asked is not None else None)


@attrs.frozen(kw_only=True)
class GetBatchStatus(Operation[BatchStatus]):
    """Ask how a batch is.

    `GET /flux/batch-process/{id}/status`; vendor docs "External API endpoints". A batch that failed has its `error` here: the question, how it is, was answered.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "get-batch-status"
    idempotent: ClassVar[bool] = True

    batch_id: str = attrs.field(validator=filled, metadata={"help": "the id that the upload of the CSV gave"})

    def build_request(self, call: Call) -> HttpRequest:
        """By its id."""
        return request_to(f"{wire_runs.BATCHES_PATH}/{quote(self.batch_id, safe='')}/status", call)

    def read(self, response: HttpResponse) -> BatchStatus | Fault:
        """The state, also where the batch failed."""
        return replies.read(response, _batch_status, wire.SIGNS_BESIDE_A_STATE)


@attrs.frozen(kw_only=True)
class GetBatchDownload(Operation[str]):
    """Let the vendor build a CSV of a batch's inputs and outputs: a link, which whoever has it can read.

    `GET /flux/batch-process/{ids}/download`; vendor docs "External API endpoints".
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "get-batch-download"
    idempotent: ClassVar[bool] = True

    batch_ids: tuple[str, ...] = attrs.field(
        converter=many, validator=each(str), metadata={"help": "the ids of one or several batches"}
    )

    def __attrs_post_init__(self) -> None:
        if not self.batch_ids or any("," in id_ for id_ in self.batch_ids):
            raise wrong(self, "batch_ids", "must be one or several ids, each a value of its own, without a comma")

    def build_request(self, call: Call) -> HttpRequest:
        """The ids, separated by commas."""
        ids = ",".join(quote(id_, safe="") for id_ in self.batch_ids)
        return request_to(f"{wire_runs.BATCHES_PATH}/{ids}/download", call)

    def read(self, response: HttpResponse) -> str | Fault:
        """The link."""
        return replies.read(response, _download)


def _execution(body: dict[str, Any]) -> Execution:
    reply, warnings = wire_runs.ExecutionStatus.parse(body)
    usage = Usage(total_tokens=reply.tokensUsed, cost=reply.totalCost, duration_ms=reply.durationMs)
    return Execution(
        id=reply.executionId,
        status=reply.status,
        agent_id=reply.flowId,
        output=reply.output,
        error=reply.errorMessage,
        usage=None if usage == Usage() else usage,
        created_at=reply.createdAt,
        started_at=reply.startedAt,
        finished_at=reply.finishedAt,
        warnings=warnings,
    )


def _batch_status(body: dict[str, Any]) -> BatchStatus:
    reply, warnings = wire_runs.BatchStatusBody.parse(wire_runs.content(body, "totalRows"))
    return BatchStatus(reply.status, reply.errorMessage, reply.lastProcessedLine, reply.totalRows, warnings)


def _download(body: dict[str, Any]) -> str:
    return wire_runs.DownloadBody.parse(wire_runs.content(body, "downloadLink"))[0].downloadLink


def _undocumented(response: HttpResponse) -> Any:
    """The JSON of a body, else its text: nothing is documented of it but the status."""
    text = response.text.strip()
    if response.content_type == "application/json" and text:
        return response.json()
    if text.startswith("<") or (response.content_type == "text/html" and "<" in text):
        raise ValueError("a web page is no acknowledgement")
    return text or None
