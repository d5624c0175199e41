"""`agentbridge migrate init`: portable agents, drafted from samples."""

from __future__ import annotations

import click

from .failures import verbose_option
from .options import config_option
from .output import say


@click.command("init")
@click.argument("samples", type=click.Path(exists=True, dir_okay=False))
@click.option("--to", "to", required=True, metavar="CONNECTION", help="The connection that is moved to.")
@config_option
@verbose_option
def init_command(samples: str, to: str, config: str | None) -> None:
    """Print the TOML of a portable agent for each agent that SAMPLES call by its id, bound to its vendor and to another.

    Values that begin with FILL_IN are yours to fill in. Nothing is sent.

    \b
    Examples:
      agentbridge migrate init samples.jsonl --to flowgent > agents.toml
    """  # noqa: D301 (click)
    from ..bridge import Bridge
    from ..migrate import draft, read_samples

    with Bridge(config) as bridge:
        say(draft(read_samples(samples), to, bridge))
