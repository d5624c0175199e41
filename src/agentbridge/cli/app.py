"""The group of all commands: each is imported when it is asked for, and every error ends in one place."""

from __future__ import annotations

import os
from typing import Any

import click

from .failures import BROKEN_PIPE, INTERRUPTED, is_ours, report, silence, verbose_option
from .lazy import LazyGroup
from .output import forgive

_COMMANDS = {
    "invoke": ("invoke", "Call an agent and print its answer."),
    "prepare": ("invoke", "Show what invoke would send, as curl, and send nothing."),
    "submit": ("runs", "Start an agent and print how to find its answer."),
    "wait": ("runs", "Wait for the answer of a run that was submitted."),
    "recover": ("runs", "Find a run again whose answer was lost."),
    "resume": ("runs", "Continue a run that waits for a human."),
    "callbacks": ("callbacks", "Receive what vendors call back."),
    "batch": ("batch", "Call an agent for each line of a file."),
    "call": ("call", "Call another endpoint of a vendor: usage, ratings, content ..."),
    "explain": ("explain", "Say what a vendor's reply means, and what decided it."),
    "providers": ("providers", "List the installed providers and what each can carry."),
    "doctor": ("doctor", "Find what stands in the way of calls, without making one."),
    "emulate": ("emulate", "Serve stand-ins for all vendors on this machine."),
    "demo": ("demo", "See on one page what this is for; needs no account and no network."),
    "migrate": ("migrate", "Move a workload from one vendor to another."),
    "new-plugin": ("new_plugin", "Write the start of a plugin for another vendor."),
}


class CliGroup(LazyGroup):
    """All commands; what they raise becomes an exit code."""

    def main(self, *args: Any, **extra: Any) -> Any:
        forgive()
        return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except BrokenPipeError:
            silence()
            ctx.exit(BROKEN_PIPE)
        except Exception as error:
            if not is_ours(error):
                raise
            report(error, ctx)
            ctx.exit(1)


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from .._version import __version__

        click.echo(f"agentbridge {__version__}")
        ctx.exit()


@click.group(
    cls=CliGroup,
    commands_in=_COMMANDS,
    name="agentbridge",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@verbose_option
@click.option(
    "--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Show the version and exit."
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Call agents on FluxPrompt, Promptitude, FlowGent, Flowise and others, all in the same way.

    New here? Run `agentbridge demo`: it needs no account and no network.

    \b
    Examples:
      agentbridge invoke flowise:8a92ec5b-1473 "Help me troubleshoot my login"
      agentbridge providers
      agentbridge doctor

    \b
    Completion of commands, options and targets, for the rest of this shell:
      eval "$(_AGENTBRIDGE_COMPLETE=bash_source agentbridge)"     (or zsh_source, fish_source)

    \b
    Exit codes: 0 success
                1 an error, in one line on stderr: ClassName: what went wrong
                2 wrong usage
                130 stopped by Ctrl-C
    """  # noqa: D301 (click knows a paragraph that keeps its lines by this character)
    if os.environ.get("NO_COLOR"):
        ctx.color = False
