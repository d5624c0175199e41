"""A group whose commands are imported when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import click

Commands: TypeAlias = Mapping[str, tuple[str, str]]


class LazyGroup(click.Group):
    """Finds commands by name: `commands_in` says in which module of this package each of them is, and its short help.

    So the help of the group imports none of them.
    """

    def __init__(self, *args: Any, commands_in: Commands, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._known = commands_in

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._known)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self._known and not args[0].startswith("-") and not ctx.resilient_parsing:
            from ..naming import did_you_mean

            ctx.fail(f"there is no command {args[0]!r}.{did_you_mean(args[0], list(self._known))}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._known:
            return None
        module, short_help = self._known[cmd_name]
        found = importlib.import_module(f".{module}", __package__)
        command: click.Command = getattr(found, f"{cmd_name.replace('-', '_')}_command")
        command.short_help = short_help
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help) for name, (_, short_help) in self._known.items()])
