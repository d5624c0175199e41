"""`agentbridge doctor`: what stands in the way of calls, and what to do about it."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import click

from .completing import connections as complete
from .failures import verbose_option
from .options import config_option, json_option
from .output import one_line, say_json

if TYPE_CHECKING:
    from ..doctor import Finding, Level

_COLOURS = {"fine": "green", "warning": "yellow", "problem": "red"}


@click.command("doctor")
@click.argument("connections", nargs=-1, shell_complete=complete)
@click.option("--offline", is_flag=True, help="Send nothing: look at the configuration alone.")
@click.option(
    "--call", is_flag=True, help="Also try the key, by a request that only reads, where the plugin knows one."
)
@config_option
@json_option
@verbose_option
@click.pass_context
def doctor_command(
    ctx: click.Context, connections: tuple[str, ...], config: str | None, *, offline: bool, call: bool, as_json: bool
) -> None:
    """Look at the configured connections, or at those that are named: keys, base URLs, names, certificates, proxies,
    and whether somebody answers; and at the plugins. No agent is run, and no key is sent unless --call asks for it.

    \b
    Examples:
      agentbridge doctor
      agentbridge doctor flowise-eu --call
      agentbridge doctor --offline --json

    Exits with 1 where a problem is found; a warning is none.
    """  # noqa: D301 (click)
    from ..doctor import examine

    if offline and call:
        raise click.UsageError("--offline sends nothing, and --call does: give one of them.")
    found = examine(config, only=connections, offline=offline, call=call)
    if as_json:
        say_json(as_dict(found))
    else:
        _show(found)
    ctx.exit(1 if count(found, "problem") else 0)


def as_dict(found: list[Finding]) -> dict[str, object]:
    """What `--json` prints."""
    import attrs

    counts = {"problems": count(found, "problem"), "warnings": count(found, "warning")}
    return {**counts, "findings": [attrs.asdict(finding) for finding in found]}


def count(found: list[Finding], level: Level) -> int:
    """How many findings are of this level."""
    return sum(finding.level == level for finding in found)


def _show(found: list[Finding]) -> None:
    for name, findings in groupby(found, lambda finding: finding.connection):
        click.secho(name or "this machine", bold=True)
        for finding in findings:
            level = click.style(f"{finding.level:<8}", fg=_COLOURS[finding.level])
            click.echo(f"  {level} {finding.check}: {one_line(finding.message)}")
            if finding.remedy:
                click.echo(f"           {one_line(finding.remedy)}")
    click.echo(_counted(count(found, "problem"), "problem") + ", " + _counted(count(found, "warning"), "warning"))


def _counted(number: int, noun: str) -> str:
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
