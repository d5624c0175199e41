"""What there is: connections, agents and providers, found by name, with errors that say what there is instead."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import attrs

from . import config as configuration
from .bindings import Agent, Binding
from .connection import Connection, check_sendable, variable
from .drift import Drift, Drifts
from .environment import environment
from .errors import ConfigurationError, UnknownTargetError
from .naming import PUBLISHED, check_once, did_you_mean
from .plugins import Registry, known_provider
from .provider import Provider, StreamDecoder
from .redaction import redactor_of
from .rules import taught
from .watching import watched, watched_decoder
from .wire import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from .keys import KeySource

T = TypeVar("T")

_ROOM = 256  # agents for which it is kept how they are asked

ConfigSource: TypeAlias = str | os.PathLike[str] | Mapping[str, Any] | None


class Located(NamedTuple):
    """An agent at one vendor: connection, id, and what it calls its inputs where the agent is portable."""

    connection: str
    agent: str
    binding: Binding | None = None


class Directory:
    """The configuration, the arguments and the environment joined, in this order of weight: arguments first."""

    def __init__(
        self,
        config: ConfigSource = None,
        connections: Mapping[str, Connection | Mapping[str, Any]] | None = None,
        agents: Mapping[str, Agent | Mapping[str, Any]] | None = None,
        registry: Registry | None = None,
    ) -> None:
        environ = environment()
        for label, mapping in (("connections", connections), ("agents", agents)):
            if mapping is not None and not isinstance(mapping, Mapping):
                raise ConfigurationError(f"{label} takes a mapping from name to value, not a {type(mapping).__name__}")
        loaded = configuration.load(config, environ=environ)
        given = {name: configuration.connection_from(name, item, environ) for name, item in (connections or {}).items()}
        asked = {name: configuration.agent_from(name, item) for name, item in (agents or {}).items()}
        self.registry = Registry() if registry is None else registry
        self.where = loaded.where
        self.agents: Mapping[str, Agent] = {**loaded.agents, **asked}
        configured = {**loaded.connections, **given}
        self.paces = {name: item.limits.pace(name) for name, item in configured.items() if item.limits}
        self.connections: Mapping[str, Connection] = _Connections(configured, self.registry, environ)
        self._drifts: dict[str, Drifts] = {}
        self._environ = environ
        self._given = frozenset(given)
        self._found: dict[str, tuple[Connection, Provider]] = {}
        self._unlocked: dict[str, Connection] = {}
        self._locks = sum(item.key_source is not None for item in configured.values())
        self._lock = threading.Lock()
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes: once for each key, as long as there is room for it. What fails is tried anew."""
        found: T | None = self._made.get(key)
        if found is None:
            if len(self._made) >= _ROOM:  # ids of agents may be without end
                self._made.clear()
            found = self._made[key] = make()
        return found

    def resolve(self, target: object) -> list[Located]:
        """Where a target is: one place, or several to be tried in this order.

        Raises:
            UnknownTargetError: there is no such place.
            ConfigurationError: a place is named twice.
        """
        if not isinstance(target, str):
            raise ConfigurationError(f"a call takes a str or an Invocation as its target, not {type(target).__name__}")
        if not target.strip():
            raise UnknownTargetError("the target is empty; write 'connection:agent-id' or the name of a portable agent")
        name, colon, agent_id = target.partition(":")
        return [Located(name, agent_id)] if colon else self._portable(target)

    def connection(self, name: str) -> tuple[Connection, Provider]:
        """A connection with its key, and its provider.

        Raises:
            UnknownTargetError: there is no such connection or provider.
            ConfigurationError: its key cannot be had.
        """
        found = self._found.get(name)
        if found is None:
            found = self._found[name] = self._find(name)
        return found

    @property
    def has_locked(self) -> bool:
        """Whether there is a connection whose key still has to be asked for: of a command, a keyring or a file."""
        return len(self._unlocked) < self._locks

    def _find(self, name: str) -> tuple[Connection, Provider]:
        connection = self.connections.get(name)
        if connection is None:
            raise self.unknown(name)
        if connection.key_source is not None:
            connection = self._unlock(name, connection, connection.key_source)
        return connection, known_provider(self.registry, connection.provider, f"connection {name!r}")

    def _unlock(self, name: str, connection: Connection, source: KeySource) -> Connection:
        """The connection with the key that its source says. It is asked once, also by many threads."""
        with self._lock:
            if name not in self._unlocked:
                where = "connections=" if name in self._given else self.where
                key = _read(source, f"{where}: connections.{name}")
                self._unlocked[name] = attrs.evolve(connection, api_key=key, key_source=None)
            return self._unlocked[name]

    def key_origin(self, name: str, connection: Connection) -> str:
        """Where the key of a connection comes from, for who has to mend it; empty where there is none or the program gave it."""
        if connection.api_key is None:
            return ""
        own, configured = variable(name, "API_KEY"), self.connections.get(name)
        source = configured and configured.key_source
        if connection.api_key == self._environ.get(own):
            return f"${own}"
        if name in self._given:
            return source.setting if source else ""
        return f"{self.where}: connections.{name}" + (f".{source.setting}" if source else "")

    def base_url(self, name: str, connection: Connection, provider: Provider) -> str:
        """Where the vendor is. Raises ConfigurationError where nobody said it."""
        base_url = connection.base_url or provider.default_base_url
        if base_url is None:
            raise ConfigurationError(
                f"connection {name!r} has no base_url, and {provider.name} is self-hosted:"
                f" set ${variable(name, 'BASE_URL')}, or base_url under [connections.{name}]"
            )
        return base_url.rstrip("/")

    def reader(
        self, name: str, connection: Connection, read: Callable[[HttpResponse], T]
    ) -> Callable[[HttpResponse], Any]:
        """How answers at a connection are read: its fault rules go before, and what nobody knows is counted."""
        return watched(taught(read, connection.faults), self._drift(name))

    def decoder(self, name: str, provider: Provider) -> Callable[[HttpRequest], StreamDecoder | None]:
        """How streams at a connection are read: what nobody knows is counted."""
        return watched_decoder(provider, self._drift(name))

    def drift(self) -> dict[str, tuple[Drift, ...]]:
        """What was counted at each connection where there is anything, without secrets."""
        seen = {name: drifts.seen(self._mask(name)) for name, drifts in sorted(self._drifts.copy().items())}
        return {name: drifts for name, drifts in seen.items() if drifts}

    def _drift(self, name: str) -> Drifts:
        return self._drifts.get(name) or self._drifts.setdefault(name, Drifts())

    def _mask(self, name: str) -> Callable[[str], str]:
        return redactor_of(self._unlocked.get(name, self.connections[name]).secrets).text

    def _portable(self, target: str) -> list[Located]:
        name, at, asked = target.partition("@")
        agent = self.agents.get(name)
        if agent is None:
            raise self._unknown_agent(name)
        choices = [choice.strip() for choice in asked.split(",")] if at else agent.choices or ("",)
        for choice in choices:
            if choice not in agent.on:
                raise self._unbound(name, agent, choice)
        check_once(choices, f"target {target!r}")
        return [Located(choice, agent.on[choice].agent, agent.on[choice]) for choice in choices]

    def _unbound(self, name: str, agent: Agent, choice: str) -> UnknownTargetError:
        there = ", ".join(f"{name}@{connection}" for connection in agent.on)
        if not choice:
            return UnknownTargetError(f"agent {name!r} has no default: say which ({there})")
        known = choice in self.connections or choice in self.registry.names or choice in PUBLISHED
        hint = "" if known else did_you_mean(choice, list(agent.on))
        return UnknownTargetError(
            f"agent {name!r} is not bound to {choice!r} (there: {there}).{hint}"
            f" Add [agents.{name}.on.{choice}] to {self.where}"
        )

    def _unknown_agent(self, name: str) -> UnknownTargetError:
        there = ", ".join(sorted(self.agents)) or "none"
        return UnknownTargetError(
            f"no agent {name!r} (there: {there}).{did_you_mean(name, list(self.agents))}"
            f" For an agent that is not configured write 'connection:agent-id'{self._failed()}"
        )

    def unknown(self, name: str) -> UnknownTargetError:
        """What to raise for a connection that there is not: it lists those that there are, and says what to do."""
        there = ", ".join(self.connections) or "none"
        return UnknownTargetError(f"no connection {name!r} (there: {there}).{self._hint(name)}{self._failed()}")

    def _hint(self, name: str) -> str:
        """What to do where there is no connection of this name."""
        if name in self.registry.names and name in self.registry:
            wanted = "API_KEY" if self.registry[name].default_base_url else "BASE_URL"
            return f" Set ${variable(name, wanted)}, or write [connections.{name}] into agentbridge.toml"
        known = [*self.connections, *self.registry.names]
        if name not in self.registry.names and name in PUBLISHED:
            return f" No plugin brings {name!r}: install agentbridge-{name}"
        if self._is_configured(name) and not any(variable(name, "") == variable(one, "") for one in known):
            said = f"${variable(name, 'API_KEY')} or ${variable(name, 'BASE_URL')} is set"
            return f" {said}, but no plugin brings {name!r}: install it"
        return did_you_mean(name, known)

    def _is_configured(self, name: str) -> bool:
        return any(self._environ.get(variable(name, what)) for what in ("BASE_URL", "API_KEY"))

    def _failed(self) -> str:
        failures = self.registry.failures.values()
        return f". Plugins that did not load: {'; '.join(map(str, failures))}" if failures else ""


def _read(source: KeySource, label: str) -> str:
    try:
        key = source.read()
    except ConfigurationError as error:
        problem = str(error)
    else:
        check_sendable(key, f"{label}: the key of its {source.setting}", "mend what it reads")
        return key
    raise ConfigurationError(f"{label}.{problem}")


class _Connections(Mapping[str, Connection]):
    """The configured connections, and those that the environment makes of a provider's name."""

    def __init__(self, configured: Mapping[str, Connection], registry: Registry, environ: Mapping[str, str]) -> None:
        self._known = dict(configured)
        self._registry = registry
        self._environ = environ

    def __getitem__(self, name: str) -> Connection:
        if name not in self._known:
            # a plugin may bring providers that its entry point does not name: then all have to be looked at
            known = name in self._registry.names or (self._is_in_environment(name) and name in self._registry)
            found = configuration.from_environment(name, self._environ) if known else None
            if found is None:
                raise KeyError(name)
            self._known[name] = found
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*self._known, *filter(self._is_in_environment, self._registry.names)}))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<connections: {', '.join(self) or 'none'}>"

    def _is_in_environment(self, name: str) -> bool:
        return any(self._environ.get(variable(name, what)) for what in ("BASE_URL", "API_KEY"))
