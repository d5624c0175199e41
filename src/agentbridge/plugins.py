"""Finds providers: one entry point at a time, so that a broken plugin harms no other.

pluggy's own `load_setuptools_entrypoints` stops at the first plugin that fails to import, and skips a second
distribution of the same name in silence; hence the loop of our own.
"""

from __future__ import annotations

import inspect
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib.metadata import EntryPoint
from types import MappingProxyType
from typing import Any

import pluggy

from . import hookspecs
from ._version import __version__
from .entry_points import distribution, in_order, installed, last_installed
from .errors import PluginError, UnknownTargetError
from .naming import did_you_mean
from .provider import API_VERSION, Operation, Provider

FIELDS = frozenset({"text", "messages", "inputs", "files", "session_id", "user_id", "callback_url"})


class Registry(Mapping[str, Provider]):
    """The providers by name. Nothing is imported before it is asked for; `failures` names what did not load and why.

    A plugin that did not load is tried again when it is asked for by name: what was missing may be there by then.
    `entry_points` replaces what the installed distributions declare. With `strict`, the first plugin that does not
    load raises its PluginError instead.
    """

    def __init__(self, entry_points: Iterable[EntryPoint] | None = None, *, strict: bool = False) -> None:
        self._strict = strict
        self._lock = threading.RLock()
        self._providers: dict[str, Provider] = {}
        self._origins: dict[str, str] = {}
        self._failures: dict[str, PluginError] = {}
        self._failed: dict[str, EntryPoint] = {}
        self._is_given = entry_points is not None
        self._points = None if entry_points is None else in_order(entry_points)
        self._tried: list[EntryPoint] = []

    @property
    def failures(self) -> Mapping[str, PluginError]:
        """What did not load, by entry point and distribution. Loads all plugins."""
        self._load_all()
        return MappingProxyType(dict(self._failures))

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
        _check(provider, origin)
        self._add(provider, origin)

    def _add(self, provider: Provider, origin: str) -> None:
        with self._lock:
            self._check_free(provider, origin)
            self._providers[provider.name] = provider
            self._origins[provider.name] = origin

    def _check_free(self, provider: Provider, origin: str) -> None:
        if provider.name in self._providers:
            raise PluginError(
                f"two providers are called {provider.name!r}: one from {self._origins[provider.name]},"
                f" one from {origin}. The second is refused; uninstall one of them",
                plugin=provider.name,
                distribution=origin,
            )

    def __getitem__(self, name: str) -> Provider:
        with self._lock:
            self._forget_failure(name)
            self._load(self._called(name))
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

    def _unloaded(self) -> list[EntryPoint]:
        if self._points is None:
            self._points = installed()
        return self._untried(self._points)

    def _called(self, name: str) -> list[EntryPoint]:
        """Those of this name. What was found before serves, if it is among that: to look again takes long."""
        known = last_installed() if self._points is None else self._points
        named = [point for point in known if point.name == name]
        return self._untried(named) if named else [point for point in self._unloaded() if point.name == name]

    def _untried(self, points: Sequence[EntryPoint]) -> list[EntryPoint]:
        return [point for point in points if point not in self._tried]

    def _forget_failure(self, name: str) -> None:
        for key in [key for key, point in self._failed.items() if point.name == name]:
            self._tried.remove(self._failed.pop(key))
            del self._failures[key]

    def _load_all(self) -> None:
        with self._lock:
            self._load(self._unloaded())

    def _load(self, points: list[EntryPoint]) -> None:
        for point in points:
            self._tried.append(point)
            try:
                self._load_one(point)
            except PluginError as error:
                error.plugin = error.plugin or point.name
                if self._strict:
                    self._tried.remove(point)
                    raise
                key = _unique(f"{point.name} ({distribution(point)})", self._failures)
                self._failures[key], self._failed[key] = error, point

    def _load_one(self, point: EntryPoint) -> None:
        before = dict(self._providers), dict(self._origins)
        try:
            providers, origin = _brought(point) if self._is_given else _brought_once(point)
            for provider in providers:
                self._add(provider, origin)
        except PluginError:  # all or none: half a plugin would be harder to understand than none
            self._providers, self._origins = before
            raise


def _brought(point: EntryPoint) -> tuple[tuple[Provider, ...], str]:
    """The providers of a plugin, looked at, and the name of what brought them."""
    providers, origin = tuple(_providers_of(point)), distribution(point)
    for provider in providers:
        _check(provider, origin)
    return providers, origin


