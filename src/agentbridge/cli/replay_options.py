"""The arguments of commands that replay: how fast, how much, and when to stop."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .failures import require_extra, verbose_option
from .options import config_option, json_option
from .output import note, say_json

if TYPE_CHECKING:
    from ..migrate import Answer, Summary, Turn

F = TypeVar("F", bound=Callable[..., Any])

UNFINISHED = 3
"""The exit code where calls remain."""

_OPTIONS = (
    click.option("--concurrency", type=click.IntRange(1), default=16, show_default=True, metavar="N",
                 help="Conversations at the same time; limits of the connection hold all the same."),
    click.option("--max-calls", type=click.IntRange(1), metavar="N", help="Stop after so many calls, of all runs."),
    click.option("--max-credits", type=click.FloatRange(0, min_open=True), metavar="X",
                 help="Stop when so many credits are spent, of all runs."),
    click.option("--max-minutes", type=click.FloatRange(0, min_open=True), metavar="X", help="Stop after so long."),
    click.option("--stop-after", type=click.IntRange(1), default=10, show_default=True, metavar="N",
                 help="Stop when so many calls in a row got no answer."),
    click.option("--allow-side-effects", is_flag=True, help="Also call agents that are marked with side effects."),
    click.option("--engine", type=click.Choice(["threads", "ray"]), default="threads", show_default=True,
                 help="Where the calls are made: in this process, or on a Ray cluster (extra `ray`)."),
    click.option("--ray-address", metavar="ADDRESS", help="With ray: the cluster [default: $RAY_ADDRESS, else one of its own]."),
    click.option("--workers", type=click.IntRange(1), default=2, show_default=True, metavar="N", help="With ray: its workers."),
    config_option,
    json_option,
    verbose_option,
)  # fmt: skip

sessions_option = click.option(
    "--sessions", type=click.Choice(["mapped", "fresh", "same-id", "inline-history"]), default="mapped",
    show_default=True, help="How conversations are carried over.",
)  # fmt: skip


def replay_options(command: F) -> F:
    """Decorate a command with the arguments of a replay."""
    for decorate in reversed(_OPTIONS):
        command = decorate(command)
    return command


def replayed(ledger: str, to: str, arm: str, sessions: str, config: str | None, given: Mapping[str, Any]) -> Summary:
    """Make the calls of a ledger that remain, by the engine that was asked for, with a bar where that is possible."""
    fields = {"arm": arm, "sessions": sessions, **replay_fields(given)}
    if given["engine"] == "ray":
        return _on_ray(ledger, config, to, given, fields)
    from ..bridge import Bridge
    from ..migrate import Ledger, replay

    with Ledger(ledger) as book, Bridge(config) as bridge:
        counts = book.counts(arm)
        with progress(counts.total, counts.final) as tell, finishing_first():
            return replay(book, bridge, to, on_answer=tell, **fields)


def _on_ray(ledger: str, config: str | None, to: str, given: Mapping[str, Any], fields: dict[str, Any]) -> Summary:
    require_extra("ray", "--engine ray")
    from ..migrate import replay_on_ray

    with finishing_first():
        return replay_on_ray(ledger, config, to, address=given["ray_address"], workers=given["workers"], **fields)


def replay_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """What `replay_options` read, in the words of `replay`."""
    from ..migrate import Budget

    budget = Budget(calls=given["max_calls"], credits=given["max_credits"], minutes=given["max_minutes"])
    said = {name: given[name] for name in ("concurrency", "stop_after", "allow_side_effects")}
    return {"budget": budget, **said}


@contextlib.contextmanager
def progress(total: int, done: int) -> Iterator[Callable[[Turn, Answer], None]]:
    """A bar on stderr, where that is a terminal; what is yielded is told of each answer."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    shown = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[failed]} failed"))
    failed = 0
    with Progress(*columns, console=shown, disable=not shown.is_terminal, transient=True) as bar:
        task = bar.add_task("", total=total, completed=done, failed=0)

        def tell(_: Turn, answer: Answer) -> None:
            nonlocal failed
            failed += not answer.ok
            bar.update(task, advance=answer.standing != "remains", failed=failed)

        yield tell


@contextlib.contextmanager
def finishing_first() -> Iterator[None]:
    """Being told to end is as Ctrl-C: the calls under way are finished and written down."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def show(summary: Summary, ledger: str, *, as_json: bool) -> None:
    """What a run did, what is left, and what a human has to decide. Exits with 3 where calls remain."""
    import attrs

    counts = summary.counts
    if as_json:
        say_json({**attrs.asdict(summary), "remaining": counts.remaining})
    else:
        failed = f", {counts.failed:,} of them by a failure" if counts.failed else ""
        click.echo(
            f"{summary.made:,} calls in {summary.seconds:.1f} s; {counts.final:,} of {counts.total:,} answered{failed}"
        )
        if counts.credits is not None:
            click.echo(f"{counts.credits:g} credits so far")
    if counts.unknown:
        note(f"{counts.unknown:,} may have run and their answers are lost: agentbridge migrate unknown {ledger}")
    if summary.stopped:
        note(f"stopped: {summary.stopped}")
    if counts.remaining:
        note(f"{counts.remaining:,} remain; the same command goes on with them")
    if counts.remaining or counts.unknown:
        click.get_current_context().exit(UNFINISHED)
