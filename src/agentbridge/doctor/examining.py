"""All checks in order: first what is looked at, then what is knocked at, and a call only where it is asked for."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs

from ..bridge import Bridge
from ..connection import Connection
from ..directory import ConfigSource, Directory
from ..errors import AgentBridgeError, AuthenticationError, ConfigurationError, PluginError
from ..keys import FileKey
from ..plugins import Registry
from ..provider import Operation, Provider
from ..redaction import redactor_of
from ..retry import RetryPolicy, Timeouts
from ..transport import transport_name
from .accounts import about_key, about_url
from .finding import Finding, fine, problem, warning
from .machine import about_configuration, about_machine, about_variables
from .names import about_agents, about_environment
from .network import about_network

_MEND = "mend it, and examine again"
_WHICH = "name one that is there, or none to look at all"


def examine(
    config: ConfigSource = None,
    *,
    connections: Mapping[str, Connection | Mapping[str, Any]] | None = None,
    registry: Registry | None = None,
    only: Iterable[str] = (),
    offline: bool = False,
    call: bool = False,
    timeout: float = 10.0,
) -> list[Finding]:
    """Look for what stands in the way of calls, and spend nothing; nothing is raised for what is found.

    `config`, `connections` and `registry` are those of a Bridge. `only` names the connections to look at; without, it is
    all. With `offline` nothing is sent. With `call` each vendor is asked one thing that only reads, with the key, where
    its plugin knows such a request. `timeout` is in seconds, for each step on the network.
    """
    registry, only = Registry() if registry is None else registry, list(only)
    found = about_machine(registry)
    try:
        directory = Directory(config, connections, None, registry)
    except ConfigurationError as error:
        return [*found, problem("configuration", str(error), _MEND)]
    found += [*about_configuration(directory, os.environ), *about_environment(directory, os.environ)]
    found += [] if only else about_agents(directory)
    examiner = _Examiner(directory, None if offline else _library(), call, timeout)
    for name in only or list(directory.connections):
        found += examiner.look_at(name)
    return found


def _library() -> str | None:
    """The HTTP library that calls go through; None where there is no such one, which is a finding already."""
    try:
        return transport_name(None, None)
    except ConfigurationError:
        return None


@attrs.frozen
class _Examiner:
    """Looks at connections, one after the other."""

    directory: Directory
    library: str | None  # None to send nothing
    call: bool
    timeout: float

    def look_at(self, name: str) -> list[Finding]:
        """Everything about one connection, with its secrets masked."""
        try:
            source = self.directory.connections[name].key_source if name in self.directory.connections else None
            connection, provider = self.directory.connection(name)
        except ConfigurationError as error:
            remedy = _MEND if name in list(self.directory.connections) else _WHICH
            return [attrs.evolve(problem("connection", str(error), remedy), connection=name)]
        found = [*about_file(source), *self._all(name, connection, provider)]
        redactor = redactor_of(connection.secrets)
        return [redactor.value(attrs.evolve(finding, connection=name)) for finding in found]

    def _all(self, name: str, connection: Connection, provider: Provider) -> list[Finding]:
        seen = [
            *about_variables(name, connection, os.environ),
            about_key(name, connection, provider, self.directory.registry.values()),
        ]
        try:
            base_url = self.directory.base_url(name, connection, provider)
            seen += about_url(name, connection, provider, base_url)
        except AgentBridgeError as error:
            return [*seen, problem("base URL", str(error), _MEND)]
        return [*seen, *self._online(name, connection, provider, base_url)]

    def _online(self, name: str, connection: Connection, provider: Provider, base_url: str) -> list[Finding]:
        if self.library is None:
            return []
        found = about_network(connection, base_url, self.library, self.timeout)
        if not self.call or any(finding.level == "problem" for finding in found):
            return found
        return [*found, self._called(name, connection, provider)]

    def _called(self, name: str, connection: Connection, provider: Provider) -> Finding:
        """Ask the vendor the one thing that its plugin calls harmless."""
        if connection.api_key is None:
            return fine("call", "not made: there is no key to try")
        if provider.ping is None:
            return fine("call", f"not made: the plugin knows no request to {provider.name} that only reads")
        settings: dict[str, Any] = {"retry": RetryPolicy(attempts=1), "timeouts": Timeouts(total=self.timeout)}
        alone = {name: attrs.evolve(connection, **settings)}
        try:
            with Bridge({}, connections=alone, registry=self.directory.registry) as bridge:
                bridge.call(harmless(provider), name)
        except AuthenticationError as error:
            return problem("call", str(error), "make a new key in the vendor's settings, and look whose it is")
        except PluginError as error:
            return warning("call", str(error), "tell the author of the plugin")
        except AgentBridgeError as error:
            return warning("call", str(error), "the key is not refused; see what the vendor says")
        return fine("call", f"{provider.name} answers to {provider.ping!r} with this key")


def harmless(provider: Provider) -> Operation[Any]:
    """The operation that a provider names as its `ping`. Raises PluginError where there is none that can be made."""
    try:
        return next(kind for kind in provider.operations if kind.name == provider.ping)()
    except (StopIteration, TypeError):
        problem = (
            f"plugin {provider.name!r} has no operation {provider.ping!r} without arguments, which it says is its ping"
        )
        raise PluginError(problem, plugin=provider.name) from None


def about_file(source: object) -> list[Finding]:
    """Whether everybody on this machine can read the file that a key comes from."""
    if os.name != "posix" or not isinstance(source, FileKey):
        return []
    if not Path(source.path).stat().st_mode & stat.S_IROTH:
        return []
    return [warning("key", f"everybody on this machine can read {source.path}", f"chmod 600 {source.path}")]
