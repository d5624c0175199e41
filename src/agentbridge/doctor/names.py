"""What can be told of names: those of agents' connections, and of variables that look as if they were meant for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..connection import variable
from ..directory import Directory
from ..errors import ConfigurationError
from ..naming import PUBLISHED
from .finding import Finding, problem, warning

_MEANT = {
    "BASE_URL": ("BASEURL", "URL", "API_URL", "API_BASE", "ENDPOINT", "HOST", "SERVER", "ADDRESS"),
    "API_KEY": ("APIKEY", "KEY", "TOKEN", "API_TOKEN", "ACCESS_TOKEN", "SECRET"),
}


def about_agents(directory: Directory) -> list[Finding]:
    """The portable agents that are bound to a connection which is not there."""
    return [
        finding
        for name, agent in directory.agents.items()
        for finding in _unbound(directory, name, agent.on, agent.choices)
    ]


def _unbound(directory: Directory, agent: str, on: Mapping[str, object], choices: tuple[str, ...]) -> Iterator[Finding]:
    for name in on:
        if not _is_there(directory, name):
            found = problem if name in choices else warning
            said = f"agent {agent!r} is bound to {name!r}: {directory.unknown(name)}"
            yield found("agents", said, f"mend [agents.{agent}.on.{name}], or configure the connection")


def _is_there(directory: Directory, name: str) -> bool:
    try:
        return directory.connections[name] is not None
    except KeyError:
        return False
    except ConfigurationError:  # found where the connection is looked at
        return True


def about_environment(directory: Directory, environ: Mapping[str, str]) -> list[Finding]:
    """Variables for a vendor whose plugin is missing, and those that nobody reads because they are called otherwise."""
    return [*_without_plugin(directory, environ), *_misnamed(directory, environ)]


def _without_plugin(directory: Directory, environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted(PUBLISHED - directory.registry.names):
        there = [f"${asked}" for asked in (variable(name, "API_KEY"), variable(name, "BASE_URL")) if environ.get(asked)]
        if there:
            said = f"{' and '.join(there)} set, and no plugin brings {name!r}"
            yield warning("variables", said, f"install agentbridge-{name}")


def _misnamed(directory: Directory, environ: Mapping[str, str]) -> Iterator[Finding]:
    for name in sorted({*directory.registry.names, *directory.connections}):
        for what, spellings in _MEANT.items():
            wrong = [asked for spelling in spellings if environ.get(asked := variable(name, spelling))]
            if wrong and not environ.get(variable(name, what)) and not _has(directory, name, what):
                said = f"${wrong[0]} is set, and nobody reads it"
                yield warning("variables", said, f"call it {variable(name, what)}, if it is meant for {name!r}")


def _has(directory: Directory, name: str, what: str) -> bool:
    """Whether the configuration says it otherwise, maybe by this very variable."""
    try:
        connection = directory.connections[name]
    except KeyError:
        return False
    except ConfigurationError:  # found where the connection is looked at
        return True
    return bool(connection.base_url if what == "BASE_URL" else connection.api_key or connection.key_source)
