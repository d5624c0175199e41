"""`agentbridge migrate ...`: move a workload from one vendor to another."""

from __future__ import annotations

import click

from .lazy import LazyGroup

_COMMANDS = {
    "demo": "migrate_demo",
    "import": "migrate_import",
    "init": "migrate_init",
    "plan": "migrate_plan",
    "replay": "migrate_replay",
    "router": "migrate_router",
    "status": "migrate_replay",
    "unknown": "migrate_replay",
    "compare": "migrate_report",
    "report": "migrate_report",
    "credits": "migrate_credits",
    "export": "migrate_export",
}


@click.group("migrate", cls=LazyGroup, commands_in=_COMMANDS, short_help="Move a workload from one vendor to another.")
def migrate_command() -> None:
    """Move a workload from one vendor to another: capture, plan, replay, compare, cut over.

    \b
    In this order:
      agentbridge migrate import calls.sh browser.har --out samples.jsonl
      agentbridge migrate init samples.jsonl --to flowgent >> agentbridge.toml
      agentbridge migrate plan samples.jsonl --to flowgent
      agentbridge migrate replay move.ledger --samples samples.jsonl --to flowgent
      agentbridge migrate status move.ledger
      agentbridge migrate compare move.ledger
      agentbridge migrate report move.ledger --html report.html
      agentbridge migrate router move.ledger advance
    """  # noqa: D301 (click)
