"""`agentbridge callbacks`: receives what vendors call back, until Ctrl-C."""

from __future__ import annotations

import datetime as dt
import threading

import click

from .failures import require_extra, verbose_option
from .options import config_option, existing_store, json_option
from .output import console, one_line, say_json, show_table, table


@click.command("callbacks")
@click.option("--public-url", metavar="URL", help="Where vendors reach this server [default: its own address].")
@click.option(
    "--store",
    type=click.Path(dir_okay=False),
    default="callbacks.sqlite",
    show_default=True,
    help="The file that the runs and their callbacks are kept in.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option("--port", type=click.IntRange(0, 65535), default=8766, show_default=True, help="0 takes a free one.")
@click.option("--list", "listing", is_flag=True, help="List what came, and serve nothing.")
@config_option
@json_option
@verbose_option
def callbacks_command(
    public_url: str | None, store: str, host: str, port: int, config: str | None, *, listing: bool, as_json: bool
) -> None:
    """Receive what vendors call back until Ctrl-C, and keep it in a file.

    Scripts that submit runs with a CallbackReceiver on the same file wait for the answers, also later, and also when
    this command was stopped in between. Of the configuration, the fault rules of connections count: they say what is no answer.

    \b
    Examples:
      agentbridge callbacks --public-url https://hooks.example.com --store callbacks.sqlite
      agentbridge callbacks --store callbacks.sqlite --list
    """  # noqa: D301 (click)
    require_extra("callbacks", "callbacks")
    if listing:
        _list(store, as_json=as_json)
    else:
        _serve(public_url, store, host, port, config)


def _list(store: str, *, as_json: bool) -> None:
    from ..callbacks.store import Store

    deliveries = Store(existing_store(store)).deliveries()
    if as_json:
        say_json(
            [
                {
                    "at": _time(each.at),
                    "verdict": each.verdict,
                    "status": each.status,
                    "run": each.run,
                    "delivery_id": each.delivery_id,
                    "body": each.body.decode("utf-8", "replace"),
                }
                for each in deliveries
            ]
        )
        return
    made = table("at", "verdict", "run", "body")
    for each in deliveries:
        made.add_row(_time(each.at), each.verdict, each.run or "-", one_line(each.body.decode("utf-8", "replace"), 80))
    show_table(made, console())


def _time(seconds: float) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).isoformat(timespec="seconds")


def _serve(public_url: str | None, store: str, host: str, port: int, config: str | None) -> None:
    from ..callbacks import serve

    with serve(store, public_url=public_url, host=host, port=port, config=config) as receiver:
        click.echo(f"# Callbacks are taken at {receiver.public_url} and kept in {store} until Ctrl-C. In a script:")
        click.echo(f"#   receiver = CallbackReceiver({receiver.public_url!r}, store={store!r})")
        click.echo("#   pending = bridge.submit(target, text, callbacks=receiver)")
        click.echo("#   result = receiver.wait(pending)")
        threading.Event().wait()
