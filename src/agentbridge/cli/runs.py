"""`agentbridge submit` starts a run without waiting; `wait`, `recover` and `resume` pick it up, in any process."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .failures import verbose_option
from .invoke import show_answer
from .options import call_fields, call_options, config_option, existing_store, json_option, timeout_option, timeouts
from .output import note, say_json

if TYPE_CHECKING:
    from ..model import Pending, Result

T = TypeVar("T")

_store_option = click.option(
    "--store",
    type=click.Path(dir_okay=False),
    default="callbacks.sqlite",
    show_default=True,
    help="For a run with callbacks: the file that `agentbridge callbacks` keeps.",
)


def _asking(command: Callable[..., None]) -> Callable[..., None]:
    """Decorate a command that asks for a run with the options of all that do."""
    for decorate in (click.pass_context, verbose_option, json_option, timeout_option, config_option, _store_option):
        command = decorate(command)
    return command


@click.command("submit")
@call_options
@click.option(
    "--callbacks",
    "public_url",
    metavar="URL",
    help="Let the vendor call back: the address of `agentbridge callbacks` with the same --store.",
)
@click.option(
    "--store",
    type=click.Path(dir_okay=False),
    default="callbacks.sqlite",
    show_default=True,
    help="With --callbacks: the file that it keeps.",
)
def submit_command(
    target: str, text: str | None, config: str | None, public_url: str | None, store: str, **given: Any
) -> None:
    """Start an agent without waiting, and print a JSON document that `agentbridge wait` takes.

    \b
    Examples:
      agentbridge submit fluxprompt:a176fb62 -i topic=tides > run.json
      agentbridge wait run.json
      agentbridge submit flowgent:66a72b17 "hello" --callbacks https://hooks.example.com > run.json
    """  # noqa: D301 (click)
    from ..bridge import Bridge

    receiver = _receiver(public_url, store, config) if public_url else None
    with Bridge(config) as bridge:
        pending = bridge.submit(target, text, callbacks=receiver, **call_fields(given))
    say_json(pending.to_dict())


@click.command("wait")
@click.argument("run", type=click.File("rb"))
@click.option("--once", is_flag=True, help="Ask once; where the run goes on, print its document again and exit with 3.")
@_asking
def wait_command(
    ctx: click.Context, run: Any, store: str, config: str | None, timeout: float | None, *, once: bool, as_json: bool
) -> None:
    """Wait for the answer of a run, by the document that `agentbridge submit` printed; "-" reads it from stdin.

    \b
    Examples:
      agentbridge wait run.json
      agentbridge wait run.json --once || echo "not yet"
    """  # noqa: D301 (click)
    _show(ctx, _asked(_pending(run.read()), store, config, timeout, once=once), as_json=as_json)


@click.command("recover")
@click.argument("run", type=click.File("rb"))
@_asking
def recover_command(
    ctx: click.Context, run: Any, store: str, config: str | None, timeout: float | None, *, as_json: bool
) -> None:
    """Find a run again whose answer was lost, by the document that `agentbridge invoke` printed instead of it.

    RUN is that file, also the error that `--json` printed; "-" reads it from stdin. Nothing is started anew. It asks
    once: where the run goes on, its document is printed again, and the exit code is 3; `agentbridge wait` takes it too.

    \b
    Examples:
      agentbridge invoke flowise:8a92ec5b-1473 "hello" --timeout 30 > answer || agentbridge recover answer
      agentbridge recover - < run.json
    """  # noqa: D301 (click)
    _show(ctx, _asked(_pending(run.read()), store, config, timeout, once=True), as_json=as_json)


@click.command("resume")
@click.argument("paused", type=click.File("rb"))
@click.argument("decision")
@click.option("--feedback", metavar="TEXT", help="What else the human says to it.")
@config_option
@timeout_option
@json_option
@verbose_option
def resume_command(
    paused: Any, decision: str, feedback: str | None, config: str | None, timeout: float | None, *, as_json: bool
) -> None:
    """Continue a run that waits for a human, by the JSON document that `agentbridge invoke --json` printed.

    PAUSED is that file; "-" reads it from stdin. DECISION is one of the choices of the run.

    \b
    Examples:
      agentbridge invoke flowise:8a92ec5b-1473 "delete it" --json > paused.json
      agentbridge resume paused.json proceed
      agentbridge resume paused.json reject --feedback "not this one"
    """  # noqa: D301 (click)
    from .interrupting import interruptible

    result = _result(paused.read())
    with interruptible(config) as bridge:
        found = bridge.resume(result, decision, feedback=feedback, timeouts=timeouts(timeout))
    show_answer(found, as_json=as_json)


def _show(ctx: click.Context, found: Any, *, as_json: bool) -> None:
    from ..model import Pending

    if isinstance(found, Pending):
        note("the run goes on")
        say_json(found.to_dict())
        ctx.exit(3)
    show_answer(found, as_json=as_json)


def _asked(pending: Pending, store: str, config: str | None, timeout: float | None, *, once: bool) -> Any:
    from ..bridge import Bridge

    if pending.result is None and pending.callback_id is not None:
        receiver = _receiver("http://localhost", existing_store(store), config)
        return receiver.poll(pending) if once else receiver.wait(pending, timeout)
    with Bridge(config) as bridge:
        limits = timeouts(timeout)
        return bridge.poll(pending, timeouts=limits) if once else bridge.wait(pending, timeouts=limits)


def _receiver(public_url: str, store: str, config: str | None) -> Any:
    from ..callbacks import CallbackReceiver

    return CallbackReceiver(public_url, store=store, config=config)


def _pending(document: bytes) -> Pending:
    from ..model import Pending

    def read(data: Any) -> Pending:
        is_error = isinstance(data, Mapping) and data.get("type") == "error"
        return Pending.from_dict(data["pending"] if is_error else data)

    return _read(document, read, "run", "Give what `agentbridge submit` printed, or `invoke` in place of an answer")


def _result(document: bytes) -> Result:
    from ..model import Result

    return _read(document, Result.from_dict, "paused run", "Give what `agentbridge invoke --json` printed")


def _read(document: bytes, read: Callable[[Any], T], kind: str, remedy: str) -> T:
    from ..errors import ConfigurationError

    try:
        return read(json.loads(document))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"this is no {kind}: {error}. {remedy}") from None
