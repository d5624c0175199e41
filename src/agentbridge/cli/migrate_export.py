"""`agentbridge migrate export`: a ledger as Parquet, for tools that work on columns."""

from __future__ import annotations

import click

from .failures import verbose_option
from .migrate_replay import arm_option, ledger_argument
from .output import note


@click.command("export")
@ledger_argument
@click.argument("out", type=click.Path(dir_okay=False))
@arm_option
@verbose_option
def export_command(ledger: str, out: str, arm: str) -> None:
    """Write each sample of LEDGER and what became of it to the Parquet file OUT. Needs the extra "ray".

    \b
    Example:
      agentbridge migrate export move.ledger results.parquet
    """  # noqa: D301 (click)
    from ..migrate import Ledger, export_parquet

    with Ledger(ledger) as book:
        book.check_arm(arm)
        note(f"{export_parquet(book, out, arm):,} samples")
