"""Bad input is refused before anything is sent, by the name of the field and with the remedy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import attrs

from ..body import check_file
from ..errors import ConfigurationError, UnknownTargetError, UnsupportedFeatureError
from ..model import SHARED, Invocation, Message
from ..provider import Provider
from ..wire import File, Link

DROPPABLE = frozenset({"session_id", "user_id", "callback_url"})

_WHY = {
    "messages": "it takes no earlier turns. Send the text alone, or continue a conversation by session_id",
    "inputs": "it has no named inputs. Say it in the text, or use a binding with a 'template'",
    "files": "it takes no files",
    "session_id": "it has no sessions",
    "user_id": "it has no user ids",
    "callback_url": "it has no callbacks",
}
_ROLES = ("user", "assistant", "system", "tool")
_HALF = re.compile("[\ud800-\udfff]")
_TEXTS = ("target", "text", "session_id", "user_id", "callback_url")


def check_types(invocation: Invocation) -> None:
    """Raise ConfigurationError for a field of the wrong type, which a vendor would answer in its own odd way."""
    for field in _TEXTS:
        if (value := getattr(invocation, field)) is not None:
            _check_text(field, value)
    for message in invocation.messages:
        _check_message(message)
    for name in (*invocation.inputs, *invocation.options, *invocation.metadata):
        if not isinstance(name, str):
            raise _wrong("inputs, options or metadata", "str keys", name)
    for name, options in invocation.options.items():
        if not isinstance(options, Mapping):
            raise _wrong(f"options[{name!r}]", "a mapping, as in options={'flowise': {...}}", options)
    for file in invocation.files:
        _check_attachment(file)


def _check_message(message: Any) -> None:
    if not isinstance(message, Message):
        raise _wrong("messages", "agentbridge.Message values", message)
    if message.role not in _ROLES:
        raise ConfigurationError(f"Message.role is {' or '.join(map(repr, _ROLES))}, not {message.role!r}")
    if not isinstance(message.text, str):
        raise _wrong("messages", "a str as Message.text", message.text)


def _check_text(field: str, value: object) -> None:
    if not isinstance(value, str):
        raise _wrong(field, "a str or None", value)
    if not value and field in DROPPABLE:
        raise ConfigurationError(f"Invocation.{field} is empty; leave it out instead")
    if not value.isascii() and _HALF.search(value):
        raise ConfigurationError(f"Invocation.{field} has half of a surrogate pair, which is no text: {value!r}")


def carried(invocation: Invocation, provider: Provider, on_unsupported: str) -> tuple[Invocation, tuple[str, ...]]:
    """The invocation without what may be and was dropped, and the names of that.

    Raises:
        UnsupportedFeatureError: for any other field that is set and that the provider cannot carry.
    """
    refused = [field for field in _beyond(frozenset(provider.accepts)) if _is_set(invocation, field)]
    if not refused:
        return invocation, ()
    dropped = tuple(field for field in refused if field in DROPPABLE and on_unsupported == "drop")
    for field in refused:
        if field not in dropped:
            raise UnsupportedFeatureError(field, _why(field, provider), provider=provider.name)
    nothing: dict[str, Any] = dict.fromkeys(dropped)
    return attrs.evolve(invocation, **nothing) if dropped else invocation, dropped


@lru_cache(maxsize=64)
def _beyond(accepts: frozenset[str]) -> tuple[str, ...]:
    """The fields that a provider does not take."""
    return tuple(field for field in ("text", *_WHY) if field not in accepts)


def check_session(invocation: Invocation, provider: Provider) -> None:
    """Raise UnsupportedFeatureError for the shared session where the vendor has none."""
    if invocation.session_id == SHARED and not provider.shares_default_session:
        raise UnsupportedFeatureError(
            "session_id", "SHARED asks for one memory of all callers, which it does not have", provider=provider.name
        )


def check_said(invocation: Invocation, provider: Provider) -> None:
    """A vendor that takes a message is not asked nothing; one of named inputs may have an agent that needs none."""
    said = (invocation.messages, invocation.inputs, invocation.files, invocation.options.get(provider.name))
    if "text" in provider.accepts and invocation.text is None and not any(said):
        raise ConfigurationError("this call says nothing: give it a text, inputs, messages or files")


def check_agent(agent_id: str, name: str, base_url: str | None) -> None:
    """Raise UnknownTargetError for a target without an agent. A copied endpoint URL may name the agent in its query; otherwise the target must."""
    if not agent_id.strip() and "?" not in (base_url or ""):
        raise UnknownTargetError(f"target '{name}:' names no agent; write '{name}:agent-id'")
    if agent_id.strip() in {".", ".."}:  # would be another path of the vendor's
        raise UnknownTargetError(f"target '{name}:{agent_id}' names no agent: {agent_id!r} is no id")


def check_operation_files(operation: object) -> None:
    """Raise ConfigurationError for a file among an operation's fields that cannot be sent."""
    kind = type(operation)
    for value in (getattr(operation, field.name, None) for field in (attrs.fields(kind) if attrs.has(kind) else ())):
        for one in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(one, File):
                check_file(one)


def check_answers_later(invocation: Invocation, provider: Provider) -> None:
    """A vendor that answers at once is not made to look as if it did not."""
    if type(provider).build_poll is not Provider.build_poll or invocation.callback_url is not None:
        return
    why = "it answers at once. Use invoke"
    if "callback_url" in provider.accepts:
        why = "it answers at once, unless it is told where to. Give callbacks= or callback_url=, or use invoke"
    raise UnsupportedFeatureError("submit", why, provider=provider.name)


def _is_set(invocation: Invocation, field: str) -> bool:
    value = getattr(invocation, field)
    return value is not None if field in DROPPABLE or field == "text" else bool(value)


def _why(field: str, provider: Provider) -> str:
    if field == "text":
        return (
            "it takes named inputs only. Say which one takes the text: in agentbridge.toml,"
            f' [agents.NAME.on.{provider.name}] with text = "<name of the input>"; or pass inputs={{...}} instead'
        )
    remedy = '. Leave it out, or pass on_unsupported="drop"' if field in DROPPABLE else ""
    return _WHY[field] + remedy


def _check_attachment(file: Any) -> None:
    if isinstance(file, File):
        check_file(file)
    elif not isinstance(file, Link):
        raise _wrong("files", "agentbridge.File or agentbridge.Link values", file)
    elif not isinstance(file.url, str) or not file.url.startswith(("http://", "https://")):
        raise ConfigurationError(f"Link {file.url!r} must begin with http:// or https://, since the vendor fetches it")


def _wrong(field: str, expected: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"Invocation.{field} takes {expected}, not {type(value).__name__}")
