"""The tables of agentbridge.toml as pydantic reads them, and what is made of them. Imported where there are any."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import pydantic

from .bindings import Agent, Binding, check_default
from .commands import MAX_ANSWER
from .connection import Connection, checked, variable
from .errors import ConfigurationError
from .keys import CommandKey, EnvironmentKey, FileKey, KeyringKey, KeySource
from .naming import did_you_mean
from .pacing import Limits
from .retry import RetryPolicy, Timeouts
from .rules import FaultRule


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


class GateTable(_Model):
    """`[migrate.gate]`; see agentbridge.migrate.Gate, whose defaults hold for what is not set. "off" leaves a rule out."""

    max_failure_increase: float | Literal["off"] = 0
    max_wrong_numbers: float | Literal["off"] = 0
    max_structure_changes: float | Literal["off"] = 0
    max_unknown: float | Literal["off"] = 0
    max_latency_ratio: float | Literal["off"] = 0
    max_credits_ratio: float | Literal["off"] = 0
    min_same: float | Literal["off"] = 0
    min_similarity: float | Literal["off"] = 0
    min_scores: dict[str, float] = {}
    min_samples: int = 100
    confidence: float = 0.95


class MigrateTable(_Model):
    """`[migrate]`: for agentbridge.migrate, which reads it; a Bridge has no use for it."""

    gate: GateTable = GateTable()


class ConfigTable(_Model):
    """The whole file."""

    connections: dict[str, ConnectionTable] = {}
    agents: dict[str, AgentTable] = {}
    migrate: MigrateTable = MigrateTable()


def connection_of(name: str, table: Any, where: str, environ: Mapping[str, str]) -> Connection:
    """The connection that a mapping written like `[connections.NAME]` says."""
    return _connection(name, _validated(ConnectionTable, table, f"connections.{name}", where), where, environ, Path())


def agent_of(name: str, table: Any, where: str) -> Agent:
    """The agent that a mapping written like `[agents.NAME]` says."""
    return _agent(name, _validated(AgentTable, table, f"agents.{name}", where), where)


def parsed(
    data: Mapping[str, Any], where: str, environ: Mapping[str, str], folder: Path
) -> tuple[dict[str, Connection], dict[str, Agent], dict[str, Any]]:
    """The connections and agents of a whole file, and what its table `migrate` sets. Files that it names are looked for beside it, in `folder`."""
    tables = _validated(ConfigTable, data, "", where)
    return (
        {name: _connection(name, model, where, environ, folder) for name, model in tables.connections.items()},
        {name: _agent(name, model, where) for name, model in tables.agents.items()},
        tables.migrate.model_dump(exclude_unset=True),
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
    return check_default(name, Agent(on=bindings, default=model.default, side_effects=model.side_effects), where)
