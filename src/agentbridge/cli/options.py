"""The arguments that describe one call, and how `name=value` and its relatives are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from .completing import targets
from .failures import remember_json, verbose_option

F = TypeVar("F", bound=Callable[..., Any])

_LONGEST = 7 * 24 * 3600  # seconds; sockets cannot wait for arbitrarily long
_SETTINGS = ("on_unsupported", "tool_errors")


config_option = click.option(
    "--config", metavar="FILE", help="Configuration [default: $AGENTBRIDGE_CONFIG, else ./agentbridge.toml]."
)
json_option = click.option(
    "--json", "as_json", is_flag=True, callback=remember_json, help="Print JSON, also of an error."
)
timeout_option = click.option(
    "--timeout", type=click.FloatRange(0, _LONGEST, min_open=True), metavar="SECONDS",
    help="Limit of the whole call with its retries and polls, in place of the configured timeouts.",
)  # fmt: skip


def existing_store(path: str) -> str:
    """The path of a store of callbacks. Raises ConfigurationError where there is none: who only reads makes none."""
    if not Path(path).is_file():
        from ..errors import ConfigurationError

        raise ConfigurationError(f"there is no store {path!r}; say which one with --store")
    return path


def _input(argument: str) -> tuple[str, Any]:
    """`name=value`, `name=@file` or `name:=JSON`."""
    name, equals, value = argument.partition("=")
    if not equals or not name.removesuffix(":"):
        raise click.BadParameter(f"{argument!r} is not name=value, name=@file or name:=JSON.")
    if name.endswith(":"):
        return name[:-1], _json(value, argument)
    return name, _content(value[1:]) if value.startswith("@") else value


def _option(argument: str) -> tuple[tuple[str, str], Any]:
    """`provider.key=JSON`."""
    name, equals, value = argument.partition("=")
    provider, dot, key = name.partition(".")
    if not (equals and dot and provider and key):
        raise click.BadParameter(f"{argument!r} is not provider.key=JSON.")
    return (provider, key), _json(value, argument)


def _json(text: str, argument: str) -> Any:
    from ..wire import decode_json

    try:
        return decode_json(text)
    except ValueError as error:
        hint = f" For a text write {argument.partition('=')[0]}={json.dumps(text)}, quoted for the shell."
        raise click.BadParameter(f"{argument!r} has no JSON behind the '=': {error}.{hint}") from None


def _content(path: str) -> str:
    from ..errors import ConfigurationError

    try:
        return Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError:
        raise ConfigurationError(f"{path}: is not UTF-8 text; attach it with -f instead") from None


def _pairs(read: Callable[[str], tuple[Any, Any]]) -> Callable[..., dict[Any, Any]]:
    """A click callback that reads repeated `name=value` arguments and refuses a name given twice."""

    def callback(_: click.Context, __: click.Parameter, arguments: tuple[str, ...]) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for argument in arguments:
            name, value = read(argument)
            if name in found:
                raise click.BadParameter(f"{argument.partition('=')[0]!r} is given twice.")
            found[name] = value
        return found

    return callback


def _file(argument: str) -> Any:
    """`path` or `input=path`; what is a file as it stands is a path."""
    from ..wire import File

    name, equals, path = argument.partition("=")
    if not equals or Path(argument).exists():
        return File(Path(argument).name, path=argument)
    return File(Path(path).name, path=path, input=name)


def _link(argument: str) -> Any:
    """`URL` or `input=URL`; an `=` inside of a URL is its own."""
    from ..wire import Link

    name, equals, url = argument.partition("=")
    return Link(url, input=name) if equals and "://" not in name else Link(argument)


def _each(read: Callable[[str], Any]) -> Callable[..., list[Any]]:
    def callback(_: click.Context, __: click.Parameter, arguments: tuple[str, ...]) -> list[Any]:
        return [read(argument) for argument in arguments]

    return callback


def _text(ctx: click.Context, _: click.Parameter, value: str | None) -> str | None:
    """The text itself, or with `-` what stdin has, without the newline that `echo` adds."""
    if value != "-" or ctx.resilient_parsing:  # a shell that asks what could come next
        return value
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except ValueError:
        raise click.BadParameter("stdin is not UTF-8 text; attach it as a file with -f instead.") from None
    return text.removesuffix("\n").removesuffix("\r")


_CALL = (
    click.argument("target", shell_complete=targets),
    click.argument("text", required=False, callback=_text),
    click.option("-i", "--input", "inputs", multiple=True, metavar="NAME=VALUE", callback=_pairs(_input),
                 help="A named input; NAME=@FILE reads it from a file, NAME:=JSON gives any JSON value."),
    click.option("-f", "--file", "files", multiple=True, metavar="[INPUT=]PATH", callback=_each(_file),
                 help="Attach a file, with INPUT= to that named input."),
    click.option("--link", "links", multiple=True, metavar="[INPUT=]URL", callback=_each(_link),
                 help="Attach a file by a URL that the vendor fetches."),
    click.option("--session", "session_id", metavar="ID", help="Continue the conversation of this session."),
    click.option("--user", "user_id", metavar="ID", help="The end user on whose behalf this is."),
    click.option("--option", "options", multiple=True, metavar="PROVIDER.KEY=JSON", callback=_pairs(_option),
                 help="Something for one vendor only; other vendors never see it."),
    config_option,
    click.option("--on-unsupported", type=click.Choice(["raise", "drop"]),
                 help="What to do with a session or user that the vendor cannot carry [default: raise]."),
    click.option("--tool-errors", type=click.Choice(["raise", "report"]),
                 help="Whether a failed tool inside the run is an error or part of the result [default: raise]."),
    timeout_option,
    verbose_option,
)  # fmt: skip


def call_options(command: F) -> F:
    """Decorate a command with the arguments that describe one call."""
    for decorate in reversed(_CALL):
        command = decorate(command)
    return command


def call_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """What `call_options` read, in the words of `Bridge.invoke`; what was not given is left out."""
    options: dict[str, dict[str, Any]] = {}
    for (provider, key), value in given["options"].items():
        options.setdefault(provider, {})[key] = value
    files = (*given["files"], *given["links"])
    said = {"inputs": given["inputs"], "files": files, "options": options, "timeouts": timeouts(given["timeout"])}
    said |= {name: given[name] for name in ("session_id", "user_id", *_SETTINGS)}
    return {name: value for name, value in said.items() if value not in (None, {}, ())}


def timeouts(total: float | None) -> Any:
    """The one limit that was asked for; the usual wait for an answer would end a longer one before its time."""
    from ..retry import Timeouts

    return None if total is None else Timeouts(total=total, answer=None)
