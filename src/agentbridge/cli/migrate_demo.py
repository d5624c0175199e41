"""`agentbridge migrate demo`: a whole move between two emulated vendors, on one page, killed in the middle."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .demo import loopback_without_proxy
from .failures import require_extra, verbose_option
from .output import console

if TYPE_CHECKING:
    from rich.console import Console

    from ..migrate.demo import Demo

_WIDTH = 110  # columns
_REPLAY = ("migrate", "replay", "move.ledger", "--to", "flowgent", "--concurrency", "4")
_BASELINE = ("migrate", "replay", "move.ledger", "--to", "fluxprompt", "--arm", "baseline")


@click.command("demo")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("migrate-demo"),
    show_default=True,
    metavar="FOLDER",
    help="Takes the samples, the ledger and the report; what an earlier demo left there is replaced.",
)
@verbose_option
@click.pass_context
def demo_command(ctx: click.Context, *, out: Path) -> None:
    """Move 200 conversations from FluxPrompt to FlowGent, emulated on this machine, and find what the new agent does
    differently: it was made to reword 10 % of its answers, to fail on 3 % behind an HTTP 200, and to give a wrong number
    in 2 %. The move is killed half-way, with kill -9, and started again.

    Exits with 1 if anything planted is not found, or anything else is.

    \b
    Example:
      agentbridge migrate demo --out /tmp/moved
    """  # noqa: D301 (click)
    require_extra("emulator", "migrate demo")
    from ..emulator.serving import serve
    from ..migrate.demo import Demo
    from ..migrate.demo_world import world

    out.mkdir(parents=True, exist_ok=True)
    for name in ("samples.jsonl", "move.ledger", "move.ledger-wal", "move.ledger-shm", "move.ledger.lock"):
        (out / name).unlink(missing_ok=True)
    with loopback_without_proxy(), serve() as served:
        ctx.exit(0 if show(Demo(out.resolve(), served, world()), console(_WIDTH)) else 1)


def show(demo: Demo, out: Console) -> bool:
    """Run the demo and print it; whether it found what was planted, and nothing else."""
    out.print("agentbridge migrate: from one vendor to another, and knowing what changes", style="bold")
    out.print("All of this runs now, against emulators of both vendors on this machine.", style="dim")
    _head(out, "1. Capture: production goes on at the old vendor, with one line more")
    out.print('   Bridge(observers=[Capture("samples.jsonl")])', style="cyan")
    out.print(f"   {demo.produce():,} calls in 200 conversations captured")
    _head(out, "2. Plan: what becomes of each field, nothing is sent")
    _run(demo, out, "migrate", "plan", "samples.jsonl", "--to", "flowgent")
    _head(out, "3. Replay: each call once, claimed in the ledger before it is sent; killed half-way with kill -9")
    _killed(demo, out)
    _head(out, "4. The old vendor once more: how much does it differ from itself?")
    _run(demo, out, *_BASELINE)
    _head(out, "5. Compare: what the new agent does differently, beyond that noise")
    _run(demo, out, "migrate", "compare", "move.ledger", "--differences", "differences.jsonl")
    _run(demo, out, "migrate", "report", "move.ledger", "--html", "report.html")
    _head(out, "6. Was that all, and nothing else?")
    return _checked(demo, out)


def _killed(demo: Demo, out: Console) -> None:
    out.print(f"   $ agentbridge {' '.join(_REPLAY)} --samples samples.jsonl", style="cyan")
    demo.killed(*_REPLAY, "--samples", "samples.jsonl")
    out.print("   Killed", style="red")
    _run(demo, out, *_REPLAY)
    _run(demo, out, "migrate", "unknown", "move.ledger")
    once = demo.arrived("flowgent")
    out.print(f"   So far {len(once):,} questions arrived at the new vendor, {_twice(once)} of them twice.")
    out.print(
        "   What was under way at the kill may have run: it is not sent again until somebody says so.", style="dim"
    )
    _run(demo, out, "migrate", "unknown", "move.ledger", "--resend-all")
    _run(demo, out, *_REPLAY)


def _checked(demo: Demo, out: Console) -> bool:
    planted, found = demo.world.planted, demo.found()
    for kind, count in Counter(planted.values()).items():
        right = sum(found.get(order) == kind for order, plant in planted.items() if plant == kind)
        out.print(
            f"   {kind.replace('_', ' '):<14}{count:>3} planted, {right:>3} found",
            style="green" if right == count else "red",
        )
    others = sum(planted.get(order) != kind for order, kind in found.items())
    out.print(f"   {'anything else':<14}{others:>3} found", style="red" if others else "green")
    out.print(f"\n   The report: {demo.folder / 'report.html'}")
    return found == dict(planted)


def _twice(arrived: Counter[int]) -> int:
    return sum(count > 1 for count in arrived.values())


def _run(demo: Demo, out: Console, *arguments: str) -> None:
    out.print(f"   $ agentbridge {' '.join(arguments)}", style="cyan")
    for line in demo.command(*arguments).splitlines():
        out.print(f"   {line}", soft_wrap=True)


def _head(out: Console, title: str) -> None:
    out.print(f"\n{title}", style="bold")
