"""`agentbridge providers`: what is installed, what each vendor can carry, and what did not load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from ..installing import how_to_install
from .failures import verbose_option
from .options import config_option, json_option
from .output import console, one_line, say_json, show_table, table

if TYPE_CHECKING:
    from rich.table import Table

    from ..connection import Connection
    from ..plugins import Registry

_FIELDS = ("text", "messages", "inputs", "files", "session_id", "user_id", "callback_url")
_UNBOUNDED = 10_000  # columns: a table is measured against what it is given


@click.command("providers")
@config_option
@json_option
@verbose_option
def providers_command(config: str | None, *, as_json: bool) -> None:
    """List the installed providers: which fields of a call each can carry, whether it has an emulator, which
    connections are configured (never their keys), and which plugins did not load, and why.

    \b
    Examples:
      agentbridge providers
      agentbridge providers --config production.toml --json | jq .providers.flowise.accepts
    """  # noqa: D301 (click)
    from ..bridge import Bridge

    with Bridge(config) as bridge:
        found = describe(bridge.providers, bridge.connections)
    if as_json:
        say_json(found)
    else:
        render(found)


def describe(registry: Registry, connections: Mapping[str, Connection]) -> dict[str, Any]:
    """What `--json` prints: the providers by name, and the plugins that did not load."""
    by_provider: dict[str, list[str]] = {}
    for name, connection in connections.items():
        by_provider.setdefault(connection.provider, []).append(name)
    providers = {
        name: {
            "default_base_url": provider.default_base_url,
            "accepts": [field for field in _FIELDS if field in provider.accepts],
            "emulator": provider.emulator is not None,
            "connections": by_provider.get(name, []),
        }
        for name, provider in registry.items()
    }
    return {"providers": providers, "failures": _failures(registry)}


def render(found: Mapping[str, Any]) -> None:
    """Print what `describe` found: a table, or blocks where it is too wide, and beneath what did not load."""
    out = console()
    shown = _as_table(found["providers"])
    if not found["providers"]:
        click.echo(f"no providers are installed: {how_to_install('flowise')}, for example")
    elif out.measure(shown, options=out.options.update(max_width=_UNBOUNDED)).maximum <= out.width:
        show_table(shown, out)
    else:
        click.echo("\n\n".join(_block(name, facts) for name, facts in found["providers"].items()))
    if found["failures"]:
        click.secho("\nplugins that did not load:", bold=True)
    for failure in found["failures"]:
        click.echo(f"  {failure['plugin']} ({failure['distribution']}): {one_line(failure['reason'])}")


def _as_table(providers: Mapping[str, Any]) -> Table:
    made = table("provider", *_FIELDS, "emulator", "connections", "default base url")
    for name, facts in providers.items():
        carried = [_yes(field in facts["accepts"]) for field in _FIELDS]
        made.add_row(name, *carried, _yes(facts["emulator"]), _connections(facts), _base_url(facts))
    return made


def _block(name: str, facts: Mapping[str, Any]) -> str:
    """One provider in a few short lines, for narrow terminals."""
    lines = [
        click.style(name, bold=True),
        f"  carries      {', '.join(facts['accepts'])}",
        f"  emulator     {_yes(facts['emulator'])}",
        f"  connections  {_connections(facts)}",
        f"  base url     {_base_url(facts)}",
    ]
    return "\n".join(lines)


def _connections(facts: Mapping[str, Any]) -> str:
    return ", ".join(facts["connections"]) or "-"


def _base_url(facts: Mapping[str, Any]) -> str:
    return facts["default_base_url"] or "self-hosted"


def _failures(registry: Registry) -> list[dict[str, str]]:
    return [
        {"plugin": error.plugin, "distribution": error.distribution, "reason": str(error)}
        for error in registry.failures.values()
    ]


def _yes(value: object) -> str:
    return "yes" if value else "-"
