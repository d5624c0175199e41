"""`agentbridge invoke` sends one call; `agentbridge prepare` shows what would be sent."""

from __future__ import annotations

import json
import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

from .failures import has_spoken
from .options import call_fields, call_options, json_option
from .output import note, say, say_json, say_piece, summary

if TYPE_CHECKING:
    from ..model import Result
    from ..planning.prepared import Prepared
    from ..transport.stream import Stream


@click.command("invoke")
@call_options
@click.option("--stream", is_flag=True, help="Print the text as it comes.")
@json_option
def invoke_command(
    target: str, text: str | None, config: str | None, *, stream: bool, as_json: bool, **given: Any
) -> None:
    """Call an agent and print its answer.

    TARGET is connection:agent-id, or the name of a portable agent from the configuration, alone or with @connection.
    TEXT is the message; "-" reads it from stdin.

    \b
    Examples:
      agentbridge invoke flowise:8a92ec5b-1473 "Help me troubleshoot my login"
      agentbridge invoke support@flowgent "My login fails" -i vendor=Acme
      agentbridge invoke promptitude:f-42 -i name=Andres -i tags:='["a", "b"]' -i mail=@mail.txt
      agentbridge invoke fluxprompt:a176fb62 -f varInputNode_1=report.pdf --json | jq .text
      agentbridge invoke flowise:8a92ec5b-1473 "Tell me a story" --stream
      agentbridge invoke flowise:8a92ec5b-1473 "hello" --timeout 30 > answer || agentbridge recover answer
      echo "and now in French" | agentbridge invoke flowise:8a92ec5b-1473 - --session s-1
      agentbridge invoke flowise:8a92ec5b-1473 hi --option flowise.overrideConfig='{"temperature": 0}'

    The answer goes to stdout, all else to stderr. A run that pauses to ask a human prints its question, says so on
    stderr and exits with 0; in --json its status is "waiting_for_input". `agentbridge resume` continues it.

    A run whose answer did not come in time, or was interrupted by Ctrl-C, may go on at the vendor. Where it can be found
    again, its JSON document is printed instead of the answer, and `agentbridge recover` takes it.

    Where to send it: connections are read from the configuration and from variables such as FLOWISE_BASE_URL and
    FLOWISE_API_KEY. To try it without an account, run `agentbridge emulate` in another terminal.
    """  # noqa: D301 (click)
    from .interrupting import interruptible

    if stream and as_json:
        raise click.UsageError("--stream prints the text alone, and --json all of the Result: give one of them.")
    with interruptible(config) as bridge:
        if stream:
            show_stream(bridge.stream(target, text, **call_fields(given)))
        else:
            show_answer(bridge.invoke(target, text, **call_fields(given)), as_json=as_json)


@click.command("prepare")
@call_options
@json_option
def prepare_command(target: str, text: str | None, config: str | None, *, as_json: bool, **given: Any) -> None:
    """Show what `agentbridge invoke` with the same arguments would send, as a curl command; send nothing.

    Secrets are masked as ***, files are named instead of quoted.

    \b
    Examples:
      agentbridge prepare support@flowgent "My login fails" -i vendor=Acme
      agentbridge prepare flowise:8a92ec5b-1473 "hello" --json
    """  # noqa: D301 (click)
    from ..bridge import Bridge

    with Bridge(config) as bridge:
        prepared = bridge.prepare(target, text, **call_fields(given))
    if as_json:
        say_json(_parts(prepared))
    else:
        say(prepared.curl())
        _remarks(prepared)


def show_answer(result: Result, *, as_json: bool) -> None:
    """The answer as it was asked for."""
    if as_json:
        say_json(result.to_dict())
    else:
        show_result(result)


def show_result(result: Result) -> None:
    """The answer on stdout; on stderr what a reader of it should know, and on a terminal who gave it."""
    say(result.text if result.interrupt is None else result.interrupt.question)
    _show_facts(result)


def show_stream(stream: Stream) -> None:
    """The same for an answer that comes in pieces."""
    from ..events import TextDelta

    spoken = ""
    try:
        with stream as events:
            for event in events:
                if isinstance(event, TextDelta) and event.text:
                    has_spoken()
                    say_piece(event.text)
                    spoken += event.text
    finally:
        say_piece("\n" if spoken and not spoken.endswith("\n") else "")
    interrupt = stream.result.interrupt
    if interrupt is not None and interrupt.question not in spoken:
        say(interrupt.question)
    _show_facts(stream.result)


def _show_facts(result: Result) -> None:
    if result.interrupt is not None:
        choices = f" ({' or '.join(result.interrupt.choices)})" if result.interrupt.choices else ""
        note(f"the run waits for input{choices}")
        if result.interrupt.resume:
            click.secho(f"to resume: {_resumption(result)}", err=True, dim=True)
    if sys.stdout.isatty():
        note(summary(result))
    _remarks(result)


def _resumption(result: Result) -> str:
    """A command that continues a paused run, with no more of the Result than that takes."""
    from ..codec import to_sparse_dict
    from ..model import Interrupt, Result

    assert result.interrupt is not None
    kept = Interrupt("", choices=result.interrupt.choices, resume=result.interrupt.resume)
    names = ("provider", "connection", "agent", "session_id", "status")
    short = Result(text="", output=None, interrupt=kept, **{name: getattr(result, name) for name in names})
    choice = shlex.quote(kept.choices[0]) if kept.choices else "DECISION"
    return f"printf %s {shlex.quote(json.dumps(to_sparse_dict(short)))} | agentbridge resume - {choice}"


def _remarks(of: Result | Prepared) -> None:
    """What was left out and what the plugin warns of: never kept from the user."""
    for name in of.dropped:
        note(f"dropped: {name}, which the vendor cannot carry")
    for warning in of.warnings:
        note(f"warning: {warning}")
    for call in getattr(of, "tool_calls", ()):
        if call.error is not None:
            note(f"warning: tool {call.name!r} failed: {call.error}")


def _parts(prepared: Prepared) -> dict[str, Any]:
    """A prepared request as JSON values."""
    from ..body import final_url

    request = prepared.request
    return {
        "method": request.method,
        "url": final_url(request),
        "headers": {**request.headers, **request.auth},
        "json": _plain(request.json),
        "form": _plain(request.form),
        "content": None if request.content is None else request.content.decode("utf-8", "replace"),
        "dropped": list(prepared.dropped),
        "warnings": list(prepared.warnings),
    }


def _plain(value: Any) -> Any:
    """The same as JSON values, with files named instead of quoted."""
    return json.loads(json.dumps(value, default=_leaf))


def _leaf(value: Any) -> Any:
    file = getattr(value, "file", value)  # DataUrl and FileText hold one
    return f"<{file.name}, {file.type}>" if hasattr(file, "type") else dict(value)
