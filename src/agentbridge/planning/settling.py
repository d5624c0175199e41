"""What all calls of one agent at one vendor have in common, made once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ..bindings import merge
from ..connection import Connection
from ..directory import Directory, Located
from ..pacing import Pace
from ..provider import Provider, StreamDecoder
from ..wire import HttpRequest, HttpResponse
from .checks import check_agent
from .settings import Settings


@attrs.frozen(kw_only=True, slots=False)
class Settled:
    """One agent at one vendor: what is the same for all of its calls that give the same settings."""

    place: Located
    connection: Connection
    provider: Provider
    settings: Settings
    base_url: str
    secrets: frozenset[str]
    key_origin: str
    options: Mapping[str, Any]
    read: Callable[[HttpResponse], Any]
    decoder: Callable[[HttpRequest], StreamDecoder | None]
    pace: Pace | None


def settled(directory: Directory, defaults: Settings, settings: Settings, place: Located) -> Settled:
    """What is fixed before anything is said; `settings` are the call's. It is made once.

    Raises:
        ConfigurationError: the target or the configuration is wrong.
    """
    key = (place.connection, place.agent, id(place.binding), settings, defaults)
    return directory.once(key, lambda: _settle(directory, defaults, settings, place))


def _settle(directory: Directory, defaults: Settings, settings: Settings, place: Located) -> Settled:
    connection, provider = directory.connection(place.connection)
    check_agent(place.agent, place.connection, connection.base_url)
    return Settled(
        place=place,
        connection=connection,
        provider=provider,
        settings=settings.over(connection).over(defaults),
        base_url=directory.base_url(place.connection, connection, provider),
        secrets=connection.secrets,
        key_origin=directory.key_origin(place.connection, connection),
        options=merge(connection.options, place.binding.options if place.binding else {}),
        read=directory.reader(place.connection, connection, provider.read),
        decoder=directory.decoder(place.connection, provider),
        pace=directory.paces.get(place.connection),
    )
