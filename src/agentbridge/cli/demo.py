"""`agentbridge demo`: on one page, and without an account, why this library exists."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from ..installing import how_to_install
from .failures import require_extra, verbose_option
from .output import console, one_line, show_table, table

if TYPE_CHECKING:
    from rich.console import Console

    from ..bridge import Bridge
    from ..errors import InvocationError
    from ..plugins import Registry
    from ..wire import HttpRequest

_WIDTH = 100  # columns
_TEXT = "Help me troubleshoot my login"
_INPUTS = {"vendor": "Acme"}
_TEMPLATE = "Vendor: {vendor}\n\n{text}"

# What agentbridge.toml would say under [agents.support.on.VENDOR].
_BINDINGS: Mapping[str, Mapping[str, Any]] = {
    "fluxprompt": {"text": "varInputNode_17697", "inputs": {"vendor": "varInputNode_17698"}},
    "promptitude": {"text": "question", "inputs": {"vendor": "vendor"}},
    "flowgent": {"template": _TEMPLATE},
    "flowise": {"template": _TEMPLATE},
}
_FAILING = {
    "fluxprompt": "error-in-200",
    "promptitude": "error-in-200",
    "flowgent": "error-in-200",
    "flowise": "tool-error",
}
_SHORTEST_CURL = ("flowgent", "promptitude", "flowise", "fluxprompt")


@click.command("demo")
@verbose_option
def demo_command() -> None:
    """See on one page what this is for: one call to four vendors, their hidden failures, the same call as curl.

    Runs on emulators inside of this process; needs no account and no network.

    \b
    Example:
      agentbridge demo
    """  # noqa: D301 (click)
    require_extra("emulator", "demo")
    from ..plugins import Registry

    show(Registry(), console(_WIDTH))


def show(registry: Registry, out: Console) -> None:
    """Run the demo with these providers and print it.

    Raises:
        ConfigurationError: none of the four vendors' plugins is installed.
        AgentBridgeError: a call that has to succeed did not.
    """
    from ..bridge import Bridge
    from ..emulator.serving import serve
    from ..errors import ConfigurationError
    from ..retry import RetryPolicy

    vendors = [name for name in _BINDINGS if name in registry and registry[name].emulator]
    if not vendors:
        raise ConfigurationError(f"the demo needs a vendor's plugin: {how_to_install('flowise')}, for example")
    with loopback_without_proxy(), serve(registry) as served:
        options: dict[str, Any] = {"connections": served.connections, "agents": _agents(vendors)}
        with Bridge({}, retry=RetryPolicy(attempts=1), registry=registry, **options) as bridge:
            _introduce(out, registry, vendors)
            _answers(out, bridge, vendors)
            _failures(out, bridge, vendors)
            _curl(out, bridge, vendors)
    _next(out, vendors)


def _agents(vendors: list[str]) -> dict[str, Any]:
    """Two portable agents, one that answers and one that fails, each bound to all the vendors."""
    return {
        "support": {"on": {name: {"agent": "ok", **_BINDINGS[name]} for name in vendors}},
        "broken": {"on": {name: {"agent": _FAILING[name], **_BINDINGS[name]} for name in vendors}},
    }


def _introduce(out: Console, registry: Registry, vendors: list[str]) -> None:
    out.print("agentbridge: one call, one kind of answer, one tree of errors, whatever the vendor", style="bold")
    out.print("All of this runs now, against emulators of the vendors on this machine.", style="dim")
    for name in [name for name in _BINDINGS if name not in vendors]:
        reasons = [str(error) for error in registry.failures.values() if error.plugin == name]
        out.print(one_line(f"Without {name}: {reasons[0] if reasons else how_to_install(name)}"))


def _answers(out: Console, bridge: Bridge, vendors: list[str]) -> None:
    _head(out, "1. The same call to every vendor")
    out.print(f'   bridge.invoke("support@VENDOR", "{_TEXT}", inputs={json.dumps(_INPUTS)})\n', style="cyan")
    shown = table("", "VENDOR", "what the vendor wants to be sent", "result.text")
    shown.columns[2].no_wrap = True
    for name in vendors:
        result = bridge.invoke(f"support@{name}", _TEXT, inputs=_INPUTS)
        request = result.response.request
        sent = "\n".join(_wire(request, name)) if request is not None else ""
        shown.add_row(" ", name, sent, one_line(result.text, 90))
    show_table(shown, out)


def _failures(out: Console, bridge: Bridge, vendors: list[str]) -> None:
    from ..errors import InvocationError

    _head(out, '2. "HTTP 200" that means "failed": raise_for_status() sees nothing, bridge.invoke() raises')
    for name in vendors:
        try:
            result = bridge.invoke(f"broken@{name}", _TEXT, inputs=_INPUTS)
        except InvocationError as error:
            _failure(out, name, error)
        else:
            out.print(f"   {name:<13}answered: {one_line(result.text, 70)}")


def _failure(out: Console, name: str, error: InvocationError) -> None:
    body = "" if error.response is None else error.response.text
    out.print(f"   {name:<13}HTTP {error.status}  {one_line(body, _WIDTH - 27)}", style="dim", soft_wrap=True)
    facts = f".retryable={error.retryable}  .may_have_run={error.may_have_run}"
    out.print(f"   {'':<13}raises {type(error).__name__}  {facts}", style="red")
    out.print(f"   {'':<13}{one_line(str(error), _WIDTH - 17)}", soft_wrap=True)


def _curl(out: Console, bridge: Bridge, vendors: list[str]) -> None:
    name = next(name for name in _SHORTEST_CURL if name in vendors)
    _head(out, "3. The same call as curl, secrets masked, nothing sent")
    out.print(f'   bridge.prepare("support@{name}", ...).curl()\n', style="cyan")
    command = bridge.prepare(f"support@{name}", _TEXT, inputs=_INPUTS).curl()
    out.print("   " + command.replace("\n", "\n   "), soft_wrap=True)


def _next(out: Console, vendors: list[str]) -> None:
    example = next((name for name in reversed(vendors) if "template" in _BINDINGS[name]), None)
    call = f"agentbridge invoke {example}:ok hello" if example else f"agentbridge invoke {vendors[0]}:ok -i topic=hello"
    _head(out, "Next")
    out.print("   agentbridge emulate                    these emulators for your own code, until Ctrl-C")
    out.print(f"   {call:<38} a call from the shell; see also: providers, prepare")
    out.print("   README.md                              ten lines of Python, and how to set your own keys")


def _head(out: Console, title: str) -> None:
    out.print(f"\n{title}", style="bold")


def _wire(request: HttpRequest, name: str) -> list[str]:
    """What was sent, in three short lines: method and path, the header of the key, the body."""
    from ..body import final_url

    parts = urlsplit(final_url(request))
    path = parts.path.removeprefix(f"/{name}") + (f"?{parts.query}" if parts.query else "")  # emulators share a host
    auth = [f"{header}: {value}" for header, value in request.auth.items()]
    return [one_line(f"{request.method} {path}", 52), *auth, one_line(json.dumps(request.json), 52)]


@contextlib.contextmanager
def loopback_without_proxy() -> Iterator[None]:
    """HTTP libraries send even loopback requests to a proxy of the environment, unless told otherwise."""
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    os.environ.update(dict.fromkeys(before, "127.0.0.1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            os.environ.update({} if value is None else {name: value})
