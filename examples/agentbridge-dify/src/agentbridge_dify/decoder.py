"""Reads Dify's streams, of all kinds of app.

Source: https://docs.dify.ai/en/api-reference/guides/streaming, and the event tables of Send Chat Message and Run
Workflow (openapi_service.json /chat-messages, openapi_workflow.json /workflows/run). What ends a stream well:

- chat apps without a workflow: `message_end`;
- chatflows: `message_end`, then `workflow_finished`, or a pause; a failure is `workflow_finished`, then `error`;
- workflow apps: `workflow_finished`, or `workflow_paused`.

`ping` is `event: ping` without data, which is no event by the SSE standard; with data it is skipped.
"""

from typing import Any

from attrs import evolve

from agentbridge import (
    Event,
    Fault,
    FaultKind,
    Message,
    Pending,
    ReasoningDelta,
    Result,
    SourcesFound,
    StepChanged,
    StreamDecoder,
    TextDelta,
    VendorEvent,
)
from agentbridge.reading import decode_json
from agentbridge.sse import SSEParser
from agentbridge_dify.faults import event_fault
from agentbridge_dify.results import (
    RUN_STEP,
    STATUSES,
    SUCCEEDED,
    finished,
    pause,
    run_result,
    run_usage,
    sources_of,
    usage_of,
)
from agentbridge_dify.thoughts import Thoughts
from agentbridge_dify.wire import Chunk, Metadata, RunData

_IDS = ("task_id", "message_id", "conversation_id", "workflow_run_id")


