"""`agentbridge migrate credits`: what the ledger says that calls cost, beside the vendor's own report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .failures import verbose_option
from .migrate_replay import arm_option, ledger_argument
from .options import config_option, json_option
from .output import console, note, say_json, show_table, table

if TYPE_CHECKING:
    from ..migrate import CreditDay


@click.command("credits")
@ledger_argument
@click.option("--connection", required=True, metavar="NAME", help="The account that the calls were made with.")
@arm_option
@config_option
@json_option
@verbose_option
def credits_command(ledger: str, connection: str, arm: str, config: str | None, *, as_json: bool) -> None:
    """Ask the vendor what the agents used on the days (UTC) of LEDGER, and show it beside what the answers said.

    The difference is the vendor's number less the ledger's. Whoever else calls the same agent is in the vendor's number.

    \b
    Example:
      agentbridge migrate credits move.ledger --connection flowgent
    """  # noqa: D301 (click)
    from ..bridge import Bridge
    from ..migrate import Ledger, reconcile_credits

    with Ledger(ledger) as book, Bridge(config) as bridge:
        book.check_arm(arm)
        days = reconcile_credits(book, bridge, connection, arm)
    if as_json:
        say_json([_as_dict(day) for day in days])
        return
    if not days:
        note(f"no call of the arm {arm!r} was made with the connection {connection!r}")
        return
    made = table("day", "agent", "calls", "ledger", "vendor", "difference", "cost unknown")
    for day in days:
        made.add_row(*(_shown(value) for value in _as_dict(day).values()))
    show_table(made, console())
    if any(day.vendor is None for day in days):
        note("?: the vendor has not told of this day yet")


def _as_dict(day: CreditDay) -> dict[str, Any]:
    return {
        "day": str(day.day),
        "agent": day.agent,
        "calls": day.spent.calls,
        "ledger": day.spent.credits,
        "vendor": day.vendor,
        "difference": day.difference,
        "unknown": day.spent.unknown,
    }


def _shown(value: str | float | None) -> str:
    return "?" if value is None else value if isinstance(value, str) else f"{value:g}"
