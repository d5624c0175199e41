"""One account at a provider, and the checks that its values can be sent and tell no secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import attrs

from .commands import MAX_ANSWER
from .errors import ConfigurationError
from .naming import tells_names
from .pacing import Limits
from .redaction import is_secret_name
from .retry import RetryPolicy, Timeouts
from .rules import FaultRule
from .wire import as_dict

if TYPE_CHECKING:
    from .keys import KeySource


def _rules(rules: Iterable[FaultRule]) -> tuple[FaultRule, ...]:
    return tuple(rules)


@tells_names
@attrs.frozen(repr=False, slots=False)
class Connection:
    """One account at a provider.

    `base_url` None takes the provider's default, `api_key` None sends no key. `headers` are sent with every
    request, `options` merged into each. `verify` is False, or the path of a CA bundle. `retry` to `tool_errors` override
    the Bridge's and yield to the call's. `faults` are rules for errors that no document tells of. `key_source` says the
    key when it is first needed, in place of `api_key`. `max_answer` is the most that is read of an answer, in bytes,
    decompressed. `limits` bound what all calls of one bridge send to it.
    """

    provider: str
    base_url: str | None = None
    api_key: str | None = attrs.field(default=None, repr=False)
    headers: Mapping[str, str] = attrs.field(factory=dict, converter=as_dict, repr=False)
    options: Mapping[str, Any] = attrs.field(factory=dict, converter=as_dict)
    proxy: str | None = attrs.field(default=None, repr=False)
    verify: bool | str = True
    retry: RetryPolicy | None = None
    timeouts: Timeouts | None = None
    on_unsupported: Literal["raise", "drop"] | None = None
    tool_errors: Literal["raise", "report"] | None = None
    faults: tuple[FaultRule, ...] = attrs.field(default=(), converter=_rules)
    key_source: KeySource | None = None
    max_answer: int = MAX_ANSWER
    limits: Limits | None = None

    @property
    def secrets(self) -> frozenset[str]:
        """What must not be shown: the key, as far as it was read, the proxy, and the values of secret headers."""
        known = [value for name, value in self.headers.items() if is_secret_name(name)]
        return frozenset(secret for secret in (self.api_key, self.proxy, *known) if secret)

    def __repr__(self) -> str:
        from .showing import sparse_repr

        return sparse_repr(self)


@lru_cache(maxsize=256)
def variable(name: str, what: str) -> str:
    """The environment variable of a connection: `flowise-eu` and `API_KEY` give `FLOWISE_EU_API_KEY`."""
    return re.sub(r"[^A-Za-z0-9]", "_", name).upper() + "_" + what


def checked(connection: Connection, name: str, where: str, base_url: str = "base_url") -> Connection:
    """The connection itself, if its key and headers can be sent and its URLs hold no secret.

    `base_url` is what the place is called that its base URL comes from.

    Raises:
        ConfigurationError: names the connection and the remedy, never the value.
    """
    label = f"{where}: connection {name!r}"
    _check_types(connection, label)
    if connection.api_key is not None:
        if connection.key_source is not None:
            raise ConfigurationError(f"{label} has both 'api_key' and 'key_source'; keep one")
        check_sendable(connection.api_key, f"{label}: its api_key", f"set ${variable(name, 'API_KEY')} anew")
    for header, value in connection.headers.items():
        check_sendable(value, f"{label}: header {header!r}", "mend it")
        if not _HEADER_NAME.fullmatch(header) or header.lower() in _FRAMING:
            raise ConfigurationError(f"{label}: {header!r} is no header that can be given")
    if connection.max_answer < 1:
        raise ConfigurationError(f"{label}: max_answer is a number of bytes, not {connection.max_answer}")
    if connection.base_url is not None:
        check_url(connection.base_url, f"{label}: {base_url}")
    for setting, allowed in (("on_unsupported", ("raise", "drop")), ("tool_errors", ("raise", "report"))):
        check_choice(setting, getattr(connection, setting), allowed, label)
    return connection


_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HOST_AND_PORT = re.compile(r"(localhost(:[0-9]+)?|[a-z0-9-]+(\.[a-z0-9-]+)+:[0-9]{1,5})(/\S*)?")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "host"})  # the HTTP library's own
_TYPES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("provider", (str,)),
    ("base_url", (str, type(None))),
    ("api_key", (str, type(None))),
    ("proxy", (str, type(None))),
    ("verify", (bool, str)),
    ("retry", (RetryPolicy, type(None))),
    ("timeouts", (Timeouts, type(None))),
    ("faults", (tuple,)),
    ("max_answer", (int,)),
    ("limits", (Limits, type(None))),
)


def _check_types(connection: Connection, label: str) -> None:
    for field, kinds in _TYPES:
        value = getattr(connection, field)
        if not isinstance(value, kinds):
            raise ConfigurationError(f"{label}: {field} takes {kinds[0].__name__}, not {type(value).__name__}")
    if connection.key_source is not None and not all(
        hasattr(connection.key_source, name) for name in ("read", "setting")
    ):
        raise ConfigurationError(f"{label}: key_source takes a KeySource, not {type(connection.key_source).__name__}")
    for rule in connection.faults:
        if not isinstance(rule, FaultRule):
            raise ConfigurationError(f"{label}: faults takes FaultRule values, not {type(rule).__name__}")
    if not all(isinstance(item, str) for pair in connection.headers.items() for item in pair):
        raise ConfigurationError(f"{label}: headers takes str names and values")


def check_choice(setting: str, value: object, allowed: tuple[str, ...], label: str) -> None:
    """Raise ConfigurationError unless the value is None or one of those allowed."""
    if value is not None and value not in allowed:
        raise ConfigurationError(f"{label}: {setting} must be {' or '.join(map(repr, allowed))}, not {value!r}")


def check_sendable(value: str, label: str, remedy: str) -> None:
    """Raise ConfigurationError for what is not printable ASCII, as HTTP headers carry it.

    A key that was copied with its newline is the usual accident.
    """
    if not value or value != value.strip():
        raise ConfigurationError(f"{label} is empty, or begins or ends with a blank or a newline; {remedy}")
    if not (value.isascii() and value.isprintable()):
        raise ConfigurationError(f"{label} has a newline, a control or a non-ASCII character inside; {remedy}")


@lru_cache(maxsize=256)
def check_url(url: str, label: str) -> None:
    """Raise ConfigurationError unless it is an http(s) URL without a user or password."""
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise ConfigurationError(f"{label} is not a URL") from None
    if parts.username or parts.password:
        raise ConfigurationError(f"{label} holds a user name or password; put it into 'headers' instead")
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or not port_is_fine
        or not url.isprintable()
        or " " in url
    ):
        # what is no address may be a key that was put here by mistake
        shown = f", not {url!r}" if "://" in url or _HOST_AND_PORT.fullmatch(url) else ""
        raise ConfigurationError(f"{label} must look like https://host{shown}")
