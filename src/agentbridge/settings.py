"""The four settings that a Bridge, a connection and a call may each give, and what else a call may say by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypedDict

import attrs

from .connection import Connection, check_choice
from .errors import ConfigurationError
from .model import Message
from .retry import RetryPolicy, Timeouts
from .wire import File, Link


@attrs.frozen(kw_only=True)
class Settings:
    """The four settings that a Bridge, a connection and a call may each give; None leaves it to the next."""

    retry: RetryPolicy | None = None
    timeouts: Timeouts | None = None
    on_unsupported: Literal["raise", "drop"] | None = None
    tool_errors: Literal["raise", "report"] | None = None

    def over(self, other: Settings | Connection) -> Settings:
        """These settings, and the other's where these say nothing."""
        mine = {name: getattr(self, name) for name in SETTINGS}
        return Settings(**{name: getattr(other, name) if value is None else value for name, value in mine.items()})

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
    """What a call may say by name: fields of the Invocation, and the four settings for this call alone."""

    text: str | None
    messages: Iterable[Message]
    inputs: Mapping[str, Any]
    files: Iterable[File | Link]
    session_id: str | None
    user_id: str | None
    callback_url: str | None
    options: Mapping[str, Mapping[str, Any]]
    metadata: Mapping[str, str]


SETTINGS = tuple(field.name for field in attrs.fields(Settings))
