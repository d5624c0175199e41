"""The four settings that a Bridge, a connection and a call may each give, and what else a call may say by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict

import attrs

from ..connection import Connection, check_choice
from ..errors import ConfigurationError
from ..model import Invocation, Message
from ..naming import did_you_mean
from ..retry import RetryPolicy, Timeouts
from ..wire import File, Link, evolved


@attrs.frozen(kw_only=True, cache_hash=True, slots=False)
class Settings:
    """The four settings that a Bridge, a connection and a call may each give; None leaves it to the next."""

    retry: RetryPolicy | None = None
    timeouts: Timeouts | None = None
    on_unsupported: Literal["raise", "drop"] | None = None
    tool_errors: Literal["raise", "report"] | None = None

    def over(self, other: Settings | Connection) -> Settings:
        """These settings, and the other's where these say nothing."""
        return Settings(
            retry=other.retry if self.retry is None else self.retry,
            timeouts=other.timeouts if self.timeouts is None else self.timeouts,
            on_unsupported=other.on_unsupported if self.on_unsupported is None else self.on_unsupported,
            tool_errors=other.tool_errors if self.tool_errors is None else self.tool_errors,
        )

    def check(self, label: str) -> Settings:
        """Itself. Raises ConfigurationError for a value that there is not."""
        check_choice("on_unsupported", self.on_unsupported, ("raise", "drop"), label)
        check_choice("tool_errors", self.tool_errors, ("raise", "report"), label)
        for name, kind in (("retry", RetryPolicy), ("timeouts", Timeouts)):
            value = getattr(self, name)
            if value is not None and not isinstance(value, kind):
                raise ConfigurationError(f"{label}: {name} takes a {kind.__name__}, not {value!r}")
        return self


class WaitFields(TypedDict, total=False):
    """What may be said by name when a run is asked for again: the four settings, for this call alone."""

    retry: RetryPolicy | None
    timeouts: Timeouts | None
    on_unsupported: Literal["raise", "drop"] | None
    tool_errors: Literal["raise", "report"] | None


class CallFields(WaitFields, total=False):
    """What a call may say by name: fields of the Invocation, the four settings, and whether it may fall back."""

    text: str | None
    messages: Iterable[Message]
    inputs: Mapping[str, Any]
    files: Iterable[File | Link]
    session_id: str | None
    user_id: str | None
    callback_url: str | None
    options: Mapping[str, Mapping[str, Any]]
    metadata: Mapping[str, str]
    fallback: bool


SETTINGS = tuple(field.name for field in attrs.fields(Settings))
SILENT = Settings()
"""Of a call that says nothing of its own."""

_SAYS_NOTHING = Invocation(target="")
_FIELDS = frozenset(field.name for field in attrs.fields(Invocation))
_KNOWN = (_FIELDS | {*SETTINGS, "fallback"}) - {"target"}


def described(
    target: str | Invocation, text: str | None, fields: Mapping[str, Any]
) -> tuple[Invocation, Settings, bool]:
    """The invocation and the settings that the arguments of one call amount to, and whether it may fall back.

    Raises:
        ConfigurationError: an argument is wrong.
    """
    if not fields and isinstance(target, str):
        return _asking(target, text), SILENT, True
    settings, said, fallback = _parted(fields) if fields else (SILENT, dict[str, Any](), True)
    if text is not None:
        said["text"] = text
    try:
        if not isinstance(target, Invocation):
            return Invocation(target=target, **said), settings, fallback
        return attrs.evolve(target, **said) if said else target, settings, fallback
    except (TypeError, ValueError) as error:
        raise _wrongly_typed(said, error) from None


def _asking(target: str, text: str | None) -> Invocation:
    """What most calls say, for a third of what the constructor takes, with its converters and defaults."""
    return evolved(_SAYS_NOTHING, target=target, text=text, inputs={}, options={}, metadata={})


def _parted(fields: Mapping[str, Any]) -> tuple[Settings, dict[str, Any], bool]:
    """What is said by name: the settings, the fields of the Invocation, and whether the call may fall back."""
    for name in fields:
        if name not in _KNOWN:
            raise ConfigurationError(f"a call has no field {name!r}.{did_you_mean(name, sorted(_KNOWN))}")
    own = {name: fields[name] for name in SETTINGS if name in fields}
    said = {name: value for name, value in fields.items() if name not in SETTINGS}
    fallback = said.pop("fallback", True)
    if not isinstance(fallback, bool):
        raise ConfigurationError(f"this call: fallback takes True or False, not {fallback!r}")
    return Settings(**own).check("this call") if own else SILENT, said, fallback


def _wrongly_typed(said: Mapping[str, Any], error: Exception) -> ConfigurationError:
    """What no Invocation could be made of, by the name of its field."""
    kinds = {"a mapping": (Mapping, "inputs options metadata"), "a list": (Iterable, "messages files")}
    for kind, (needed, names) in kinds.items():
        for name in names.split():
            if name in said and not isinstance(said[name], needed):
                return ConfigurationError(f"Invocation.{name} takes {kind}, not {type(said[name]).__name__}")
    return ConfigurationError(f"a field of this call has the wrong type: {error}")
