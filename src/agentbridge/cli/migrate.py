"""`agentbridge migrate ...`: move a workload from one vendor to another."""

from __future__ import annotations

import click

from .lazy import LazyGroup

_COMMANDS = {
    "demo": ("migrate_demo", "See a whole move on one page; needs no account and no network."),
    "import": ("migrate_import", "Turn curl commands, HAR, cassettes and CSV into samples."),
    "init": ("migrate_init", "Draft portable agents from samples."),
    "plan": ("migrate_plan", "Say what a move would do to each field; nothing is sent."),
    "replay": ("migrate_replay", "Send the samples to another vendor, each once."),
    "router": ("migrate_router", "See how far production has moved; advance, pause or roll it back."),
    "status": ("migrate_replay", "How far a ledger is."),
    "unknown": ("migrate_replay", "List calls that may have run and lost their answer, and decide on them."),
    "compare": ("migrate_report", "Old against new: figures, and whether the move may go on."),
    "report": ("migrate_report", "Write what was compared as HTML, JSON, Markdown or JUnit."),
    "credits": ("migrate_credits", "Compare the credits of a ledger with the vendor's report, by day."),
    "export": ("migrate_export", "Write a ledger as Parquet."),
}


@click.group("migrate", cls=LazyGroup, commands_in=_COMMANDS)
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