_brought_once = lru_cache(maxsize=64)(_brought)  # providers are stateless, and serve all registries


def _providers_of(point: EntryPoint) -> list[Provider]:
    """What one plugin brings, through a PluginManager of its own, so that nothing half-registered stays behind."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        plugin = point.load()
        manager.register(plugin, name=point.name)
        manager.check_pending()
        if not manager.get_hookcallers(plugin):
            raise PluginError("it implements no hook; decorate a function agentbridge_providers() with @hookimpl")
        brought = manager.hook.agentbridge_providers()
        if not brought:  # pluggy leaves None out
            raise PluginError("agentbridge_providers() returned None; return a list of providers")
        return [provider for providers in brought for provider in providers]
    except (Exception, SystemExit) as error:
        message = f"plugin {point.name!r} of {distribution(point)} does not load: {_told(error)}"
        raise PluginError(message, plugin=point.name, distribution=distribution(point)) from error


def _told(error: BaseException) -> str:
    """What an exception says, also one that cannot even do that."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return type(error).__name__


def _check(provider: object, origin: str) -> None:
    try:
        problem = _problem(provider)
    except Exception as error:  # a property that raises
        problem = f"{type(error).__name__} when it was looked at"
        raise PluginError(f"the plugin of {origin} is wrong: {problem}", distribution=origin) from None
    if problem:
        name = getattr(provider, "name", None)
        raise PluginError(f"the plugin of {origin} is wrong: {problem}", plugin=str(name or ""), distribution=origin)


def _problem(provider: object) -> str | None:
    """What keeps a provider from being one. Its version comes first: another one may mean all else otherwise."""
    if not isinstance(provider, Provider):
        return f"{provider!r} is no Provider; yield instances, not classes"
    name = getattr(provider, "name", None)
    if provider.api_version != API_VERSION:
        return (
            f"provider {name!r} was built for version {provider.api_version} of the plugin API, and this agentbridge-core"
            f" {__version__} has version {API_VERSION}. Install versions of the two that fit"
        )
    if not _is_name(name):
        return f"its name {name!r} must be lower case letters, digits and dashes"
    if not isinstance(accepts := getattr(provider, "accepts", None), frozenset) or accepts - FIELDS:
        return f"accepts must be a frozenset of {', '.join(sorted(FIELDS))}"
    wrong = (
        f"{attribute} must be {what}" for attribute, what, fits in _ATTRIBUTES if not fits(getattr(provider, attribute))
    )
    return next(wrong, None) or _problem_of_operations(provider)


def _problem_of_operations(provider: Provider) -> str | None:
    """Those that a plugin imports only when it is asked for them are left to its contract test: here it would be asked."""
    kinds = inspect.getattr_static(provider, "operations")
    fine = hasattr(kinds, "__get__") or _are_operations(kinds)
    return None if fine else "operations must be a tuple of Operation classes"


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name == name.lower() and name.replace("-", "").replace("_", "").isalnum()


def _is_text_or_none(value: object) -> bool:
    return value is None or isinstance(value, str)


def _is_pattern_or_none(value: object) -> bool:
    try:
        return value is None or (isinstance(value, str) and bool(re.compile(value)))
    except re.error:
        return False


def _are_operations(kinds: object) -> bool:
    return isinstance(kinds, tuple) and all(isinstance(kind, type) and issubclass(kind, Operation) for kind in kinds)


_ATTRIBUTES: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("default_base_url", "a str or None", _is_text_or_none),
    ("delivery_id", "a str or None", _is_text_or_none),
    ("emulator", "a str or None", _is_text_or_none),
    ("ping", "a str or None", _is_text_or_none),
    ("key_pattern", "a regular expression or None", _is_pattern_or_none),
    ("shares_default_session", "a bool", lambda value: isinstance(value, bool)),
    ("options", "a frozenset of names", lambda names: isinstance(names, frozenset)),
)


def _unique(key: str, taken: Mapping[str, object]) -> str:
    return key if key not in taken else _unique(key + "'", taken)


def known_provider(registry: Registry, name: str, asked_by: str) -> Provider:
    """The provider of this name, or an UnknownTargetError that lists what there is and what did not load."""
    try:
        return registry[name]
    except KeyError:
        failed = "".join(f"; {error}" for error in registry.failures.values())
        there = ", ".join(registry) or "none"
        hint = did_you_mean(name, list(registry))
        raise UnknownTargetError(
            f"{asked_by} asks for the provider {name!r}, which is not installed (there: {there}){failed}.{hint}"
        ) from None
