"""curl commands, as vendors' pages and browsers give them, and the bare JSON bodies of calls."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import attrs

from ...base import BridgeBase
from ...errors import ConfigurationError
from ...model import Invocation
from ...provider import Call
from ...wire import HttpRequest, decode_json
from .exchanges import Recorded, recorded_request, secrets_in
from .imported import Found, Imported, Skipped, text_of
from .vendors import Vendor, Vendors, read_exchanges

_DATA = frozenset({"-d", "--data", "--data-raw", "--data-binary", "--data-ascii", "--json"})
_TAKES_VALUE = frozenset({
    "-X", "--request", "-H", "--header", "--url", "-o", "--output", "-u", "--user", "-b", "--cookie", "-c", "--cookie-jar",
    "-A", "--user-agent", "-e", "--referer", "-m", "--max-time", "--connect-timeout", "--retry", "-x", "--proxy", "-w",
    "--write-out", "-F", "--form", "--form-string", "--data-urlencode", "--cacert", "--cert", "--key", "-T", "--upload-file",
})  # fmt: skip
_UNREADABLE = frozenset({"-F", "--form", "--form-string", "--data-urlencode", "-T", "--upload-file"})
_COMMAND = re.compile(r"(?m)^[ \t]*(?:[$>%][ \t]+)?curl(?:\.exe)?[ \t]")
_ESCAPED = re.compile(r"\$'((?:[^'\\]|\\.)*)'", re.DOTALL)


def from_curl(
    source: str | os.PathLike[str], bridge: BridgeBase | None = None, *, target: str | None = None
) -> Imported:
    """The calls of curl commands, or of bare JSON bodies, one or a list; they have no answers. `source` is their text, or
    the Path of a file that holds it.

    A command goes to the connection of `bridge` whose base URL is at its host; without a bridge, to that of the
    configuration and the environment, else to the vendor whose own address it is. A bare body tells no address: `target`
    is "connection:agent-id".

    Raises:
        ConfigurationError: when it is iterated: a bare body without `target`, or one that is no connection's; the text is the
            name of a file; a file cannot be read.
    """
    return Imported(lambda: _found(_text(source), Vendors(bridge), target))


def _text(source: str | os.PathLike[str]) -> str:
    if not isinstance(source, str):
        return text_of(Path(source))
    if os.path.isfile(source):  # noqa: PTH113 (a Path raises where a text is too long for a name)
        raise ConfigurationError(f"{source!r} is the name of a file; to read it, give Path({source!r})")
    return source


def _found(text: str, vendors: Vendors, target: str | None) -> Iterator[Found]:
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        exchanges = list(_bodies(text, vendors, target))
    else:
        exchanges = []
        for number, command in enumerate(_commands(text), 1):
            try:
                exchanges.append(_recorded(command, f"command {number}"))
            except ValueError as error:
                yield Skipped(f"command {number}", str(error))
        if not exchanges and not _COMMAND.search(text):
            yield Skipped("the text", "there is neither a curl command nor a JSON body in it")
    yield from read_exchanges(exchanges, vendors)


def _commands(text: str) -> list[str]:
    """Each command with its continued lines."""
    joined = re.sub(r"[\\^]\r?\n", " ", text)
    starts = [found.start() for found in _COMMAND.finditer(joined)]
    return [joined[start:end].strip() for start, end in pairwise((*starts, len(joined)))]


def _recorded(command: str, place: str) -> Recorded:
    """The request of a command. Raises ValueError for one that cannot be told."""
    options = list(_options(_words(command)))
    unreadable = next((name for name, _ in options if name in _UNREADABLE), None)
    if unreadable is not None:
        raise ValueError(f"its body is given by {unreadable}, which is not read; give it with --data")
    body = "&".join(value for name, value in options if name in _DATA)
    if any(value.startswith("@") for name, value in options if name in _DATA - {"--data-raw"}):
        raise ValueError(f"its body stands in the file {body[1:]!r}; put it into the command")
    said = dict(options)
    url = said.get("--url", "")
    if not url:
        raise ValueError("it names no URL")
    headers = dict(_header(value) for name, value in options if name in {"-H", "--header"})
    method = said.get("-X", said.get("--request", "POST" if body else "GET"))
    url = url if "://" in url else f"https://{url}"
    return Recorded(
        place=place, request=recorded_request(method, url, body.encode(), headers), secrets=secrets_in(headers, url)
    )


def _words(command: str) -> list[str]:
    """The words of a shell's line, also those in $'...', as browsers quote them."""
    plain = _ESCAPED.sub(lambda found: shlex.quote(_unescaped(found.group(1))), command)
    try:
        words = shlex.split(plain)
    except ValueError as error:
        raise ValueError(f"the shell would not take it: {error}") from None
    start = next(place for place, word in enumerate(words) if word in {"curl", "curl.exe"})
    ends = [place for place, word in enumerate(words) if word in {"|", ">", ";", "&&", "||", "&", "#"}]
    return words[start + 1 : ends[0] if ends else None]


def _unescaped(text: str) -> str:
    known = {"n": "\n", "t": "\t", "r": "\r", "'": "'", '"': '"', "\\": "\\"}
    escape = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
    found = escape.sub(
        lambda one: chr(int(one[1] or one[2], 16)) if one[3] is None else known.get(one[3], one[0]), text
    )
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # pairs of \u join to one character


def _options(words: list[str]) -> Iterator[tuple[str, str]]:
    """Options with their values; what is none is the URL."""
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word.startswith("--") and equals:
            yield name, value
        elif word in _DATA | _TAKES_VALUE:
            yield word, next(rest, "")
        elif re.match(r"-[dHXFu]..", word) and not word.startswith("--"):
            yield word[:2], word[2:]
        elif not word.startswith("-"):
            yield "--url", word


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip().lower(), value.strip()


def _bodies(text: str, vendors: Vendors, target: str | None) -> Iterator[Recorded]:
    """Bare bodies as requests to the address that the plugin would send them to."""
    if target is None:
        raise ConfigurationError("a bare JSON body tells no address: give target='connection:agent-id' with it")
    try:
        given = decode_json(text.lstrip("\ufeff"))
    except ValueError as error:
        raise ConfigurationError(f"the text begins like JSON, and is none: {error}") from None
    name, _, agent = target.partition(":")
    vendor = vendors.named(name)
    if vendor is None or not agent:
        raise ConfigurationError(f"target {target!r} names no connection and agent; write 'connection:agent-id'")
    address = _address(vendor, agent)
    for number, body in enumerate(given if isinstance(given, list) else [given], 1):
        yield Recorded(place=f"body {number}", request=attrs.evolve(address, json=body))


def _address(vendor: Vendor, agent: str) -> HttpRequest:
    """Where a call to this agent goes, by a call that says the least."""
    least: Mapping[str, Any] = {"text": "?"} if "text" in vendor.provider.accepts else {"inputs": {"?": "?"}}
    call = Call(base_url=vendor.base_url.rstrip("/"), agent=agent, fresh_id="?")
    sent = vendor.provider.build_request(Invocation(target=f"{vendor.name}:{agent}", **least), call)
    return attrs.evolve(sent, json=None, auth={})
