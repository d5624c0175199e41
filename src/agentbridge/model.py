"""What a caller says (Invocation) and what a caller gets (Result): one model for all vendors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import attrs

from .codec import from_dict, to_dict
from .wire import File, HttpResponse, JsonValue, Link, as_dict

if TYPE_CHECKING:
    from .errors import AgentBridgeError

__all__ = [
    "SHARED", "File", "Interrupt", "Invocation", "JsonValue", "Link", "Message", "Outcome", "Pending",
    "Result", "Source", "ToolCall", "Tried", "Usage",
]  # fmt: skip

SHARED = "agentbridge:shared-session"
"""As `session_id`: use the one memory that the vendor shares among all callers. Never chosen by default."""


def _tuple(values: Iterable[Any] | None) -> tuple[Any, ...]:
    return () if values is None else tuple(values)


@attrs.frozen
class Message:
    """One turn of a conversation. `parts` holds the vendor's own content parts where it sent more than text."""

    role: Literal["user", "assistant", "system", "tool"]
    text: str
    parts: tuple[JsonValue, ...] = attrs.field(default=(), converter=_tuple)


@attrs.frozen(slots=False)
class ToolCall:
    """One use of a tool inside a run. `error` is the tool's failure, None where it succeeded or said nothing."""

    name: str
    arguments: JsonValue = None
    result: JsonValue = None
    error: str | None = None
    id: str | None = None


@attrs.frozen(slots=False)
class Source:
    """A document that the agent says it used."""

    text: str
    title: str | None = None
    url: str | None = None
    metadata: Mapping[str, JsonValue] = attrs.field(factory=dict, converter=as_dict)


@attrs.frozen(repr=False)
class Usage:
    """What a run cost, as far as the vendor reported it; None where it did not.

    `credits` and `cost` are in the vendor's own unit, `duration_ms` is in milliseconds.
    """

    credits: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    total_tokens: int | None = None
    cost: float | None = None
    duration_ms: float | None = None
    model: str | None = None

    def __repr__(self) -> str:
        from .showing import sparse_repr

        return sparse_repr(self)


@attrs.frozen
class Interrupt:
    """What a paused run waits for: a question to a human, the choices, the vendor's data, and how to resume."""

    question: str
    choices: tuple[str, ...] = attrs.field(default=(), converter=_tuple)
    data: JsonValue = None
    resume: JsonValue = None


@attrs.frozen(repr=False)
class Pending:
    """A run that answers later. It serializes, so that any process can pick it up: `bridge.wait(pending)`.

    `after` is the time to wait before the next poll, in seconds. `result` is the answer, where the vendor gave it at
    once. `step` is the provider's own: what it asks for next. `callback_id` is how a CallbackReceiver knows the run.
    `started_at` is a time in ISO 8601, the vendor's if it says one.
    """

    kind: Literal["poll", "callback"]
    id: str | None = None
    after: float = 2.0
    connection: str = ""
    agent: str = ""
    session_id: str | None = None
    started_at: str | None = None
    result: Result | None = None
    step: str | None = None
    callback_id: str | None = None
    provider: str = ""

    def __repr__(self) -> str:
        from .showing import sparse_repr

        return sparse_repr(self)

    def to_dict(self) -> dict[str, Any]:
        """This run as plain JSON values, to be picked up again by `from_dict` in any process."""
        return to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Pending:
        """Rebuild what `to_dict` wrote. Raises ValueError for anything else."""
        return from_dict(cls, data)


@attrs.frozen(kw_only=True, repr=False, slots=False)
class Invocation:
    """One call to one agent, in no vendor's words.

    `target` is `"connection:agent-id"`, or the name of a portable agent from the configuration, alone or with
    `@connection`. `messages` are the earlier turns, oldest first. `options` is keyed by provider, and is merged
    into that provider's request and no other's. `metadata` is the caller's own and is never sent.
    """

    target: str
    text: str | None = None
    messages: tuple[Message, ...] = attrs.field(default=(), converter=_tuple)
    inputs: Mapping[str, JsonValue] = attrs.field(factory=dict, converter=as_dict)
    files: tuple[File | Link, ...] = attrs.field(default=(), converter=_tuple)
    session_id: str | None = None
    user_id: str | None = None
    callback_url: str | None = None
    options: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict, converter=as_dict)
    metadata: Mapping[str, str] = attrs.field(factory=dict, converter=as_dict)

    def __repr__(self) -> str:
        from .showing import sparse_repr

        return sparse_repr(self)

    def to_dict(self) -> dict[str, Any]:
        """This invocation as plain JSON values with a schema version."""
        return to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Invocation:
        """Rebuild what `to_dict` wrote. Raises ValueError for anything else."""
        return from_dict(cls, data)


@attrs.frozen
class Tried:
    """A vendor that a call was tried at before, and why it went on to the next: the class and the line of its error.

    `status` is the HTTP status, None where no answer arrived. `attempts` counts how often the run was started there.
    """

    connection: str
    agent: str
    error: str
    message: str
    status: int | None = None
    attempts: int = 0


@attrs.frozen(kw_only=True, repr=False, slots=False)
class Result:
    """The answer of an agent.

    `text` is for a reader, `output` is the vendor's own final value. `id` is the vendor's id of the run. Pass
    `session_id` on to continue the conversation. `response` is the evidence: the very answer this was read from.
    A provider gives `text`, `output` and what else its vendor said; the core fills in the rest. `attempts` counts
    how often the run was started, `elapsed` is in seconds. `tried` names the vendors before this one that could not;
    their attempts and their time are counted in.
    """

    text: str
    output: JsonValue
    provider: str = ""
    connection: str = ""
    agent: str = ""
    id: str | None = None
    session_id: str | None = None
    messages: tuple[Message, ...] = attrs.field(default=(), converter=_tuple)
    tool_calls: tuple[ToolCall, ...] = attrs.field(default=(), converter=_tuple)
    sources: tuple[Source, ...] = attrs.field(default=(), converter=_tuple)
    usage: Usage | None = None
    status: Literal["completed", "waiting_for_input"] = "completed"
    interrupt: Interrupt | None = None
    dropped: tuple[str, ...] = attrs.field(default=(), converter=_tuple)
    warnings: tuple[str, ...] = attrs.field(default=(), converter=_tuple)
    synthetic: bool = False
    response: HttpResponse = attrs.field(default=HttpResponse(0), repr=False)
    attempts: int = 0
    elapsed: float = 0.0
    tried: tuple[Tried, ...] = attrs.field(default=(), converter=_tuple)

    def __repr__(self) -> str:
        from .showing import sparse_repr

        return sparse_repr(self)

    def _repr_markdown_(self) -> str:
        """For notebooks: the answer, and who gave it."""
        from .showing import result_as_markdown

        return result_as_markdown(self)

    @property
    def raw(self) -> Any:
        """The vendor's whole answer as JSON, decoded on demand. Raises ValueError where it is not JSON."""
        return self.response.json()

    def to_dict(self) -> dict[str, Any]:
        """This result as plain JSON values with a schema version."""
        return to_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Result:
        """Rebuild what `to_dict` wrote. Raises ValueError for anything else."""
        return from_dict(cls, data)


@attrs.frozen(slots=False)
class Outcome:
    """What became of one invocation of many: a result or an error, never both."""

    index: int
    invocation: Invocation
    result: Result | None = None
    error: AgentBridgeError | None = None
