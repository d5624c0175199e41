"""Errors of the tree as one line on stderr, with `--verbose` the evidence beneath it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

import click

from ..showing import visible
from .output import one_line, say_json

if TYPE_CHECKING:
    from ..errors import InvocationError
    from ..model import Pending

INTERRUPTED = 130  # 128 + SIGINT, as shells have it
BROKEN_PIPE = 141  # 128 + SIGPIPE
_BROUGHT = {"callbacks": ("starlette", "uvicorn"), "emulator": ("starlette", "uvicorn"), "ray": ("ray",)}
_VERBOSE = "agentbridge.verbose"
_JSON = "agentbridge.json"
_SPOKEN = "agentbridge.spoken"
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


def remember_json(ctx: click.Context, _: click.Parameter, asked: bool) -> bool:
    """For the option `--json`: its errors are JSON too."""
    ctx.meta[_JSON] = asked
    return asked


def is_ours(error: Exception) -> bool:
    """Whether this is an error of the library's tree."""
    from ..errors import AgentBridgeError

    return isinstance(error, AgentBridgeError)


def report(error: Exception, ctx: click.Context) -> None:
    """Say what went wrong on stderr: in one line, and with `--verbose` with all that is known.

    On stdout is the error as JSON with `--json`, and without it the run where one may go on: `agentbridge recover`
    takes either.
    """
    lost = lost_run(error)
    click.echo(f"{type(error).__name__}: {one_line(_in_shell_words(str(error)))}{how_to_find(lost)}", err=True)
    if is_verbose(ctx):
        for name, value in evidence(error):
            click.echo(f"  {name:<13} {_indented(value)}", err=True)
    if ctx.meta.get(_JSON):
        say_json(as_dict(error))
    elif lost is not None:
        show_run(lost)


def show_run(pending: Pending) -> None:
    """The document by which a run is found again, on stdout, or on stderr where pieces of an answer stand there."""
    say_json(pending.to_dict(), err=bool(click.get_current_context().meta.get(_SPOKEN)))


def has_spoken() -> None:
    """Remember that stdout has pieces of an answer."""
    click.get_current_context().meta[_SPOKEN] = True


def lost_run(error: Exception) -> Pending | None:
    """The run that may have an answer yet: not where the vendor has said what became of it."""
    from ..errors import InvocationError, ProviderError

    if not isinstance(error, InvocationError) or (isinstance(error, ProviderError) and not error.retryable):
        return None
    return error.pending


def how_to_find(pending: Pending | None) -> str:
    """The end of a line that tells of a run whose answer did not come."""
    return "" if pending is None else ": `agentbridge recover -` asks for it, by the JSON that is printed here"


def _in_shell_words(text: str) -> str:
    """What a remedy is called here, where nobody writes Python."""
    text = text.replace(": bridge.recover(error) asks for it", "")  # `how_to_find` says it
    return text.replace('on_unsupported="drop"', "--on-unsupported drop").replace("inputs={...}", "-i name=value")


def as_dict(error: Exception) -> dict[str, Any]:
    """An error as `--json` prints it: its class, its line, and what an InvocationError knows."""
    from ..errors import InvocationError

    said: dict[str, Any] = {"type": "error", "error": type(error).__name__, "message": str(error)}
    if not isinstance(error, InvocationError):
        return said
    names = (
        "provider",
        "connection",
        "agent",
        "status",
        "code",
        "retryable",
        "may_have_run",
        "retry_after",
        "attempts",
    )
    said |= {"message": error.message, "kind": error.fault.kind.value, **{name: getattr(error, name) for name in names}}
    values = {"pending": error.pending, "partial": error.partial}
    return said | {name: value and value.to_dict() for name, value in values.items()}


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
