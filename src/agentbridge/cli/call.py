"""`agentbridge call`: the vendors' other endpoints, each a command made of the fields of its operation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from .completing import connections
from .failures import verbose_option
from .options import config_option, json_option
from .output import note

if TYPE_CHECKING:
    from ..errors import PluginError
    from ..plugins import Registry
    from ..provider import Operation, Provider

_REGISTRY = "agentbridge.registry"
_EFFECTS = "may have side effects"
_ANYTHING = {"ignore_unknown_options": True, "allow_extra_args": True}


class _Lookup(click.Group):
    """A group whose commands are found when they are asked for. Called without one it lists them."""

    def __init__(self, find: Callable[[], Mapping[str, click.Command]], missing: str, **more: Any) -> None:
        super().__init__(invoke_without_command=True, subcommand_metavar="", **more)
        self.find = find
        self.missing = missing

    def list_commands(self, ctx: click.Context) -> list[str]:
        with ctx.scope(cleanup=False):  # a shell that completes asks without one
            return list(self.find())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        with ctx.scope(cleanup=False):
            known = self.find()
        if cmd_name not in known and not cmd_name.startswith("-") and not ctx.resilient_parsing:
            from ..naming import did_you_mean

            there = ", ".join(known) or "none"
            ctx.fail(f"{self.missing} {cmd_name!r} (there: {there}).{did_you_mean(cmd_name, list(known))}")
        return known.get(cmd_name)


def _registry() -> Registry:
    """The providers, loaded once a run."""
    meta = click.get_current_context().meta
    if _REGISTRY not in meta:
        from ..plugins import Registry

        meta[_REGISTRY] = Registry()
    registry: Registry = meta[_REGISTRY]
    return registry


def _providers() -> dict[str, click.Command]:
    return {name: _group(provider) for name, provider in _registry().items()}


def _group(provider: Provider) -> click.Command:
    """The operations of one provider as commands."""
    return _Lookup(
        lambda: {name: _command(name, kind) for name, kind in _operations(provider).items()},
        f"{provider.name} has no operation",
        name=provider.name,
        callback=lambda: _show_list([provider]),
        help=f"The other endpoints of {provider.name}; without OPERATION they are listed.\n\n{_example(provider.name)}",
        short_help=", ".join(_operations(provider)) or "(none)",
        options_metavar="OPERATION [OPTIONS]",
    )


def _operations(provider: Provider) -> dict[str, type[Operation[Any]]]:
    return {kind.name: kind for kind in provider.operations if kind.name}


def _show_list(providers: Iterable[Provider]) -> None:
    """Each operation in a line, unless one of them is called."""
    from .fields import summary_of

    if click.get_current_context().invoked_subcommand is not None:
        return
    found = [(provider.name, name, kind) for provider in providers for name, kind in _operations(provider).items()]
    width = max((len(f"{provider} {name}") for provider, name, _ in found), default=0)
    for provider, name, kind in found:
        effects = "" if kind.idempotent else f" ({_EFFECTS})"
        click.echo(f"{f'{provider} {name}':<{width}}  {summary_of(kind)}{effects}")
    if found:
        note("agentbridge call PROVIDER OPERATION --help shows what one takes")
    else:
        note("there are no operations")
    for failure in _registry().failures.values():
        note(f"left out: {failure}")


call_command = _Lookup(
    _providers,
    "there is no provider",
    name="call",
    callback=lambda: _show_list(_registry().values()),
    options_metavar="PROVIDER OPERATION [OPTIONS]",
    help="""Call another endpoint of a vendor: usage, ratings, content and what else its plugin has.

    Alone it lists the operations of all providers; with PROVIDER those of one.

    \b
    Examples:
      agentbridge call flowgent
      agentbridge call flowgent usage --help
      agentbridge call flowgent usage --agent 66a72b17-cb03 --start 2025-05-20 --end 2025-05-26
      agentbridge call promptitude rate --result Z2gV2otfCKIt17t76KFJ --stars 3 --json
    """,
)


def _command(name: str, kind: type[Operation[Any]]) -> click.Command:
    """The command that calls one operation."""
    from ..errors import PluginError
    from .fields import described, options_of, summary_of

    effects = (
        ""
        if kind.idempotent
        else f"\n\nThis {_EFFECTS}: unless it only reads (GET), it is not sent again where it may have run."
    )
    try:
        options = options_of(kind)
    except PluginError as error:
        return _broken(name, error)

    @click.command(name, help=described(kind) + effects, short_help=summary_of(kind))
    @click.option(
        "--connection",
        metavar="NAME",
        shell_complete=connections,
        help=f"The account to use [default: {kind.provider}].",
    )
    @config_option
    @json_option
    @verbose_option
    def command(connection: str | None, config: str | None, *, as_json: bool, **given: Any) -> None:
        _call(_made(kind, given), connection, config, as_json=as_json)

    command.params[:0] = options
    wanted = (f"{one.opts[0]} {one.make_metavar(click.Context(command))}" for one in options if one.required)
    command.help = f"{command.help}\n\n{_example(kind.provider, name, *wanted)}"
    return command


def _example(*words: str) -> str:
    return f"\b\nExample:\n  {' '.join(('agentbridge call', *words))}"


def _broken(name: str, error: PluginError) -> click.Command:
    """A command that says what is wrong with its operation, and harms no other."""

    @click.command(name, short_help=str(error), context_settings=_ANYTHING)
    def command() -> None:
        raise error

    return command


def _call(operation: Operation[Any], connection: str | None, config: str | None, *, as_json: bool) -> None:
    from ..bridge import Bridge
    from .values import show

    with Bridge(config, registry=_registry()) as bridge:
        answer = bridge.call(operation, connection)
    show(answer, as_json=as_json)


def _made(kind: type[Operation[Any]], given: Mapping[str, Any]) -> Operation[Any]:
    """The operation with what was given; a wrong value is the user's mistake, whatever the plugin raises for it."""
    from ..errors import AgentBridgeError, ConfigurationError
    from .fields import PREFIX

    said = {name.removeprefix(PREFIX): value for name, value in given.items() if value not in (None, ())}
    try:
        return kind(**said)
    except AgentBridgeError:
        raise
    except (TypeError, ValueError) as error:
        raise ConfigurationError(f"{kind.__name__}: {error}") from None