class DifyDecoder(StreamDecoder):
    """One stream. It keeps what was said, and judges it at the end."""

    def __init__(self, user: str | None = None) -> None:
        """`user` is the one of the request, which a paused run needs for its resumption."""
        self._user = user
        self._parser = SSEParser()
        self._ids: dict[str, str] = {}
        self._text: list[str] = []
        self._closing: list[str] = []
        self._agent_mode = False
        self._thoughts = Thoughts()
        self._files: list[dict[str, Any]] = []
        self._metadata: Metadata | None = None
        self._ended = False  # message_end came
        self._run: RunData | None = None  # workflow_finished or workflow_paused came
        self._form: dict[str, Any] | None = None
        self._fault: Fault | None = None
        self._warnings: list[str] = []
        self._begun = False
        self._ids_told = False
        self._done = False

    @property
    def done(self) -> bool:
        """Whether the vendor has said the last word. What trails (speech) is not waited for."""
        return self._done

    @property
    def lost_run(self) -> Pending | None:
        """The run that a stream was of, where it broke off and was of a workflow, whose runs can be asked for."""
        end = self.finish()
        if not isinstance(end, Fault) or end.kind is not FaultKind.INTERRUPTED or "workflow_run_id" not in self._ids:
            return None
        run_id, session_id = self._ids["workflow_run_id"], self._ids.get("conversation_id")
        return Pending("poll", run_id, session_id=session_id, step=RUN_STEP)

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete."""
        events: list[Event] = []
        try:
            for sent in self._parser.feed(data):
                events += [] if self._done else self._take(decode_json(sent.data))
        except ValueError as error:
            # Not raised: what came before in the same piece is told, so that any chunking tells the same.
            self._fault, self._done = Fault(FaultKind.INTERRUPTED, f"Dify sent what is no event: {error}"), True
        return events

    def finish(self) -> Result | Fault:
        """The Result, or why there is none."""
        partial = self._result()
        if self._fault is not None:
            return evolve(self._fault, partial=partial)
        if self._run is not None and self._run.status == "paused":
            form = self._form or (self._run.reasons or [{}])[0]
            return pause(partial, form, self._ids.get("workflow_run_id"), self._user)
        if self._run is not None:
            return self._run_end(self._run, partial)
        if self._ended and "workflow_run_id" not in self._ids:
            return partial
        return Fault(FaultKind.INTERRUPTED, "Dify's stream ended before its last event", partial=partial)

    def _run_end(self, run: RunData, partial: Result) -> Result | Fault:
        if run.status in SUCCEEDED and "conversation_id" in self._ids and not self._ended:
            return Fault(FaultKind.INTERRUPTED, "the run finished without message_end", partial=partial)
        return finished(run, partial)

    def _result(self) -> Result:
        """What has arrived, as a Result."""
        warnings = tuple(dict.fromkeys(self._warnings))
        if "conversation_id" not in self._ids and "workflow_run_id" in self._ids:
            return self._workflow_result(warnings)
        text = "".join(self._closing or self._text)
        return Result(
            text=text,
            output=text,
            id=self._ids.get("message_id"),
            session_id=self._ids.get("conversation_id"),
            messages=(Message("assistant", text, parts=self._files),) if self._files else (),
            tool_calls=self._thoughts.calls(),
            sources=sources_of(self._metadata),
            usage=self._chat_usage(),
            warnings=warnings,
        )

    def _chat_usage(self) -> Any:
        usage = usage_of(self._metadata)
        return run_usage(self._run) if usage is None and self._run is not None else usage

    def _workflow_result(self, warnings: tuple[str, ...]) -> Result:
        run, run_id = self._run, self._ids["workflow_run_id"]
        if run is not None and run.outputs:
            return run_result(run, run_id, warnings)
        text = "".join(self._text)
        return Result(text=text, output={}, id=run_id, usage=run_usage(run) if run else None, warnings=warnings)

    def _take(self, body: Any) -> list[Event]:
        chunk, warnings = Chunk.parse(body)
        if chunk.event == "ping":
            return []
        self._warnings += warnings
        handler = getattr(self, f"_on_{chunk.event}", self._other)
        return [*self._begin(chunk), *handler(chunk, body)]

    def _begin(self, chunk: Chunk) -> list[Event]:
        """The ids, which every event repeats; an `error` that comes first is no beginning."""
        self._ids.update({name: value for name in _IDS if (value := getattr(chunk, name))})
        if chunk.event == "error":
            return []
        self._begun = True
        if self._ids_told or "task_id" not in self._ids:
            return []
        self._ids_told = True
        # `Started` is the core's, and knows none of these. The task's id is what StopChat and StopWorkflow take.
        return [VendorEvent("ids", dict(self._ids))]

    def _other(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        return [VendorEvent(chunk.event, body)]

    def _on_message(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        if self._agent_mode:
            # New Agent apps: "The turn closes with a single `message` event carrying the complete answer"
            # (guides/agent.mdx). Elsewhere the reply is either `message` or `agent_message` events, never both.
            self._closing.append(chunk.answer or "")
            return []
        return self._say(chunk.answer)

    def _on_agent_message(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        self._agent_mode = True
        return self._say(chunk.answer)

    def _say(self, text: str | None) -> list[Event]:
        if not text:
            return []
        self._text.append(text)
        return [TextDelta(text)]

    def _on_agent_thought(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        return self._thoughts.take(chunk)

    def _on_message_replace(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        """Moderation "replaces the answer so far": the final text differs from the pieces then."""
        self._text, self._closing = [chunk.answer or ""], []
        return self._other(chunk, body)

    def _on_text_replace(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        self._text = [_string(chunk, "text")]
        return self._other(chunk, body)

    def _on_text_chunk(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        return self._say(_string(chunk, "text"))

    def _on_reasoning_chunk(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        text = _string(chunk, "reasoning")
        return [ReasoningDelta(text)] if text else []

    def _on_message_file(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        self._files.append({name: body[name] for name in ("id", "type", "belongs_to", "url") if name in body})
        return self._other(chunk, body)

    def _on_node_started(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        return self._node(chunk, body)

    def _on_node_finished(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        return self._node(chunk, body)

    def _node(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        """A node began or ended. "`running` for in-progress": StreamEventNodeFinished.status."""
        name = _string(chunk, "title") or _string(chunk, "node_id")
        return [StepChanged(name, _string(chunk, "status") or "running"), self._other(chunk, body)[0]]

    def _on_message_end(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        self._ended = True
        self._metadata = chunk.metadata
        self._done = "workflow_run_id" not in self._ids
        sources = sources_of(chunk.metadata)
        return [SourcesFound(sources)] if sources else []

    def _on_workflow_finished(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        run, warnings = RunData.parse(chunk.data)
        if run.status not in STATUSES:
            raise ValueError(f"unknown status of a run: {run.status!r}")
        self._run = run
        self._warnings += warnings
        # A chatflow's failure is explained by the `error` event that follows.
        self._done = "conversation_id" not in self._ids or self._run.status != "failed"
        return self._other(chunk, body)

    def _on_workflow_paused(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        # `status` is not in every example of this event; its name says it all.
        self._run, warnings = RunData.parse({**(chunk.data or {}), "status": "paused"})
        self._warnings += warnings
        self._done = True
        return self._other(chunk, body)

    def _on_human_input_required(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        if self._form is None:
            self._form = chunk.data
        return self._other(chunk, body)

    def _on_error(self, chunk: Chunk, body: dict[str, Any]) -> list[Event]:
        failed = self._run is not None and self._run.status == "failed"
        self._fault = event_fault(body, started=self._begun, run_failed=failed)
        self._done = True
        return []


def _string(chunk: Chunk, name: str) -> str:
    value = (chunk.data or {}).get(name)
    return value if isinstance(value, str) else ""
