"""Serves emulators on the loopback interface, from a thread of their own."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urlsplit

import attrs
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from ..connection import Connection
from ..errors import PluginError
from ..plugins import Registry
from ..provider import Provider
from ..serving import listening, running
from . import API_KEY, Emulator
from .chaos import Chaos
from .damaging import Hit, damaging


@attrs.frozen
class Served:
    """Emulators that are being served: their apps and connections by provider, and what could not be served and why."""

    url: str
    emulators: dict[str, Emulator]
    connections: Mapping[str, Connection]
    failures: Mapping[str, PluginError]
    _registry: Registry = attrs.field(repr=False)

    def renew(self) -> None:
        """Put new emulators in place of these, which know nothing of what happened so far."""
        self.emulators.update(load_emulators(self._registry)[0])


def load_emulators(registry: Registry | None = None) -> tuple[dict[str, Emulator], dict[str, PluginError]]:
    """The emulator of each installed provider that has one, and those that did not load: one harms no other."""
    registry = Registry() if registry is None else registry
    emulators: dict[str, Emulator] = {}
    failures: dict[str, PluginError] = {}
    for name, provider in registry.items():
        try:
            if provider.emulator:
                emulators[name] = load_emulator(provider)
        except PluginError as error:
            failures[name] = error
    return emulators, failures


def load_emulator(provider: Provider) -> Emulator:
    """A provider's emulator. Raises PluginError where it has none that can be made."""
    module, _, factory = (provider.emulator or "").partition(":")
    try:
        emulator: Emulator = getattr(importlib.import_module(module), factory)()
    except Exception as error:
        message = (
            f"provider {provider.name!r} names the emulator {provider.emulator!r}: {type(error).__name__}: {error}"
        )
        raise PluginError(message, plugin=provider.name) from error
    return emulator


@contextlib.contextmanager
def serve(
    registry: Registry | None = None,
    *,
    port: int = 0,
    chaos: Chaos | int | None = None,
    note: Callable[[Hit], None] = lambda _: None,
) -> Iterator[Served]:
    """Serve all emulators under one loopback address, each below its provider's name; port 0 takes a free one.

    With `chaos`, or its seed, their answers are damaged on the way; `note` is told of each request, in another thread.

    Raises:
        ConfigurationError: the port is taken.
    """
    registry = Registry() if registry is None else registry
    emulators, failures = load_emulators(registry)
    app = Starlette(routes=[Mount(f"/{name}", _current(emulators, name)) for name in emulators])
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listening(port))
        chaos = Chaos(chaos) if isinstance(chaos, int) else chaos
        served = (
            running(app, listener, "agentbridge-emulators") if chaos is None else damaging(app, listener, chaos, note)
        )
        stack.enter_context(served)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        connections = {name: _connection(registry[name], url) for name in emulators}
        yield Served(url, emulators, connections, failures, registry)


def _current(emulators: Mapping[str, Emulator], name: str) -> ASGIApp:
    """The emulator that there is when a request comes."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await emulators[name](scope, receive, send)

    return app


def _connection(provider: Provider, url: str) -> Connection:
    """Each emulator has the paths of its vendor, so the path of the vendor's own base URL is kept."""
    path = urlsplit(provider.default_base_url or "").path.rstrip("/")
    return Connection(provider.name, base_url=f"{url}/{provider.name}{path}", api_key=API_KEY)
