"""Finds providers: one entry point at a time, so that a broken plugin harms no other.

pluggy's own `load_setuptools_entrypoints` stops at the first plugin that fails to import, and skips a second
distribution of the same name in silence; hence the loop of our own.
"""

from __future__ import annotations

import importlib.metadata
import threading
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

import pluggy

from . import hookspecs
from .errors import PluginError, UnknownTargetError
from .provider import Provider

GROUP = "agentbridge"
FIELDS = frozenset({"text", "messages", "inputs", "files", "session_id", "user_id", "callback_url"})


class Registry(Mapping[str, Provider]):
    """The providers by name. Nothing is imported before it is asked for; `failures` names what did not load and why.

    `entry_points` replaces what the installed distributions declare. With `strict`, the first plugin that does not
    load raises its PluginError instead.
    """

    def __init__(
        self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None, *, strict: bool = False
    ) -> None:
        self._strict = strict
        self._lock = threading.RLock()
        self._providers: dict[str, Provider] = {}
        self._origins: dict[str, str] = {}
        self._failures: dict[str, PluginError] = {}
        self._given = None if entry_points is None else list(entry_points)
        self._waiting: list[importlib.metadata.EntryPoint] | None = None

    @property
    def failures(self) -> Mapping[str, PluginError]:
        """What did not load, by entry point and distribution. Loads all plugins."""
        self._load_all()
        return MappingProxyType(self._failures)

    @property
    def names(self) -> frozenset[str]:
        """The names that plugins are expected to bring, without importing them."""
        with self._lock:
            return frozenset(self._providers) | {point.name for point in self._unloaded()}

    def register(self, provider: Provider, *, origin: str = "register()") -> None:
        """Add a provider by hand.

        Raises:
            PluginError: for what is no provider, and for a name that is taken.
        """
        with self._lock:
            self._check(provider, origin)
            self._providers[provider.name] = provider
            self._origins[provider.name] = origin

    def _check(self, provider: Provider, origin: str) -> None:
        try:
            _check(provider, origin)
        except PluginError:
            raise
        except Exception as error:  # a property that raises
            problem = f"the plugin of {origin} is wrong: {type(error).__name__} when it was looked at"
            raise PluginError(problem, distribution=origin) from None
        if provider.name in self._providers:
            raise PluginError(
                f"two providers are called {provider.name!r}: one from {self._origins[provider.name]},"
                f" one from {origin}. The second is refused; uninstall one of them",
                plugin=provider.name,
                distribution=origin,
            )

    def __getitem__(self, name: str) -> Provider:
        with self._lock:
            self._load([point for point in self._unloaded() if point.name == name])
            if name not in self._providers:
                self._load_all()
            return self._providers[name]

    def __iter__(self) -> Iterator[str]:
        self._load_all()
        return iter(sorted(self._providers))

    def __len__(self) -> int:
        self._load_all()
        return len(self._providers)

    def __repr__(self) -> str:
        return f"<Registry of {', '.join(sorted(self.names)) or 'nothing'}>"

    def _unloaded(self) -> list[importlib.metadata.EntryPoint]:
        if self._waiting is None:
            found = importlib.metadata.entry_points(group=GROUP) if self._given is None else self._given
            self._waiting = sorted(set(found), key=lambda point: (point.name, _distribution(point)))
        return self._waiting

    def _load_all(self) -> None:
        with self._lock:
            self._load(list(self._unloaded()))

    def _load(self, points: list[importlib.metadata.EntryPoint]) -> None:
        for point in points:
            self._unloaded().remove(point)
            try:
                self._load_one(point)
            except PluginError as error:
                if self._strict:
                    raise
                self._failures[_unique(f"{point.name} ({_distribution(point)})", self._failures)] = error

    def _load_one(self, point: importlib.metadata.EntryPoint) -> None:
        origin = _distribution(point)
        providers = _providers_of(point)
        for provider in providers:  # all or none: half a plugin would be harder to understand than none
            self._check(provider, origin)
        for provider in providers:
            self.register(provider, origin=origin)


def _providers_of(point: importlib.metadata.EntryPoint) -> list[Provider]:
    """What one plugin brings, through a PluginManager of its own, so that nothing half-registered stays behind."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        plugin = point.load()
        manager.register(plugin, name=point.name)
        manager.check_pending()
        if not manager.get_hookcallers(plugin):
            raise PluginError("it implements no hook; decorate a function agentbridge_providers() with @hookimpl")
        return [provider for brought in manager.hook.agentbridge_providers() for provider in brought]
    except (Exception, SystemExit) as error:
        message = f"plugin {point.name!r} of {_distribution(point)} does not load: {type(error).__name__}: {error}"
        raise PluginError(message, plugin=point.name, distribution=_distribution(point)) from error


def _check(provider: object, origin: str) -> None:
    name = getattr(provider, "name", None)
    problem = None
    if not isinstance(provider, Provider):
        problem = f"{provider!r} is no Provider; yield instances, not classes"
    elif (
        not isinstance(name, str)
        or not name
        or name != name.lower()
        or not name.replace("-", "").replace("_", "").isalnum()
    ):
        problem = f"its name {name!r} must be lower case letters, digits and dashes"
    elif not isinstance(accepts := getattr(provider, "accepts", None), frozenset) or accepts - FIELDS:
        problem = f"accepts must be a frozenset of {', '.join(sorted(FIELDS))}"
    if problem:
        raise PluginError(f"the plugin of {origin} is wrong: {problem}", plugin=str(name or ""), distribution=origin)


def _distribution(point: importlib.metadata.EntryPoint) -> str:
    distribution = getattr(point, "dist", None)
    return distribution.name if distribution else "unknown distribution"


def _unique(key: str, taken: Mapping[str, object]) -> str:
    return key if key not in taken else _unique(key + "'", taken)


def known_provider(registry: Registry, name: str, asked_by: str) -> Provider:
    """The provider of this name, or an UnknownTargetError that lists what there is and what did not load."""
    try:
        return registry[name]
    except KeyError:
        failed = "".join(f"; {error}" for error in registry.failures.values())
        there = ", ".join(registry) or "none"
        raise UnknownTargetError(
            f"{asked_by} asks for the provider {name!r}, which is not installed (there: {there}){failed}"
        ) from None
