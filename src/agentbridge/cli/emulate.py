"""`agentbridge emulate`: stand-ins for the vendors, to try everything without an account."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from ..showing import visible
from .failures import require_extra, verbose_option
from .output import note

if TYPE_CHECKING:
    from ..connection import Connection
    from ..emulator import Emulator
    from ..emulator.damaging import Hit
    from ..errors import PluginError
    from ..plugins import Registry


@click.command("emulate")
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0 takes a free one.")
@click.option("--list", "listing", is_flag=True, help="List what the emulators can do, and serve nothing.")
@click.option(
    "--chaos", type=int, metavar="SEED", help="Damage the answers on the way, and say how: the same for the same seed."
)
@verbose_option
def emulate_command(port: int, chaos: int | None, *, listing: bool) -> None:
    """Serve stand-ins for all vendors on this machine until Ctrl-C.

    They answer as the vendors' documents say, with the documented failures too; the agent id chooses what happens.
    What this prints can be pasted into another terminal:

    \b
    Examples:
      agentbridge emulate                    (then, in another terminal, after the exports:)
      agentbridge invoke flowise:ok hello
      agentbridge invoke flowise:tool-error hello --verbose
      agentbridge emulate --list
      agentbridge emulate --chaos 7          (resets, half answers, silence, bombs ...)
    """  # noqa: D301 (click)
    require_extra("emulator", "emulate")
    from ..plugins import Registry

    registry = Registry()
    _note_failures(registry.failures)
    if listing:
        _list(registry)
    else:
        _serve(registry, port, chaos)


def _list(registry: Registry) -> None:
    from ..emulator import COMMON
    from ..emulator.serving import load_emulators

    emulators, failures = load_emulators(registry)
    _note_failures(failures)
    _check_any(emulators)
    targets = {name: _own(name, emulator) for name, emulator in emulators.items()}
    common = {f"PROVIDER:{scenario}": text for scenario, text in COMMON.items()}
    width = max(len(target) for group in (*targets.values(), common) for target in group)
    for name, group in {**targets, "each of them": common}.items():
        click.echo(click.style(name, bold=True))
        for target, text in group.items():
            click.echo(f"  {target:<{width}}  {text}")


def _own(provider: str, emulator: Emulator) -> dict[str, str]:
    """The scenarios that only this emulator has, by target."""
    from ..emulator import COMMON

    own = {name: text for name, text in emulator.scenarios.items() if COMMON.get(name) != text}
    return {f"{provider}:{name}": text for name, text in own.items()}


def _serve(registry: Registry, port: int, chaos: int | None) -> None:
    from ..emulator.serving import serve

    with serve(registry, port=port, chaos=chaos, note=_tell) as served:
        _note_failures(served.failures)
        _check_any(served.emulators)
        for name, connection in served.connections.items():
            click.echo("\n".join(_exports(name, connection)))
        click.echo(f"# Emulators of {', '.join(served.emulators)} run until Ctrl-C. Paste the lines above into another")
        click.echo("# terminal, and there try for example:")
        for example in _examples(registry):
            click.echo(f"#   {example}")
        if chaos is not None:
            click.echo(f"# Chaos {chaos}: what happens to each answer is told here.")
        threading.Event().wait()


def _tell(hit: Hit) -> None:
    from ..emulator.chaos import KINDS

    path = visible(hit.asked.target.partition("?")[0])
    click.echo(f"# {hit.number}. {hit.asked.method} {path}: {hit.damage.kind} ({KINDS[hit.damage.kind]})")


def _note_failures(failures: Mapping[str, PluginError]) -> None:
    for failure in failures.values():
        note(f"left out: {failure}")


def _exports(name: str, connection: Connection) -> list[str]:
    from ..connection import variable

    values = (("BASE_URL", connection.base_url), ("API_KEY", connection.api_key))
    return [f"export {variable(name, what)}={value}" for what, value in values]


def _examples(registry: Registry) -> list[str]:
    calls = [
        f"agentbridge invoke {name}:ok {'hello' if 'text' in provider.accepts else '-i topic=hello'}"
        for name, provider in registry.items()
        if provider.emulator
    ]
    return [*calls, "agentbridge emulate --list"]


def _check_any(emulators: object) -> None:
    if not emulators:
        from ..errors import ConfigurationError
        from ..installing import how_to_install

        raise ConfigurationError(f"no installed provider has an emulator: {how_to_install('flowise')}, for example")
