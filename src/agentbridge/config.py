"""agentbridge.toml and the environment, read by pydantic into connections and agents."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import attrs
import pydantic

from .bindings import Agent, Binding
from .commands import MAX_ANSWER
from .connection import Connection, checked, variable
from .errors import ConfigurationError
from .keys import CommandKey, EnvironmentKey, FileKey, KeyringKey, KeySource
from .pacing import Limits
from .retry import RetryPolicy, Timeouts
from .rules import FaultRule

CONFIG_VARIABLE = "AGENTBRIDGE_CONFIG"
CONFIG_FILE = "agentbridge.toml"
NO_FILE = "the configuration"
"""What messages call a configuration that is no file."""


class _Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, populate_by_name=True)


M = TypeVar("M", bound=_Model)


class RetryTable(_Model):
    """`retry = { attempts = 3 }`; see RetryPolicy."""

    attempts: int = 3
    first_delay: float = 0.5
    max_delay: float = 30
    retry_unsafe: bool = False


class TimeoutsTable(_Model):
    """`timeouts = { total = 30 }`; see Timeouts."""

    connect: float | None = 10
    answer: float | None = 600
    idle: float | None = 120
    content: float | None = None
    total: float | None = None


class LimitsTable(_Model):
    """`limits = { calls = 60 }`; see Limits."""

    calls: int | None = None
    per: float = 60
    in_flight: int | None = None


class FaultTable(_Model):
    """`[[connections.NAME.faults]]`; see FaultRule."""

    path: str
    kind: str
    equals: Any = None
    present: bool | None = None
    matches: str | None = None
    status: int | None = None
    message: str | None = None
    retryable: bool | None = None
    may_have_run: bool | None = None


class ConnectionTable(_Model):
    """`[connections.NAME]`; see Connection."""

    provider: str | None = None
    base_url: str | None = None
    api_key: str | None = None
    api_key_env: str | None = None
    api_key_file: str | None = None
    api_key_command: list[str] | None = pydantic.Field(default=None, min_length=1)
    api_key_keyring: str | None = pydantic.Field(default=None, pattern=r"^.+/[^/]+$")
    headers: dict[str, str] = {}
    options: dict[str, Any] = {}
    proxy: str | None = None
    verify: bool | str = True
    retry: RetryTable | None = None
    timeouts: TimeoutsTable | None = None
    on_unsupported: Literal["raise", "drop"] | None = None
    tool_errors: Literal["raise", "report"] | None = None
    faults: list[FaultTable] = []
    max_answer: int = MAX_ANSWER
    limits: LimitsTable | None = None


class BindingTable(_Model):
    """`[agents.NAME.on.CONNECTION]`; see Binding."""

    agent: str = pydantic.Field(min_length=1)
    text: str | None = None
    template: str | None = None
    inputs: dict[str, str] = {}
    constants: dict[str, Any] = {}
    files: str | None = None
    options: dict[str, Any] = {}


class AgentTable(_Model):
    """`[agents.NAME]`; see Agent."""

    default: str | list[str] | None = None
    side_effects: bool = False
    on: dict[str, BindingTable] = pydantic.Field(min_length=1)


class ConfigTable(_Model):
    """The whole file."""

    connections: dict[str, ConnectionTable] = {}
    agents: dict[str, AgentTable] = {}


@attrs.frozen
class Config:
    """Connections and agents as they were configured; `where` names the file for messages."""

    connections: Mapping[str, Connection]
    agents: Mapping[str, Agent]
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
        return _parse(dict(config), NO_FILE, environ)
    path = config or environ.get(CONFIG_VARIABLE) or (CONFIG_FILE if Path(CONFIG_FILE).is_file() else None)
    return Config({}, {}) if path is None else _parse(_read(Path(path)), str(path), environ, Path(path).parent)


def from_environment(name: str, environ: Mapping[str, str]) -> Connection | None:
    """The connection that `NAME_BASE_URL` and `NAME_API_KEY` make of a provider's name, or None."""
    base_url, api_key = environ.get(variable(name, "BASE_URL")) or None, environ.get(variable(name, "API_KEY")) or None
    if base_url is None and api_key is None:
        return None
    return checked(Connection(name, base_url=base_url, api_key=api_key), name, "the environment")


def agent_from(name: str, value: Agent | Mapping[str, Any]) -> Agent:
    """An Agent from itself or from a mapping written like the TOML table `[agents.NAME]`."""
    if isinstance(value, Agent):
        return _check_default(name, value, "agents=")
    return _agent(name, _validated(AgentTable, value, f"agents.{name}", "agents="), "agents=")


def connection_from(name: str, value: Connection | Mapping[str, Any], environ: Mapping[str, str]) -> Connection:
    """A Connection from itself or from a mapping written like the TOML table `[connections.NAME]`, checked."""
    if isinstance(value, Connection):
        return checked(value, name, "connections=")
    return _connection(
        name, _validated(ConnectionTable, value, f"connections.{name}", "connections="), "connections=", environ, Path()
    )


