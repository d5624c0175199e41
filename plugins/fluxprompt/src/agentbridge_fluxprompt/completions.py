"""Models by themselves, without a flow: OpenAI-compatible. Source: vendor docs "Completions API"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import attrs

from agentbridge import (
    Call,
    Fault,
    HttpRequest,
    HttpResponse,
    JsonValue,
    Message,
    Operation,
    Usage,
    fault_from_status,
)
from agentbridge.provider import filled, filled_or_none

from . import replies, wire_completions as wire
from .checks import a, each, many, mapping, wrong
from .endpoint import request_to, said

T = TypeVar("T")
_optional = attrs.validators.optional


@attrs.frozen
class ChatModel:
    """A model that the key may use. `created` is in seconds since the epoch."""

    id: str
    model_provider: str | None = None
    supports_reasoning: bool | None = None
    context_window: int | None = None
    max_output_tokens: int | None = None
    created: int | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class ChatCompletion:
    """What a model said. `model` is the one that ran; `output` holds all choices as they came."""

    text: str
    output: JsonValue
    id: str | None = None
    model: str | None = None
    model_provider: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ListModels(Operation[tuple[ChatModel, ...]]):
    """List the models that the key may use.

    `GET /v1/models`; vendor docs "List models".
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "list-models"
    idempotent: ClassVar[bool] = True

    def build_request(self, call: Call) -> HttpRequest:
        """Nothing can be asked for."""
        return request_to(wire.MODELS_PATH, call)

    def read(self, response: HttpResponse) -> tuple[ChatModel, ...] | Fault:
        """The models."""
        return _read(response, _models)


@attrs.frozen(kw_only=True)
class CreateChatCompletion(Operation[ChatCompletion]):
    """Let a model answer, without a flow.

    `POST /v1/chat/completions`, whole, not streamed; vendor docs "Chat completions". The vendor gives up after about 120 s with a 504.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "create-chat-completion"

    model: str = attrs.field(validator=filled, metadata={"help": "the model's id, as ListModels gives it"})
    messages: tuple[Message, ...] = attrs.field(
        converter=many, validator=each(Message), metadata={"help": "the conversation, the question last"}
    )
    max_tokens: int | None = attrs.field(
        default=None, validator=_optional(a(int)), metadata={"help": "the longest answer; else the model's own"}
    )
    temperature: float | None = attrs.field(
        default=None, validator=_optional(a(int, float)), metadata={"help": "ignored where it is not known"}
    )
    top_p: float | None = attrs.field(
        default=None, validator=_optional(a(int, float)), metadata={"help": "ignored where it is not known"}
    )
    stop: tuple[str, ...] | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(many),
        validator=_optional(each(str)),
        metadata={"help": "texts that end the answer"},
    )
    deprecated_model_behavior: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "error (the vendor's default) or substitute"}
    )
    parameters: Mapping[str, JsonValue] = attrs.field(
        factory=dict,
        converter=mapping,
        validator=a(dict),
        metadata={"help": "what the model's provider takes beside these, by its names, such as reasoning_effort"},
    )

    def __attrs_post_init__(self) -> None:
        if not self.messages:
            raise wrong(self, "messages", "says nothing; give at least one message")
        for message in self.messages:
            if message.role not in wire.ROLES:
                raise wrong(
                    self, "messages", f"has the role {message.role!r}; the vendor takes {', '.join(wire.ROLES)}"
                )
            if message.parts:
                raise wrong(self, "messages", "has a message with parts, and the vendor takes plain text")
        for name in self.parameters:
            if name in wire.OWN:
                raise wrong(self, "parameters", f"has {name!r}, which is a field of its own or cannot be set")

    def build_request(self, call: Call) -> HttpRequest:
        """OpenAI's shape."""
        messages = [said(message, wire.MESSAGE) for message in self.messages]
        body = {**self.parameters, **said(self, wire.COMPLETION), "messages": messages}
        return request_to(wire.COMPLETIONS_PATH, call, "POST", json=body)

    def read(self, response: HttpResponse) -> ChatCompletion | Fault:
        """The first choice, and all of them in `output`."""
        return _read(response, _completion)


def _read(response: HttpResponse, parse: Callable[[dict[str, Any]], T]) -> T | Fault:
    """A failure with the vendor's own code; in an HTTP 200 it is of the status that the code comes with."""
    value = replies.read(response, parse)
    if not isinstance(value, Fault):
        return value
    code = wire.error_code(response.json())
    status = wire.STATUS_OF_CODE.get(code or "")
    if response.ok and status is not None:
        return fault_from_status(status, value.message, code=code)
    return attrs.evolve(value, code=code or value.code)


def _models(body: dict[str, Any]) -> tuple[ChatModel, ...]:
    reply, warnings = wire.ModelsReply.parse(body)
    return tuple(
        ChatModel(
            id=model.id,
            model_provider=model.provider or model.owned_by,
            supports_reasoning=model.supports_reasoning,
            context_window=model.context_window,
            max_output_tokens=model.max_output_tokens,
            created=model.created,
            warnings=warnings,
        )
        for model in reply.data
    )


def _completion(body: dict[str, Any]) -> ChatCompletion:
    reply, warnings = wire.CompletionReply.parse(body)
    first = reply.choices[0]
    if first is None:
        raise ValueError("the first choice has no message")
    text = first.message.content or ""
    return ChatCompletion(
        text=text,
        output=body["choices"],
        id=reply.id,
        model=reply.model,
        model_provider=reply.provider,
        reasoning=first.message.reasoning_content,
        finish_reason=first.finish_reason,
        usage=_usage(reply.usage),
        warnings=warnings if text.strip() else (*warnings, "empty answer"),
    )


def _usage(body: wire.UsageBody | None) -> Usage | None:
    if body is None:
        return None
    return Usage(input_tokens=body.prompt_tokens, output_tokens=body.completion_tokens, total_tokens=body.total_tokens)
