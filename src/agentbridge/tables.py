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


class Table(pydantic.BaseModel):
    """Any table: an unknown key and a wrong type are refused, and no message shows a value."""

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, populate_by_name=True)


M = TypeVar("M", bound=Table)
Rule = float | Literal["off"]


def _field(says: str, default: Any = ..., **more: Any) -> Any:
    """One key of a table, and what docs/configuration.md says of it: python tools/write_docs.py"""
    return pydantic.Field(default, description=says, **more)


class RetryTable(Table):
    """`retry = { attempts = 3 }`; see RetryPolicy."""

    attempts: int = _field("how often a call is sent in all", 3)
    first_delay: float = _field(
        "seconds: the first wait is random between 0 and this, each further one twice as long at most", 0.5
    )
    max_delay: float = _field("seconds: the longest wait; a longer `Retry-After` is not waited for", 30)
    retry_unsafe: bool = _field("also send again what may have run", default=False)


class TimeoutsTable(Table):
    """`timeouts = { total = 30 }`; see Timeouts."""

    connect: float | None = _field("seconds until the connection stands", 10)
    answer: float | None = _field(
        "seconds until the first byte, and of a polled run from its acceptance to its end", 600
    )
    idle: float | None = _field("seconds: the longest silence between bytes of an answer", 120)
    content: float | None = _field(
        "seconds: the longest time without an event of a stream; heartbeats do not count", None
    )
    total: float | None = _field("seconds for the whole call, with its retries and polls", None)


class LimitsTable(Table):
    """`limits = { calls = 60 }`; see Limits."""

    calls: int | None = _field("requests in any `per` seconds, with retries and polls", None)
    per: float = _field("seconds", 60)
    in_flight: int | None = _field("calls at the same time", None)


class FaultTable(Table):
    """`[[connections.NAME.faults]]`; see FaultRule."""

    path: str = _field("where in the JSON body: names and list indexes joined by dots")
    kind: str = _field("what the answer is then, as `execution`")
    equals: Any = _field("condition: the JSON value that stands there", None)
    present: bool | None = _field("condition: whether anything but null stands there", None)
    matches: str | None = _field("condition: a regular expression for the whole text", None)
    status: int | None = _field("only for this HTTP status", None)
    message: str | None = _field("the path of the text that the error says", None)
    retryable: bool | None = _field("whether the same call may succeed later; else as the kind implies", None)
    may_have_run: bool | None = _field("whether the agent may have acted; else as the kind implies", None)


class ConnectionTable(Table):
    """`[connections.NAME]`; see Connection."""

    provider: str | None = _field("the vendor; else the connection's name", None)
    base_url: str | None = _field("the vendor's address; else `$NAME_BASE_URL`, else the vendor's own", None)
    api_key: str | None = _field("the key itself, for one that is no secret", None)
    api_key_env: str | None = _field("the variable that has the key; else `$NAME_API_KEY`", None)
    api_key_file: str | None = _field("a file that has the key alone; beside this file, or `~/...`, or from `/`", None)
    api_key_command: list[str] | None = _field(
        "a command that prints the key: a list of words, no shell", None, min_length=1
    )
    api_key_keyring: str | None = _field(
        "`service/user` in the system's keyring; extra `keyring`", None, pattern=r"^.+/[^/]+$"
    )
    headers: dict[str, str] = _field("sent with every request", {})
    options: dict[str, Any] = _field("merged deeply into the body of every request", {})
    proxy: str | None = _field("the proxy's URL; else the variables of the environment count", None)
    verify: bool | str = _field("the path of a CA bundle, or `false`", default=True)
    retry: RetryTable | None = _field("see the table", None)
    timeouts: TimeoutsTable | None = _field("see the table", None)
    on_unsupported: Literal["raise", "drop"] | None = _field(
        "whether a session, a user or a callback that the vendor cannot carry is refused or left out; else as the Bridge says",
        None,
    )
    tool_errors: Literal["raise", "report"] | None = _field(
        "whether a failed tool is an error or stands in the Result; else as the Bridge says", None
    )
    faults: list[FaultTable] = _field("see the table", [])
    max_answer: int = _field("bytes: the most that is read of an answer, decompressed", MAX_ANSWER)
    limits: LimitsTable | None = _field("see the table", None)


class BindingTable(Table):
    """`[agents.NAME.on.CONNECTION]`; see Binding."""

    agent: str = _field("the vendor's id of the agent", min_length=1)
    text: str | None = _field("the vendor input that takes the text", None)
    template: str | None = _field(
        "makes the text from inputs, where the vendor takes only a message; not beside `text`", None
    )
    inputs: dict[str, str] = _field("canonical name -> the vendor's", {})
    constants: dict[str, Any] = _field("further vendor inputs", {})
    files: str | None = _field("the vendor input that takes attachments", None)
    options: dict[str, Any] = _field("merged deeply into the body", {})


class AgentTable(Table):
    """`[agents.NAME]`; see Agent."""

    default: str | list[str] | None = _field("what the name alone means: one connection, or several in order", None)
    side_effects: bool = _field(
        "a run does something in the world: `agentbridge migrate` calls it only where you allow it", default=False
    )
    on: dict[str, BindingTable] = _field("a binding for each connection", min_length=1)


class GateTable(Table):
    """`[migrate.gate]`; see agentbridge.migrate.Gate, whose defaults hold for what is not set. "off" leaves a rule out."""

    max_failure_increase: Rule = _field("how many more calls may fail or come back empty: a share, beyond noise", 0)
    max_wrong_numbers: Rule = _field("the share of answers with the same words and another number", 0)
    max_structure_changes: Rule = _field("the share of JSON answers that lose or gain keys or change types", 0)
    max_unknown: Rule = _field("the share of calls without a known outcome", 0)
    max_latency_ratio: Rule = _field("how much longer a typical answer may take", 0)
    max_credits_ratio: Rule = _field("how much more all answers may cost", 0)
    min_same: Rule = _field("the share of answers that must stay the same", 0)
    min_similarity: Rule = _field("how similar answers must stay, on average", 0)
    min_scores: dict[str, float] = _field("the mean score that each judge must give, by its name", {})
    min_samples: int = _field("with fewer nothing passes", 100)
    confidence: float = _field("of the intervals: a rule passes or fails where the whole interval is on one side", 0.95)


class MigrateTable(Table):
    """`[migrate]`: for agentbridge.migrate, which reads it; a Bridge has no use for it."""

    gate: GateTable = _field("what a move must keep to", GateTable())


class ConfigTable(Table):
    """The whole file."""

    connections: dict[str, ConnectionTable] = _field("the accounts, by name", {})
    agents: dict[str, AgentTable] = _field("the portable agents, by name", {})
    migrate: MigrateTable = _field("for `agentbridge migrate`", MigrateTable())


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


def _problem(model: type[Table], detail: Any, prefix: str) -> str:
    """One line for one of pydantic's findings: the key as a dotted path, and the key that was probably meant."""
    path = ".".join([*([prefix] if prefix else []), *map(str, detail["loc"])])
    if detail["type"] == "extra_forbidden":
        return f"unknown key {path!r}.{did_you_mean(str(detail['loc'][-1]), _keys_beside(model, detail['loc']))}"
    return f"{path or 'it'}: {'must be a table' if detail['type'] == 'model_type' else detail['msg']}"


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
    source = "base_url" if model.base_url else f"${variable(name, 'BASE_URL')}"
    return checked(Connection(**given), name, where, source)


def _made(kind: type[Any], table: Table, where: str) -> Any:
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
