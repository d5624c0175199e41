"""What FluxPrompt takes and sends. Nothing here was checked against the live service.

Sources: "help page" (the customer's page on calling agents), "vendor docs" (the public documentation repository, by
page), "public client" (code in the wild, second hand, but the only samples of some bodies), "inference".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, NotRequired, TypedDict

from pydantic import Field, FiniteFloat

from agentbridge import File
from agentbridge.reading import Lenient, Reply, compare, whole, words

RUN_PATH = "/flux/api-v2"
"""Runs a flow (help page; vendor docs "External API endpoints")."""

EXECUTIONS_PATH = "/flux/executions"
"""Asks for a run again, by its `executionId` (vendor docs "Async flow execution")."""


class NamedLink(TypedDict):
    """A URL that is fetched from the vendor's side (help page)."""

    name: str
    url: str


class NamedFile(TypedDict):
    """A file; the core writes `base64` without a data URI prefix, as the sample has it (help page)."""

    name: str
    base64: File


class VariableInput(TypedDict):
    """What goes into one Data Input node (help page). "All values are strings" (public client).

    Links xor files; `isExtraction` must be true with files; `typeOCR` counts only with files.
    """

    inputId: str
    inputText: str
    links: NotRequired[list[NamedLink]]
    files: NotRequired[list[NamedFile]]
    isExtraction: NotRequired[bool]
    typeOCR: NotRequired[str]


class OutputItem(Reply):
    """One Data Output node's text in `data.message` (public client).

    Beside it stand `outputId` and `timestamp`, a local time without a zone. Several items, one a node: inference.
    """

    known: ClassVar = frozenset({"outputId", "timestamp"})

    text: str


class EnvelopeData(Reply):
    """`message` is an array of OutputItem on success, a string on error (public client; vendor docs)."""

    message: Any


STATES = ("pending", "in_progress", "completed", "error")
State = Annotated[str, words(*STATES, "success")]
"""The words of a run (vendor docs "Async flow execution"), and the envelope's own "success"."""


class Envelope(Reply):
    """The direct answer to a run (public client). `executionId` in it is undocumented, but would be welcome."""

    data: EnvelopeData
    status: Lenient[State] = None
    executionId: Lenient[str] = None


class Measured(Reply):
    """What a run used (vendor docs "Async flow execution")."""

    known: ClassVar = frozenset({"flowId", "finishedAt", "startedAt", "createdAt", "statusUrl", "error", "success"})

    tokensUsed: Lenient[int] = None
    totalCost: Lenient[FiniteFloat] = None
    durationMs: Lenient[FiniteFloat] = None


class Execution(Measured):
    """A run that is polled, always flat; or the acknowledgement of one (vendor docs "Async flow execution").

    The acknowledgement has `status` or, with `callback_url`, has none. The type of `output` is undocumented.
    """

    executionId: Annotated[str, Field(pattern=r"\w")]
    status: Lenient[State] = None
    statusUrl: Lenient[str] = None  # may name another host, so it is never followed
    createdAt: Lenient[str] = None
    startedAt: Lenient[str] = None
    output: Any = None
    errorMessage: Lenient[str] = None


class Consolidated(Measured):
    """What is posted to `callback_url` when a run ends well. Undocumented: the fields of a poll are an inference."""

    output: Any
    executionId: Lenient[str] = None
    status: Lenient[State] = None
    errorMessage: Lenient[str] = None


NODE_FIELDS = frozenset({"text", "outputId", "timestamp"})
"""The body of a node's own callback is `{"text"}` alone (vendor docs "Deliver run outputs")."""

RUN_FIELDS = frozenset({"executionId", "output", "status", "success", "data"})
"""What tells of a run, as the consolidated callback does: no node sends any of them (vendor docs, as above)."""

DELIVERY_ID = "x-fluxprompt-delivery-id"
"""The same on every retry of one callback, another on another (vendor docs "Async flow execution")."""


RUNNING = frozenset({"pending", "in_progress"})  # vendor docs "Async flow execution"
DONE = frozenset({"completed", "success"})  # the second is the envelope's word; in a flat body: inference
FAILED = "error"  # vendor docs "Async flow execution", in the envelope and in a poll

CALLBACK_REFUSALS = frozenset(
    {
        "callback_url must be a single string value",
        "callback_url is not a valid URL",
        "callback_url must use http or https protocol",
    }
)
"""The messages of a 400 before anything is queued (vendor docs "Async flow execution"). Matched whole: in the same
shape a 400 otherwise means that a node of the flow failed."""

_DEPTH = 4  # how deep a message is looked for inside another


def word(status: Any) -> str:
    """A status as a word to compare; empty for what is no word."""
    return status.strip().lower() if isinstance(status, str) else ""


def is_envelope(body: Any) -> bool:
    """Whether this is the envelope of a run that has ended."""
    data = body.get("data") if isinstance(body, dict) else None
    return isinstance(data, dict) and "message" in data and word(body.get("status")) not in RUNNING


