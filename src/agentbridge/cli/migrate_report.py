"""`agentbridge migrate compare` decides whether a move may go on; `agentbridge migrate report` shows why."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..showing import visible
from .failures import verbose_option
from .migrate_replay import arm_option, ledger_argument
from .options import config_option, json_option
from .output import note, say_json, show_table, table

if TYPE_CHECKING:
    from ..migrate.comparing import Judge
    from ..migrate.report import Report

F = TypeVar("F", bound=Callable[..., Any])

_OUT = click.Path(dir_okay=False, path_type=Path)


def _comparing(command: F) -> F:
    """The arguments that say what is compared, and how."""
    for option in reversed(
        (
            ledger_argument,
            click.option("--cohort", metavar="KEY", help="Tell figures also by this key of the samples' metadata."),
            click.option(
                "--judge", "judges", multiple=True, metavar="NAME=MODULE:FUNCTION",
                help="A function of a Pair that gives a number or a bool; MODULE may be in this folder. May be given several times.",
            ),
            click.option("--worst", type=click.IntRange(0), default=20, show_default=True, help="Pairs shown of each category."),
            click.option("--seed", type=int, default=0, show_default=True, help="Decides which conversations are in one group."),
            arm_option,
            click.option("--baseline", default="baseline", show_default=True, help="The run that asked the old vendor again."),
            config_option,
        )
    ):  # fmt: skip
        command = option(command)
    return command


@click.command("compare")
@_comparing
@click.option("--differences", type=_OUT, metavar="FILE", help="Write a line of JSON for every pair.")
@json_option
@verbose_option
@click.pass_context
def compare_command(ctx: click.Context, /, *, differences: Path | None, as_json: bool, **given: Any) -> None:
    """Compare the answers in a ledger with those of production, and hold them against [migrate.gate] of the configuration.

    \b
    Examples:
      agentbridge migrate compare move.ledger
      agentbridge migrate compare move.ledger --cohort country --judge polite=judges:polite
      agentbridge migrate compare move.ledger --json > report.json

    \b
    Exit codes: 0 pass
                1 fail, or an error
                3 extend: too few samples to tell
    """  # noqa: D301 (click)
    from ..migrate.outputs import check_outputs
    from ..migrate.report import report_dict

    check_outputs([differences])
    report = _reported(differences=differences, **given)
    if as_json:
        say_json(report_dict(report))
    else:
        _show(report)
    ctx.exit(report.verdict.exit_code)


@click.command("report")
@_comparing
@click.option("--html", type=_OUT, metavar="FILE", help="One page that needs nothing beside it.")
@click.option("--json-file", type=_OUT, metavar="FILE", help="For programs; --json prints the same.")
@click.option("--markdown", type=_OUT, metavar="FILE", help="For a pull request or a ticket.")
@click.option("--junit", type=_OUT, metavar="FILE", help="For CI: a test case for each rule.")
@json_option
@verbose_option
def report_command(
    *, html: Path | None, json_file: Path | None, markdown: Path | None, junit: Path | None, as_json: bool, **given: Any
) -> None:
    """Write reports of a ledger. They hold answers of production: only their owner may read the files.

    The exit code says whether they were written; `agentbridge migrate compare` is what decides.

    \b
    Examples:
      agentbridge migrate report move.ledger --html report.html
      agentbridge migrate report move.ledger --junit gate.xml --markdown gate.md
    """  # noqa: D301 (click)
    from ..migrate import report as formats
    from ..migrate.outputs import check_outputs

    wanted = (
        (html, formats.as_html), (json_file, formats.as_json), (markdown, formats.as_markdown), (junit, formats.as_junit),
    )  # fmt: skip
    if not (as_json or any(path for path, _ in wanted)):
        raise click.UsageError("Say what to write: --html, --json-file, --markdown or --junit FILE, or --json.")
    check_outputs(path for path, _ in wanted)
    report = _reported(**given)
    if as_json:
        say_json(formats.report_dict(report))
    for path, written in wanted:
        if path is not None:
            _write(path, written(report))
            note(f"wrote {path}")


def _reported(
    ledger: str, config: str | None, arm: str, baseline: str, judges: tuple[str, ...], differences: Path | None = None,
    *, worst: int, cohort: str | None, seed: int,
) -> Report:  # fmt: skip
    from ..migrate.gate import Gate
    from ..migrate.ledger import Ledger
    from ..migrate.report import Report

    gate, judging = Gate.read(config), dict(map(_judge, judges))
    with Ledger(ledger) as opened, ExitStack() as files:
        each = None if differences is None else _lines(differences, files)
        return Report.of_ledger(
            opened, gate, arm=arm, baseline=baseline, judges=judging, cohort=cohort, keep=worst, seed=seed, each=each
        )


def _judge(text: str) -> tuple[str, Judge]:
    from ..errors import ConfigurationError

    name, _, where = text.partition("=")
    module, _, function = where.partition(":")
    if not (name and module and function):
        raise click.BadParameter(f"{text!r} is not NAME=MODULE:FUNCTION.", param_hint="--judge")
    sys.path.insert(0, "")
    try:
        return name, getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise ConfigurationError(f"the judge {name!r} cannot be loaded: {error}") from None
    finally:
        sys.path.remove("")


def _lines(path: Path, files: ExitStack) -> Callable[..., None]:
    """Writes each pair as a line."""
    from ..migrate.outputs import replaced
    from ..migrate.samples import as_line

    file = files.enter_context(replaced(path))

    def write(pair: Any, compared: Any) -> None:
        noise = None if compared.noise is None else compared.noise.category
        found: Mapping[str, Any] = compared.difference.to_dict()
        file.write(as_line({"id": pair.sample.id, **found, "noise": noise, "scores": dict(compared.scores)}))

    return write


def _write(path: Path, text: str) -> None:
    from ..migrate.outputs import replaced

    with replaced(path) as file:
        file.write(text.encode("utf-8", "replace").decode())


def _show(report: Report) -> None:
    from ..migrate.comparing import CATEGORIES
    from ..migrate.figures import spoken
    from .output import console

    overall, comparison = report.comparison.overall, report.comparison
    click.echo(
        visible(
            f"{report.headline}\n{report.title}: {overall.pairs:,} samples in {overall.conversations:,} conversations"
        )
    )
    click.echo(f"{report.counted_line}\n")
    for ruling in report.verdict.rulings:
        click.echo(visible(f"  {ruling.outcome:6}  {ruling.reason}"))
    rows = table("", "new against old", "old against old")
    for name in CATEGORIES:
        if overall.categories.get(name) or overall.noise.get(name):
            noise = f"{overall.noise.get(name, 0):,}" if overall.repeated else "-"
            rows.add_row(spoken(name), f"{overall.categories.get(name, 0):,}", noise)
    click.echo()
    show_table(rows, console())
    for judge, count in comparison.judge_errors.items():
        note(f"the judge {judge!r} raised {count:,} times; those are not counted")
