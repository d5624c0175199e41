"""`agentbridge migrate plan`: what a move would do, field by field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from .failures import verbose_option
from .options import config_option, json_option
from .output import say, say_json
from .replay_options import sessions_option

if TYPE_CHECKING:
    from ..base import BridgeBase
    from ..migrate import Treatment


@click.command("plan")
@click.argument("samples", type=click.Path(exists=True, dir_okay=False))
@click.option("--to", "to", required=True, metavar="CONNECTION", help="The candidate: a connection, or a whole target.")
@sessions_option
@click.option("--credits-per-call", type=click.FloatRange(0), metavar="N", help="What a call costs at the candidate.")
@click.option("--curl", "as_curl", is_flag=True, help="Print each request as curl instead, secrets masked.")
@config_option
@json_option
@verbose_option
@click.pass_context
def plan_command(
    ctx: click.Context,
    samples: str,
    to: str,
    sessions: Treatment,
    config: str | None,
    credits_per_call: float | None,
    *,
    as_curl: bool,
    as_json: bool,
) -> None:
    """Say what would become of each field of the calls in SAMPLES at another vendor: carried as is, converted, joined into
    the text, dropped, or impossible; and what is missing. Every call is prepared as it would be sent; nothing is sent.

    \b
    Examples:
      agentbridge migrate plan samples.jsonl --to flowgent
      agentbridge migrate plan samples.jsonl --to flowgent --sessions inline-history --curl

    Exits with 1 where a call cannot be made, or a drafted binding is not filled in.
    """  # noqa: D301 (click)
    from ..bridge import Bridge
    from ..migrate import plan, read_samples

    if as_curl and as_json:
        raise click.UsageError("--curl prints requests, and --json the plan: give one of them.")
    with Bridge(config) as bridge:
        made = plan(read_samples(samples), bridge, to, sessions=sessions, credits_per_call=credits_per_call)
        if as_curl:
            _show_requests(samples, bridge, to, sessions)
    if as_json:
        say_json(made.to_dict())
    elif not as_curl:
        say(made.to_text())
    ctx.exit(0 if made.ok else 1)


def _show_requests(samples: str, bridge: BridgeBase, to: str, sessions: Treatment) -> None:
    from ..migrate import read_samples, requests

    for sample, command in requests(read_samples(samples), bridge, to, sessions=sessions):
        say(f"# sample {' '.join(sample.id.split())}\n{command}\n")
