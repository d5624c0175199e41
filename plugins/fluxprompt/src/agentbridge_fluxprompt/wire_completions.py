"""The OpenAI-compatible endpoints on the wire. Source: vendor docs "Completions API", by page."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field

from agentbridge.reading import Lenient, Reply, words

COMPLETIONS_PATH = "/v1/chat/completions"
MODELS_PATH = "/v1/models"

COMPLETION = {
    "model": "model",
    "max_tokens": "max_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "stop": "stop",
    "deprecated_model_behavior": "deprecated_model_behavior",
}
"""Body of a completion beside its `messages`: our name and the vendor's ("Chat completions")."""

MESSAGE = {"role": "role", "text": "content"}
ROLES = ("system", "user", "assistant")  # "Chat completions"
OWN = frozenset({*COMPLETION.values(), "messages", "stream"})
"""What is not left to the model's provider."""

STATUS_OF_CODE = {
    "unauthorized": 401,
    "model_not_found": 400,
    "model_deprecated": 400,
    "unsupported_provider": 400,
    "passthrough_too_large": 400,
    "payload_too_large": 400,
    "model_not_enabled": 403,
    "insufficient_quota": 402,
    "timeout": 504,
}
"""The status that each `error.code` comes with ("Chat completions"), for a failure in an HTTP 200."""


class ModelBody(Reply):
    """A model ("List models")."""

    known: ClassVar = frozenset({"object"})

    id: str
    provider: Lenient[str] = None
    owned_by: Lenient[str] = None
    created: Lenient[int] = None
    supports_reasoning: Lenient[bool] = None
    context_window: Lenient[int] = None
    max_output_tokens: Lenient[int] = None


class ModelsReply(Reply):
    """The list ("List models")."""

    known: ClassVar = frozenset({"object"})

    data: list[ModelBody]


class ChoiceMessage(Reply):
    """What the model said; `reasoning_content` where it produced one ("Chat completions")."""

    known: ClassVar = frozenset({"role", "tool_calls", "refusal"})  # OpenAI's

    content: str | None = None  # null beside tool calls, or where all was thought
    reasoning_content: Lenient[str] = None


class Choice(Reply):
    """One of the generated completions ("Chat completions")."""

    known: ClassVar = frozenset({"index", "logprobs"})  # OpenAI's

    message: ChoiceMessage
    finish_reason: Lenient[Annotated[str, words("stop", "length", "tool_calls", "content_filter")]] = None


class UsageBody(Reply):
    """Token counts ("Chat completions")."""

    known: ClassVar = frozenset({"prompt_tokens_details", "completion_tokens_details"})  # OpenAI's

    prompt_tokens: Lenient[int] = None
    completion_tokens: Lenient[int] = None
    total_tokens: Lenient[int] = None


class CompletionReply(Reply):
    """A `chat.completion` ("Chat completions"). The first choice, with its message, is the proof."""

    known: ClassVar = frozenset({"object", "created", "system_fingerprint"})  # the last one is OpenAI's

    choices: Annotated[list[Lenient[Choice]], Field(min_length=1)]
    id: Lenient[str] = None
    model: Lenient[str] = None
    provider: Lenient[str] = None
    usage: Lenient[UsageBody] = None


class ErrorBody(Reply):
    """`error` of a failure: `{message, type, code}` ("Chat completions")."""

    known: ClassVar = frozenset({"message", "type", "param"})  # the last one is OpenAI's

    code: Lenient[Annotated[str, words(*STATUS_OF_CODE)]] = None


class ErrorReply(Reply):
    """A failure ("Chat completions")."""

    error: ErrorBody


def error_code(body: Any) -> str | None:
    """The `error.code` of a failure, None where it has none."""
    error = body.get("error") if isinstance(body, dict) else None
    return ErrorReply.parse(body)[0].error.code if isinstance(error, dict) else None
