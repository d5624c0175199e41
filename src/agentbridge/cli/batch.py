"""`agentbridge batch`: many calls from a file to a file; stopped or killed, it goes on where it was."""

from __future__ import annotations

from typing import Any

import click

from .completing import targets
from .replay_options import replay_options, replayed, show


@click.command("batch")
@click.argument("source", type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--target",
    required=True,
    metavar="TARGET",
    shell_complete=targets,
    help="Who is called, as in `agentbridge invoke`.",
)
@click.option("--out", required=True, type=click.Path(dir_okay=False), metavar="FILE", help="Takes the answers.")
@click.option("--ledger", metavar="FILE", help="What makes it resumable [default: the --out file with .ledger].")
@replay_options
def batch_command(source: str, target: str, out: str, ledger: str | None, config: str | None, **given: Any) -> None:
    """Call an agent for each line of SOURCE, JSON objects with "text", "inputs", "session_id" ..., and an "id" if you like.

    Every call is written down before it is sent. Run the same command again after a stop or a crash: it makes the calls
    that remain, and none twice.

    \b
    Examples:
      agentbridge batch questions.jsonl --target support@flowise --out answers.jsonl
      agentbridge batch questions.jsonl --target flowgent:66a72b17 --out answers.jsonl --max-credits 100

    \b
    Exit codes: 0 no call remains; a failure of the agent is an answer too
                1 an error; 2 wrong usage
                3 calls remain or are of unknown outcome: a budget, --stop-after, or the first Ctrl-C, which lets
                  the calls under way end
                130 a second Ctrl-C: the calls under way are of unknown outcome
    """  # noqa: D301 (click)
    from ..migrate.batching import ARM, SESSIONS, batched

    with batched(source, target, out, ledger) as book:
        summary = replayed(book, target, ARM, SESSIONS, config, given)
    show(summary, f"{book} --arm {ARM}", as_json=given["as_json"])
