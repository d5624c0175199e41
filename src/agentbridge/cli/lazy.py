"""A group whose commands are imported when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click


class LazyGroup(click.Group):
    """Finds commands by name: `commands_in` says in which module of this package each of them is."""

    def __init__(self, *args: Any, commands_in: Mapping[str, str], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self._modules = commands_in

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._modules)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in self._modules and not args[0].startswith("-") and not ctx.resilient_parsing:
            from ..naming import did_you_mean

            ctx.fail(f"there is no command {args[0]!r}.{did_you_mean(args[0], list(self._modules))}")
        return super().resolve_command(ctx, args)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._modules:
            return None
        module = importlib.import_module(f".{self._modules[cmd_name]}", __package__)
        command: click.Command = getattr(module, f"{cmd_name.replace('-', '_')}_command")
        return command
