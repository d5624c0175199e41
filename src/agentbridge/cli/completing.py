"""What a shell offers where a target, a connection or a provider is asked for: at once, and never with an error.

The configuration is read as it stands, since to check it would take longer than a person waits for a key.
"""

from __future__ import annotations

import importlib.metadata
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import click

Offering: TypeAlias = Callable[[click.Context, click.Parameter, str], list[str]]


def _offering(names: Callable[[Mapping[str, Any]], Iterable[str]]) -> Offering:
    """Completes by names; by none where the configuration is not what it should be, since a shell shows no reason."""

    def complete(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
        try:
            return sorted(
                {name for name in names(_configured(ctx.params.get("config"))) if name.startswith(incomplete)}
            )
        except Exception:
            return []

    return complete


def _configured(config: str | None) -> dict[str, Any]:
    import tomllib
    from pathlib import Path

    path = Path(config or os.environ.get("AGENTBRIDGE_CONFIG") or "agentbridge.toml")
    return tomllib.loads(path.read_text("utf-8-sig")) if path.is_file() else {}


def _targets(config: Mapping[str, Any]) -> Iterable[str]:
    """Agents, agents at a vendor, vendors' agents that the configuration knows, and connections to be gone on with."""
    for name, agent in config.get("agents", {}).items():
        yield name
        for connection, binding in agent["on"].items():
            yield f"{name}@{connection}"
            yield f"{connection}:{binding['agent']}"
    yield from (f"{name}:" for name in _connections(config))


def _connections(config: Mapping[str, Any]) -> Iterable[str]:
    """Those of the configuration, and those that the environment makes of a provider's name."""
    yield from config.get("connections", {})
    for name in _providers(config):
        prefix = name.replace("-", "_").upper()
        if any(os.environ.get(f"{prefix}_{what}") for what in ("BASE_URL", "API_KEY")):
            yield name


def _providers(_: Mapping[str, Any]) -> Iterable[str]:
    return (point.name for point in importlib.metadata.entry_points(group="agentbridge"))


targets = _offering(_targets)
connections = _offering(_connections)
providers = _offering(_providers)
