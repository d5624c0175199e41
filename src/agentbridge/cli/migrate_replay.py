"""`agentbridge migrate replay`, `status` and `unknown`: the ledger and what is done by it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .completing import connections
from .failures import verbose_option
from .options import json_option
from .output import console, note, one_line, say_json, show_table, table
from .replay_options import replay_options, replayed, sessions_option, show

if TYPE_CHECKING:
    from ..migrate import Ledger, Turn

_SHOWN = 80  # characters of a question and of an error

ledger_argument = click.argument("ledger", type=click.Path(exists=True, dir_okay=False))
arm_option = click.option(
    "--arm", default="candidate", show_default=True, metavar="NAME",
    help="Which run of the samples: candidate, baseline (the old vendor asked again), batch, or a name of yours.",
)  # fmt: skip


@click.command("replay")
@click.argument("ledger", type=click.Path(dir_okay=False))
@click.option(
    "--to",
    "to",
    required=True,
    metavar="CONNECTION",
    shell_complete=connections,
    help="The candidate: a connection, or a whole target.",
)
@click.option("--samples", type=click.Path(exists=True), metavar="FILE", help="Take these in first: JSONL, or Parquet.")
@sessions_option
@arm_option
@click.option(
    "--new-arm", is_flag=True, help="--arm may name a run that LEDGER does not have yet: it asks every sample again."
)
@replay_options
def replay_command(
    ledger: str,
    to: str,
    samples: str | None,
    sessions: str,
    arm: str,
    config: str | None,
    *,
    new_arm: bool,
    **given: Any,
) -> None:
    """Send the samples of LEDGER to another vendor and keep its answers beside the old ones.

    Every call is written down before it is sent. Run the same command again after a stop or a crash: it makes the calls
    that remain. What may have run is never sent again unless you say so with `agentbridge migrate unknown`.

    \b
    Examples:
      agentbridge migrate replay move.ledger --samples samples.jsonl --to flowgent
      agentbridge migrate replay move.ledger --to fluxprompt --arm baseline
      agentbridge migrate replay move.ledger --to flowgent --arm candidate-2 --new-arm

    \b
    Exit codes: 0 no call remains; a failure of the agent is an answer too
                1 an error; 2 wrong usage
                3 calls remain or are of unknown outcome: a budget, --stop-after, or the first Ctrl-C, which lets
                  the calls under way end
                130 a second Ctrl-C: the calls under way are of unknown outcome
    """  # noqa: D301 (click)
    from ..migrate import read_samples

    if samples is None and not Path(ledger).exists():
        raise click.BadParameter(f"there is no {ledger!r}; --samples FILE makes one.", param_hint="LEDGER")
    with _opened(ledger) as book:
        if not new_arm:
            book.check_arm(arm, " A new one asks every sample again: --new-arm allows that")
        if samples is not None:
            note(f"{book.add(read_samples(samples)):,} samples are new")
    summary = replayed(ledger, to, arm, sessions, config, given)
    show(summary, ledger if arm == "candidate" else f"{ledger} --arm {arm}", as_json=given["as_json"])


@click.command("status")
@ledger_argument
@json_option
@verbose_option
def status_command(ledger: str, *, as_json: bool) -> None:
    """Count the samples of LEDGER by what became of them, for each arm.

    \b
    Examples:
      agentbridge migrate status move.ledger
      agentbridge migrate status move.ledger --json | jq .candidate.remaining
    """  # noqa: D301 (click)
    import attrs

    with _opened(ledger) as book:
        found = {arm: book.counts(arm) for arm in book.arms()}
    if as_json:
        say_json({arm: {**attrs.asdict(counts), "remaining": counts.remaining} for arm, counts in found.items()})
        return
    made = table("arm", "samples", "answered", "failed", "remaining", "unknown", "skipped", "credits")
    for arm, counts in found.items():
        numbers = (
            counts.total,
            counts.final - counts.failed,
            counts.failed,
            counts.remaining,
            counts.unknown,
            counts.skipped,
        )
        made.add_row(
            arm, *(f"{number:,}" for number in numbers), "-" if counts.credits is None else f"{counts.credits:g}"
        )
    show_table(made, console())


@click.command("unknown")
@ledger_argument
@arm_option
@click.option("--resend", "resend", multiple=True, metavar="ID", help="Make this call again with the next replay.")
@click.option("--skip", "skip", multiple=True, metavar="ID", help="Leave this call out.")
@click.option("--resend-all", is_flag=True, help="Make all of them again.")
@json_option
@verbose_option
def unknown_command(
    ledger: str, arm: str, resend: tuple[str, ...], skip: tuple[str, ...], *, resend_all: bool, as_json: bool
) -> None:
    """List the calls of LEDGER that may have run and whose answer nobody knows; a replay does not send them again.

    \b
    Examples:
      agentbridge migrate unknown move.ledger
      agentbridge migrate unknown move.ledger --resend 17 --skip 18
    """  # noqa: D301 (click)
    with _opened(ledger) as book:
        book.check_arm(arm)
        book.decide(arm, skip, "skip")
        again = [turn.sample.id for turn in book.unknown(arm)] if resend_all else resend
        book.decide(arm, again, "resend")
        left = [_described(turn) for turn in book.unknown(arm)]
    if as_json:
        say_json(left)
    elif left:
        made = table("id", "session", "asked", "what happened")
        for row in left:
            made.add_row(*(str(value or "") for value in row.values()))
        show_table(made, console())
    if skip:
        note(f"{len(skip):,} will be left out")
    if again:
        note(f"{len(again):,} will be sent again by the next replay")
    if not (left or skip or again):
        note("nothing is unknown")


def _described(turn: Turn) -> dict[str, Any]:
    said = turn.sample.invocation
    asked = said.text if said.text is not None else ", ".join(map(str, said.inputs.values()))
    return {
        "id": turn.sample.id,
        "session": turn.sample.session,
        "asked": one_line(asked, _SHOWN),
        "message": one_line(turn.answer.message if turn.answer else "", _SHOWN),
    }


def _opened(path: str) -> Ledger:
    from ..migrate import Ledger

    return Ledger(path)
