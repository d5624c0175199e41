"""agentbridge.toml, its mappings and the environment as connections and agents; `tables` reads what they hold."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from .bindings import Agent, check_default
from .connection import Connection, checked, variable
from .errors import ConfigurationError

CONFIG_VARIABLE = "AGENTBRIDGE_CONFIG"
CONFIG_FILE = "agentbridge.toml"
NO_FILE = "the configuration"
"""What messages call a configuration that is no file."""


@attrs.frozen(slots=False)
class Config:
    """Connections and agents as they were configured, and what `[migrate]` sets; `where` names the file for messages."""

    connections: Mapping[str, Connection]
    agents: Mapping[str, Agent]
    migrate: Mapping[str, Mapping[str, Any]] = attrs.field(factory=dict)
    where: str = NO_FILE


def load(
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None, *, environ: Mapping[str, str] | None = None
) -> Config:
    """Read a file or a mapping; without one `$AGENTBRIDGE_CONFIG`, else `./agentbridge.toml`, else nothing.

    Raises:
        ConfigurationError: names the file, the key and what is wrong with it, and never shows a value.
    """
    environ = os.environ if environ is None else environ
    if isinstance(config, Mapping):
        return _parse(config, NO_FILE, environ)
    path = config or environ.get(CONFIG_VARIABLE) or (CONFIG_FILE if Path(CONFIG_FILE).is_file() else None)
    return Config({}, {}) if path is None else _parse(_read(Path(path)), str(path), environ, Path(path).parent)


def from_environment(name: str, environ: Mapping[str, str]) -> Connection | None:
    """The connection that `NAME_BASE_URL` and `NAME_API_KEY` make of a provider's name, or None."""
    base_url, api_key = environ.get(variable(name, "BASE_URL")) or None, environ.get(variable(name, "API_KEY")) or None
    if base_url is None and api_key is None:
        return None
    return checked(
        Connection(name, base_url=base_url, api_key=api_key), name, "the environment", f"${variable(name, 'BASE_URL')}"
    )


def agent_from(name: str, value: Agent | Mapping[str, Any]) -> Agent:
    """An Agent from itself or from a mapping written like the TOML table `[agents.NAME]`."""
    if isinstance(value, Agent):
        return check_default(name, value, "agents=")
    _check_mapping(value, f"agents=: agent {name!r}", "an Agent")
    from .tables import agent_of

    return agent_of(name, value, "agents=")


def connection_from(name: str, value: Connection | Mapping[str, Any], environ: Mapping[str, str]) -> Connection:
    """A Connection from itself or from a mapping written like the TOML table `[connections.NAME]`, checked."""
    if isinstance(value, Connection):
        return checked(value, name, "connections=")
    _check_mapping(value, f"connections=: connection {name!r}", "a Connection")
    from .tables import connection_of

    return connection_of(name, value, "connections=", environ)


def _check_mapping(value: object, label: str, kind: str) -> None:
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{label} takes {kind} or a mapping, not {type(value).__name__}")


def _read(path: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: is not TOML: {error}") from None


def _parse(data: Mapping[str, Any], where: str, environ: Mapping[str, str], folder: Path = Path()) -> Config:
    """The models are only made where there is something to read: that takes long."""
    if not data:
        return Config({}, {}, where=where)
    from .tables import parsed

    return Config(*parsed(dict(data), where, environ, folder), where)
