"""`agentbridge providers`: what is installed, what each vendor can carry, and what did not load."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from .options import config_option, json_option, verbose_option
from .output import console, one_line, say_json, show_table, table

if TYPE_CHECKING:
    from ..config import Connection
    from ..plugins import Registry

_FIELDS = ("text", "messages", "inputs", "files", "session_id", "user_id", "callback_url")
_SELF_HOSTED = "self-hosted"


@click.command("providers", short_help="List the installed providers and what each can carry.")
@config_option
@json_option
@verbose_option
def providers_command(config: str | None, *, as_json: bool) -> None:
    """List the installed providers: which fields of a call each can carry, whether it has an emulator, which
    connections are configured (never their keys), and which plugins did not load, and why.
    """
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
    """Print what `describe` found: a table, and beneath it what did not load."""
    shown = table("provider", *_FIELDS, "emulator", "connections", "default base url")
    for name, facts in found["providers"].items():
        carried = ["yes" if field in facts["accepts"] else "-" for field in _FIELDS]
        connections = ", ".join(facts["connections"]) or "-"
        shown.add_row(name, *carried, _yes(facts["emulator"]), connections, facts["default_base_url"] or _SELF_HOSTED)
    out = console()
    if found["providers"]:
        show_table(shown, out)
    else:
        out.print("no providers are installed: pip install a plugin, agentbridge-flowise for example")
    if found["failures"]:
        out.print("\nplugins that did not load:", style="bold")
    for failure in found["failures"]:
        out.print(f"  {failure['plugin']} ({failure['distribution']}): {one_line(failure['reason'])}", soft_wrap=True)


def _failures(registry: Registry) -> list[dict[str, str]]:
    return [
        {"plugin": error.plugin, "distribution": error.distribution, "reason": str(error)}
        for error in registry.failures.values()
    ]


def _yes(value: object) -> str:
    return "yes" if value else "-"
