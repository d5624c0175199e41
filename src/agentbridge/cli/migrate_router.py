"""`agentbridge migrate router`: how far production has moved, and the levers; every process sees it within a second."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from .failures import verbose_option
from .options import json_option
from .output import one_line, say_json

if TYPE_CHECKING:
    from ..migrate import RouterState
    from ..migrate.routing import Change, RouterFile

_ACTIONS = ("status", "advance", "pause", "resume", "rollback")


@click.command("router")
@click.argument("ledger", type=click.Path(exists=True, dir_okay=False))
@click.argument("action", type=click.Choice(_ACTIONS))
@click.option("--agent", metavar="NAME", help="Whose router, where the ledger has several.")
@click.option("--reason", default="", help="With pause and rollback: why, for whoever looks next.")
@json_option
@verbose_option
def router_command(ledger: str, action: str, agent: str | None, reason: str, *, as_json: bool) -> None:
    """Say where the router in LEDGER stands, or change it: for new conversations, in all processes, within a second.

    \b
    advance    on to the next share of new conversations
    pause      none of them to the candidate, until resume
    resume     on with the share it had; after a rollback with the first one
    rollback   give the candidate up

    A conversation that has begun stays with its vendor, whatever is said here.

    \b
    Examples:
      agentbridge migrate router move.ledger status
      agentbridge migrate router move.ledger rollback --reason "wrong prices"
    """  # noqa: D301 (click)
    import time

    from ..migrate.routing import RouterFile

    with RouterFile(ledger) as file:
        name = _only(file, agent)
        change = _change(action, reason)
        state = _known(file, name) if change is None else file.change(name, change, time.time())
    if as_json:
        say_json(as_dict(state))
    else:
        click.echo(one_line(sentence(state)))


def _change(action: str, reason: str) -> Change | None:
    from ..migrate import routing

    if reason and action not in ("pause", "rollback"):
        raise click.UsageError("--reason goes with pause and rollback.")
    changes: dict[str, Change] = {
        "advance": routing.advanced,
        "pause": partial(routing.paused, reason=reason),
        "resume": routing.resumed,
        "rollback": partial(routing.rolled_back, reason=reason),
    }
    return changes.get(action)


def _only(file: RouterFile, agent: str | None) -> str:
    from ..errors import ConfigurationError

    there = file.agents()
    if agent is not None:
        return agent
    if len(there) != 1:
        raise ConfigurationError(
            f"the ledger {file.path} has {'several routers' if there else 'no router'}"
            f" (there: {', '.join(there) or 'none'}); "
            + ("name one by --agent" if there else "the first Router in your code makes it")
        )
    return there[0]


def _known(file: RouterFile, agent: str) -> RouterState:
    from ..errors import UnknownTargetError

    state = file.state(agent)
    if state is None:
        raise UnknownTargetError(
            f"the ledger {file.path} has no router of {agent!r} (there: {', '.join(file.agents()) or 'none'})"
        )
    return state


def as_dict(state: RouterState) -> dict[str, object]:
    """What `--json` prints."""
    import attrs

    return {**attrs.asdict(state), "share": state.share}


def sentence(state: RouterState) -> str:
    """Where a router stands, in one line."""
    stages = ", ".join(f"{stage:.4g}" for stage in (100 * one for one in state.stages))
    why = f": {state.reason}" if state.reason else ""
    return (
        f"{state.agent}: {state.status}{why}; {100 * state.share:.4g} % of new conversations go from {state.primary} to"
        f" {state.candidate} (stages: {stages} %)"
    )
