"""Errors of the tree as one line on stderr, with `--verbose` the evidence beneath it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

import click

from ..showing import visible
from .output import one_line

if TYPE_CHECKING:
    from ..errors import InvocationError

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
BROKEN_PIPE = 141  # 128 + SIGPIPE
_BROUGHT = {"callbacks": ("starlette", "uvicorn"), "emulator": ("starlette", "uvicorn"), "ray": ("ray",)}
_VERBOSE = "agentbridge.verbose"
_SHOWN = 500  # bytes of a response's body


class MissingExtraError(click.ClickException):
    """A command needs packages that an extra brings."""

    exit_code = 2

    def __init__(self, command: str, extra: str) -> None:
        super().__init__(f"agentbridge {command} needs more packages: pip install 'agentbridge-core[{extra}]'")


def require_extra(extra: str, command: str) -> None:
    """Raise MissingExtraError, which exits with 2, where a package that an extra brings is not installed."""
    if any(importlib.util.find_spec(name) is None for name in _BROUGHT[extra]):
        raise MissingExtraError(command, extra)


def is_verbose(ctx: click.Context) -> bool:
    """Whether `--verbose` was given, before or after the command's name."""
    return bool(ctx.meta.get(_VERBOSE))


def _set_verbose(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        ctx.meta[_VERBOSE] = True


verbose_option = click.option(
    "-v", "--verbose", is_flag=True, expose_value=False, is_eager=True, callback=_set_verbose,
    help="With an error, show all the evidence: status, code, attempts, request, response.",
)  # fmt: skip


def is_ours(error: Exception) -> bool:
    """Whether this is an error of the library's tree."""
    from ..errors import AgentBridgeError

    return isinstance(error, AgentBridgeError)


def report(error: Exception, *, verbose: bool) -> None:
    """Say what went wrong on stderr: in one line, and with `verbose` with all that is known."""
    click.echo(f"{type(error).__name__}: {one_line(_in_shell_words(str(error)))}", err=True)
    if verbose:
        for name, value in evidence(error):
            click.echo(f"  {name:<13} {_indented(value)}", err=True)


def _in_shell_words(text: str) -> str:
    """What a remedy is called here, where nobody writes Python."""
    return text.replace('on_unsupported="drop"', "--on-unsupported drop").replace("inputs={...}", "-i name=value")


def evidence(error: Exception) -> list[tuple[str, str]]:
    """What an error knows beside its message, as pairs of a name and a text."""
    from ..errors import InvocationError

    if isinstance(error, InvocationError):
        return _invocation_evidence(error)
    names = ("provider", "feature", "plugin", "distribution")
    return [(name, str(getattr(error, name))) for name in names if getattr(error, name, None)]


def silence() -> None:
    """Nobody reads stdout any more; let the interpreter's own flush at the end not complain about it."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _invocation_evidence(error: InvocationError) -> list[tuple[str, str]]:
    facts = [
        ("target", f"{error.connection}:{error.agent} (provider {error.provider})"),
        *((name, _said(getattr(error, name))) for name in ("status", "code", "retryable", "may_have_run")),
        ("attempts", str(error.attempts)),
        *(("tried before", f"{one.connection}:{one.agent}: {one.error}: {one.message}") for one in error.tried),
        ("retry_after", "-" if error.retry_after is None else f"{error.retry_after:g} s"),
    ]
    if error.request is not None:
        from ..body import final_url

        facts.append(("request", f"{error.request.method} {final_url(error.request)}"))
    return [*facts, *_answer(error)]


def _answer(error: InvocationError) -> list[tuple[str, str]]:
    facts = []
    if error.response is not None:
        content = error.response.content
        cut = f"... ({len(content)} bytes)" if len(content) > _SHOWN else ""
        facts.append(("content-type", error.response.headers.get("content-type", "-")))
        facts.append(("body", content[:_SHOWN].decode("utf-8", "replace") + cut))
    if error.partial is not None:
        facts.append(("partial", error.partial.text))
    if error.pending is not None:
        facts.append(("pending", f"{error.pending.kind} {error.pending.id or '(the vendor gave no id)'}"))
    return facts


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)


def _indented(text: str) -> str:
    return visible(text).replace("\n", "\n" + " " * 16)