def is_error_envelope(body: dict[str, Any]) -> bool:
    """Whether this is the envelope of a failure: `{"status": "error", "data": {"message": ...}}`."""
    return word(body.get("status")) == FAILED and isinstance(body.get("data"), dict)


def is_denied(body: dict[str, Any]) -> bool:
    """Whether its `success` is anything but true: false is documented for memory pods and callbacks (vendor docs).

    Elsewhere that is an inference, as is that other spellings of false mean the same.
    """
    said = body.get("success")
    return said is not None and str(said).strip().lower() not in {"true", "1"}


def is_crashed(body: dict[str, Any]) -> bool:
    """Whether `error` is a text, and no `status` says how the run is.

    That is the flat body of a run that threw (vendor docs); without its `executionId`: inference. No success has `error`.
    """
    return bool(word(body.get("error"))) and not word(body.get("status"))


def has_error_object(body: dict[str, Any]) -> bool:
    """Whether it has an error object, as completions do (vendor docs)."""
    return isinstance(body.get("error"), dict)


def has_error(body: dict[str, Any]) -> bool:
    """Whether `error` is filled at all, as in the flat body of a run that threw (vendor docs)."""
    return bool(body.get("error"))


def is_failed(body: dict[str, Any]) -> bool:
    """Whether its `status` is an error, be it in the envelope or in the flat body of a run (vendor docs)."""
    return word(body.get("status")) == FAILED


Sign = Callable[[dict[str, Any]], bool]
"""A sign of failure in a body, whatever its HTTP status."""

SIGNS_BESIDE_A_STATE: tuple[Sign, ...] = (is_denied, is_error_envelope, is_crashed, has_error_object)
"""Where a flat `status` is the state of what was asked about: that a run failed is the answer then."""

SIGNS: tuple[Sign, ...] = (*SIGNS_BESIDE_A_STATE, is_failed)
"""All that are documented."""

SIGNS_OF_AN_ACKNOWLEDGEMENT: tuple[Sign, ...] = (*SIGNS, has_error)
"""Where nothing else is documented of a body, and nobody would notice later that it failed."""


def inner_status(body: dict[str, Any]) -> int | None:
    """`statusCode` of the shape `{statusCode, message, error}`, which guards and pipes of NestJS write, or `code`.

    Both are inferences, as is that they may be text.
    """
    found = (whole(body.get(name)) for name in ("statusCode", "code"))
    return next((status for status in found if status is not None and 400 <= status <= 599), None)


def message_of(body: dict[str, Any]) -> str:
    """What a failure says of itself, wherever it does (vendor docs: all these shapes); empty where it says nothing.

    An error object is asked first, any other `error` last: for memory pods it is the literal word "error", in the NestJS
    shape a reason phrase.
    """
    data, error = body.get("data"), body.get("error")
    inner = data.get("message") if isinstance(data, dict) else None
    places = (error if isinstance(error, dict) else None, inner, body.get("errorMessage"), body.get("message"), error)
    return next(filter(None, map(_said, places)), "")


def _said(value: Any, depth: int = _DEPTH) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list) and depth:
        return "; ".join(filter(None, (_said(item, depth - 1) for item in value)))
    if isinstance(value, dict) and depth:
        return _said(value.get("message") or value.get("text"), depth - 1)
    return ""


_FAILURE = frozenset(
    {"statusCode", "status", "success", "message", "error", "errorMessage", "data", "executionId", "statusUrl"}
    | {
        "flowId",
        "createdAt",
        "startedAt",
        "finishedAt",
        "output",
        "text",
        "tokensUsed",
        "totalCost",
        "durationMs",
        "code",
    }
)


def compare_failure(body: dict[str, Any]) -> None:
    """Notice what stands in a failure beside the fields of all the shapes that it may have."""
    compare("Failure", body, _FAILURE)
    compare("Failure.data", body.get("data"), frozenset({"message", "pods"}))


def is_message_array(value: Any) -> bool:
    """Whether a list looks like `data.message` of the envelope."""
    return isinstance(value, list) and any(
        isinstance(item, dict) and item.keys() & {"text", "outputId"} for item in value
    )


def unwrapped(output: Any) -> Any:
    """What stands inside the wrappings that `output` of a polled run may have (its type is undocumented)."""
    while isinstance(output, dict):
        if is_envelope(output):
            output = output["data"]["message"]
        elif output.keys() == {"message"}:
            output = output["message"]
        elif "text" in output and output.keys() <= NODE_FIELDS:
            return [output]
        else:
            break
    return output


def is_empty(output: Any) -> bool:
    """Whether there is nothing in an output: None, an empty container, or a list of such."""
    if isinstance(output, list):
        return all(is_empty(item) for item in output)
    return output is None or output == {}
