"""`agentbridge submit` starts a run without waiting; `agentbridge wait` picks it up, in any process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from .failures import verbose_option
from .invoke import show_result
from .options import call_fields, call_options, config_option, existing_store, json_option, timeout_option, timeouts
from .output import note, say_json

if TYPE_CHECKING:
    from ..model import Pending


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
@click.option(
    "--store",
    type=click.Path(dir_okay=False),
    default="callbacks.sqlite",
    show_default=True,
    help="For a run with callbacks: the file that `agentbridge callbacks` keeps.",
)
@config_option
@timeout_option
@json_option
@verbose_option
@click.pass_context
def wait_command(
    ctx: click.Context, run: Any, store: str, config: str | None, timeout: float | None, *, once: bool, as_json: bool
) -> None:
    """Wait for the answer of a run, by the document that `agentbridge submit` printed; "-" reads it from stdin.

    \b
    Examples:
      agentbridge wait run.json
      agentbridge wait run.json --once || echo "not yet"
    """  # noqa: D301 (click)
    from ..model import Pending

    found = _asked(_pending(run.read()), store, config, timeout, once=once)
    if isinstance(found, Pending):
        note("the run goes on")
        say_json(found.to_dict())
        ctx.exit(3)
    if as_json:
        say_json(found.to_dict())
    else:
        show_result(found)


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
    from ..errors import ConfigurationError
    from ..model import Pending

    try:
        return Pending.from_dict(json.loads(document))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"this is no run: {error}. Give what `agentbridge submit` printed") from None