def did_you_mean(name: str, known: Mapping[str, Any] | list[str] | frozenset[str]) -> str:
    """ " Did you mean 'x'?" where something known is close, else nothing."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: is not TOML: {error}") from None


def _parse(data: Mapping[str, Any], where: str, environ: Mapping[str, str], folder: Path = Path()) -> Config:
    parsed = _validated(ConfigTable, data, "", where)
    return Config(
        {name: _connection(name, model, where, environ, folder) for name, model in parsed.connections.items()},
        {name: _agent(name, model, where) for name, model in parsed.agents.items()},
        where,
    )


def _validated(model: type[M], data: Any, prefix: str, where: str) -> M:
    try:
        return model.model_validate(data)
    except pydantic.ValidationError as error:
        problems = [_problem(model, detail, prefix) for detail in error.errors(include_input=False, include_url=False)]
        raise ConfigurationError(f"{where}: " + "; ".join(problems)) from None


def _problem(model: type[_Model], detail: Any, prefix: str) -> str:
    """One line for one of pydantic's findings: the key as a dotted path, and the key that was probably meant."""
    path = ".".join([*([prefix] if prefix else []), *map(str, detail["loc"])])
    if detail["type"] == "extra_forbidden":
        return f"unknown key {path!r}.{did_you_mean(str(detail['loc'][-1]), _keys_beside(model, detail['loc']))}"
    return f"{path or 'it'}: {detail['msg']}"


def _keys_beside(model: type[pydantic.BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The keys that are allowed where a wrong one was found: walk the models down the path."""
    for step in location[:-1]:
        field = model.model_fields.get(str(step))
        inner = [field.annotation, *get_args(field.annotation)] if field else [model]
        model = next((kind for kind in inner if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)), model)
    return list(model.model_fields)


def _connection(name: str, model: ConnectionTable, where: str, environ: Mapping[str, str], folder: Path) -> Connection:
    given = model.model_dump(exclude={*_KEYS[1:], "retry", "timeouts", "faults", "limits"})
    given["provider"] = model.provider or name
    given |= _key(name, model, where, environ, folder)
    given["base_url"] = model.base_url or environ.get(variable(name, "BASE_URL")) or None
    for field, kind in (("retry", RetryPolicy), ("timeouts", Timeouts), ("limits", Limits)):
        table = getattr(model, field)
        given[field] = table and _made(kind, table, f"{where}: connections.{name}")
    given["faults"] = [_made(FaultRule, table, f"{where}: connections.{name}") for table in model.faults]
    return checked(Connection(**given), name, where)


def _made(kind: type[Any], table: _Model, where: str) -> Any:
    try:
        return kind(**table.model_dump(exclude_unset=True))
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None


_KEYS = ("api_key", "api_key_env", "api_key_file", "api_key_command", "api_key_keyring")


def _key(
    name: str, model: ConnectionTable, where: str, environ: Mapping[str, str], folder: Path
) -> dict[str, str | KeySource | None]:
    """The key, or where it is to be found when the connection is used: a machine need not have the keys of all."""
    said = [setting for setting in _KEYS if getattr(model, setting) is not None]
    if len(said) > 1:
        raise ConfigurationError(f"{where}: connections.{name} has both {said[0]!r} and {said[1]!r}; keep one")
    known = model.api_key or environ.get(model.api_key_env or variable(name, "API_KEY")) or None
    source = _key_source(model, folder)
    if isinstance(source, EnvironmentKey) and known:
        source = None
    return {"api_key": None if source else known, "key_source": source}


def _key_source(model: ConnectionTable, folder: Path) -> KeySource | None:
    if model.api_key_env is not None:
        return EnvironmentKey(model.api_key_env)
    if model.api_key_file is not None:
        return FileKey(str((folder / os.path.expanduser(model.api_key_file)).absolute()))  # noqa: PTH111 (never raises)
    if model.api_key_command is not None:
        return CommandKey(model.api_key_command)
    if model.api_key_keyring is not None:
        service, _, user = model.api_key_keyring.rpartition("/")
        return KeyringKey(service, user)
    return None


def _agent(name: str, model: AgentTable, where: str) -> Agent:
    bindings = {
        connection: Binding(**binding.model_dump(), where=f"{where}: [agents.{name}.on.{connection}]")
        for connection, binding in model.on.items()
    }
    return _check_default(name, Agent(on=bindings, default=model.default, side_effects=model.side_effects), where)


def _check_default(name: str, agent: Agent, where: str) -> Agent:
    if agent.default is not None and not agent.choices:
        raise ConfigurationError(f"{where}: agents.{name}.default is empty; name a connection, or leave it out")
    for choice in agent.choices:
        if choice not in agent.on:
            raise ConfigurationError(
                f"{where}: agents.{name}.default names {choice!r}, but there is no [agents.{name}.on.{choice}]"
                f" (there: {', '.join(agent.on)}).{did_you_mean(str(choice), list(agent.on))}"
            )
    check_once(agent.choices, f"{where}: agents.{name}.default")
    return agent


def check_once(names: Sequence[str], label: str) -> None:
    """Raise ConfigurationError where a name stands twice: who could not is not asked again in the same call."""
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"{label} names {name!r} twice; name it once, and let retry= ask it again")
