"""`agentbridge explain`: what a reply of a vendor means, and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from .completing import connections, providers
from .failures import as_dict, evidence, verbose_option
from .options import config_option, json_option
from .output import one_line, say, say_json, summary

if TYPE_CHECKING:
    from ..connection import Connection
    from ..directory import Directory
    from ..explaining.explanation import Explanation
    from ..wire import HttpResponse

_SHOWN = ("code", "retryable", "may_have_run", "retry_after", "partial", "pending")
_MANY = 40  # paths that nobody read, before they are counted only


def _header(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    headers = {}
    for line in given:
        name, colon, value = line.partition(":")
        if not colon:
            raise click.BadParameter(f"{line!r} is not 'name: value'.")
        headers[name.strip().lower()] = value.strip()
    return headers


@click.command("explain")
@click.argument("reply", type=click.File("rb"))
@click.option(
    "--provider",
    metavar="NAME",
    shell_complete=providers,
    help="Whose reply it is, as `agentbridge providers` lists them.",
)
@click.option(
    "--connection",
    metavar="NAME",
    shell_complete=connections,
    help="The connection it came to; its fault rules count, and its secrets are masked.",
)
@click.option("--status", type=click.IntRange(100, 599), default=200, show_default=True, help="Its HTTP status.")
@click.option(
    "-H", "--header", "headers", multiple=True, metavar="'NAME: VALUE'", callback=_header, help="A header of it."
)
@click.option("--content-type", metavar="TYPE", help="Its media type; guessed where neither this nor a header says it.")
@click.option("--poll", is_flag=True, help="It answers a poll, which is a GET, and not the start of a run.")
@click.option("--tool-errors", type=click.Choice(["raise", "report"]), default="raise", help="As in a call.")
@config_option
@json_option
@verbose_option
def explain_command(reply: Any, *, as_json: bool, **given: Any) -> None:
    """Say what the reply in a file means: what a caller would get, and which rule or check decided it.

    It is the reply to a run, the body alone; "-" reads it from stdin. A stream of events (text/event-stream) is decoded as
    the vendor's. Nothing is sent. What nobody read of a JSON reply is listed, and what no document tells of.

    \b
    Examples:
      agentbridge explain reply.json --provider flowgent
      agentbridge explain page.html --provider flowise --status 502
      agentbridge explain reply.json --connection flowise-eu
    """  # noqa: D301 (click)
    explanation = _explained(reply.read(), **given)
    if as_json:
        say_json(_plain(explanation))
    else:
        say("\n".join(_lines(explanation)))


def _explained(
    content: bytes,
    provider: str | None,
    connection: str | None,
    config: str | None,
    tool_errors: Any,
    **reply: Any,
) -> Explanation:
    from ..directory import Directory
    from ..explaining.explanation import explain
    from ..plugins import known_provider

    if (provider is None) == (connection is None):
        raise click.UsageError("Say whose reply it is: give --provider or --connection.")
    directory = Directory(config)
    account = None if connection is None else _account(directory, connection)
    found = known_provider(directory.registry, account.provider if account else provider or "", "--provider")
    return explain(
        found,
        _response(content, **reply),
        account.faults if account else (),
        tool_errors=tool_errors,
        connection=connection or "",
        secrets=account.secrets if account else frozenset(),
    )


def _account(directory: Directory, name: str) -> Connection:
    """The connection with its key, so that this is not shown; without it where it cannot be had: nothing is sent."""
    from ..errors import ConfigurationError, UnknownTargetError

    try:
        return directory.connection(name)[0]
    except UnknownTargetError:
        raise
    except ConfigurationError:
        return directory.connections[name]


def _response(
    content: bytes, status: int, headers: dict[str, str], content_type: str | None, *, poll: bool
) -> HttpResponse:
    from ..wire import HttpRequest, HttpResponse

    kind = content_type or headers.get("content-type") or _guessed(content)
    request = HttpRequest("GET" if poll else "POST", "")
    return HttpResponse(status, {**headers, "content-type": kind}, content, request)


def _guessed(content: bytes) -> str:
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"<"):
        return "text/html"
    is_event = re.match(rb"(data|event|message|id|retry|):", start) is not None
    return "text/event-stream" if is_event else "application/json"


def _lines(explanation: Explanation) -> list[str]:
    lines = [f"decided by   {_DECIDERS[explanation.decided_by]}: {one_line(explanation.where)}"]
    lines += [f"             {one_line(explanation.why)}"] if explanation.why else []
    lines += [
        f"a caller     {line}" if not number else f"  {line}" for number, line in enumerate(_outcome(explanation))
    ]
    unread = explanation.unread or ()
    lines += [f"nobody read  {one_line(path)}" for path in unread[:_MANY]]
    lines += [f"nobody read  ... and {len(unread) - _MANY} more"] if len(unread) > _MANY else []
    return [*lines, *(f"drift        {one_line(str(drift))}" for drift in explanation.drift)]


_DECIDERS = {"rule": "a fault rule", "provider": "the provider", "core": "the core"}


def _outcome(explanation: Explanation) -> list[str]:
    from ..errors import InvocationError
    from ..model import Pending, Result

    outcome = explanation.outcome
    if isinstance(outcome, InvocationError):
        facts = [f"{name:<13} {one_line(value, 200)}" for name, value in evidence(outcome) if name in _SHOWN]
        return [f"gets an error, {type(outcome).__name__}: {one_line(str(outcome))}", *facts]
    if isinstance(outcome, Pending):
        return [f"waits: the answer comes by {outcome.kind}, id {outcome.id or '(the vendor gave none)'}"]
    if not isinstance(outcome, Result):
        return [f"gets {one_line(repr(outcome), 200)}"]
    warned = [f"{'warning':<13} {one_line(warning)}" for warning in outcome.warnings]
    said = f"{'text':<13} {one_line(outcome.text, 200)}"
    return [f"gets a Result, {outcome.status}: {one_line(summary(outcome))}", said, *warned]


def _plain(explanation: Explanation) -> dict[str, Any]:
    from ..codec import plain

    return {
        "decided_by": explanation.decided_by,
        "where": explanation.where,
        "why": explanation.why,
        "outcome": _plain_outcome(explanation.outcome),
        "unread": None if explanation.unread is None else list(explanation.unread),
        "drift": [plain(drift) for drift in explanation.drift],
    }


def _plain_outcome(outcome: Any) -> dict[str, Any]:
    from ..errors import InvocationError
    from ..model import Pending

    if not isinstance(outcome, InvocationError):
        return {"type": "pending" if isinstance(outcome, Pending) else "result", **outcome.to_dict()}
    return as_dict(outcome)
