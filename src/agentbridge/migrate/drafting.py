"""A binding file drafted from samples: portable agents of those that production calls, ready to be filled in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs

from ..base import BridgeBase
from ..errors import ConfigurationError
from ..model import Invocation
from ..plugins import known_provider
from ..provider import Call, Provider
from ..wire import JsonValue, Link
from .figures import spoken
from .samples import Sample, given
from .studying import ENOUGH, Input, Studied, readable, study
from .targets import FILL_IN

_HEAD = """\
# Drafted from {samples}. Read it, fill in what begins with FILL_IN, and merge it into agentbridge.toml;
# `agentbridge migrate plan` tells what is still missing."""
_BARE = re.compile(r"[A-Za-z0-9_-]+")


def draft(samples: Iterable[Sample], to: str, bridge: BridgeBase) -> str:
    """TOML of a portable agent for each vendor agent that the samples called, bound to the old vendor and to `to`.

    `to` is the connection that is moved to. Of the old vendor, `text` is the input that looks like the message, constants
    are inputs that never vary in three calls or more. No value of a varying input is shown.

    Raises:
        ConfigurationError: no sample calls a vendor's agent by its id, or there is no such connection.
    """
    provider = _provider(to, bridge)
    studied, portable = study(given(samples))
    moved = [one for one in studied if one.connection != to]
    if not moved:
        raise ConfigurationError(_nothing(to, portable))
    remarks = [f"# Portable already, by {_samples(calls)}: {_value(name)}" for name, calls in portable.items()]
    remarks += [f"# At {_value(to)} already: {_value(one.agent)}" for one in studied if one.connection == to]
    return "\n".join(
        [
            _HEAD.format(samples=_samples(sum(one.calls for one in moved))),
            *remarks,
            *_blocks(moved, to, provider, bridge),
        ]
    )


def _blocks(moved: list[Studied], to: str, provider: Provider, bridge: BridgeBase) -> Iterator[str]:
    names: set[str] = set()
    for one in moved:
        names.add(name := _name(one, names))
        yield from (
            "",
            *_agent(_Drafted(one, name, to, provider, _provider_name(one.connection, bridge) == provider.name)),
        )
    yield ""


def _nothing(to: str, portable: Mapping[str, int]) -> str:
    there = f" (portable agents: {', '.join(portable)})" if portable else ""
    return f"no sample calls an agent by its id at another vendor than {to!r}, so there is nothing to draft{there}"


def _samples(number: int) -> str:
    return f"{number} sample{'' if number == 1 else 's'}"


@attrs.frozen
class _Drafted:
    """One agent that is being drafted. `same` says that the new connection has the same provider as the old one."""

    one: Studied
    name: str
    to: str
    provider: Provider
    same: bool

    @property
    def inputs(self) -> dict[str, str]:
        """The vendor's names of inputs and files to the names that people read."""
        files = [name for name in self.one.files if name is not None and name != self.attached]
        return readable(dict.fromkeys((*self.one.varying, *files)))

    @property
    def attached(self) -> str | None:
        """The one input that takes all files, and nothing else."""
        only = list(self.one.files)
        return only[0] if len(only) == 1 and only[0] not in self.one.varying else None

    @property
    def constants(self) -> dict[str, JsonValue]:
        """The values that never vary, by names that people read."""
        said = self.one.constants
        return dict(zip(readable(said, self.inputs.values()).values(), said.values(), strict=True))

    @property
    def says_text(self) -> bool:
        return bool(self.one.texts) or self.one.message is not None

    @property
    def needs_text(self) -> bool:
        """Whether the message has to be an input at the new vendor."""
        return self.says_text and "text" not in self.provider.accepts

    @property
    def takes_inputs(self) -> bool:
        """Whether the new vendor takes named inputs, also beside the message where there is one."""
        alone = self.needs_text or not self.says_text
        return "inputs" in self.provider.accepts and (alone or _takes(self.provider, text="?", inputs={"?": "?"}))

    @property
    def needs_input_of_files(self) -> bool:
        """Whether the new vendor takes files in a named input alone."""
        link = Link("https://a.example/a.png")
        return "files" in self.provider.accepts and not _takes(self.provider, files=(link,))


def _agent(drafted: _Drafted) -> Iterator[str]:
    one, key = drafted.one, _key(drafted.name)
    yield f"[agents.{key}]"
    yield f"default = {_value(one.connection)}"
    yield ""
    yield f"[agents.{key}.on.{_key(one.connection)}]  # {_samples(one.calls)}"
    yield f"agent = {_value(one.agent)}"
    if one.message is not None:
        yield f"text = {_value(one.message)}{_remark(one.inputs[one.message], one.calls)}"
    yield from _table("inputs", {canonical: vendor for vendor, canonical in drafted.inputs.items()}, drafted)
    yield from _line("constants", one.constants, f"the same in all of {ENOUGH} or more samples")
    yield from _line("files", drafted.attached)
    yield ""
    yield f"[agents.{key}.on.{_key(drafted.to)}]"
    yield f"agent = {_value(FILL_IN)}"
    yield from _new_same(drafted) if drafted.same else _new(drafted)


def _new_same(drafted: _Drafted) -> Iterator[str]:
    """The same provider: its names may well be the same."""
    yield from _line("text", drafted.one.message)
    yield from _line("inputs", {canonical: vendor for vendor, canonical in drafted.inputs.items()})
    yield from _line("constants", drafted.one.constants)
    yield from _line("files", drafted.attached)


def _new(drafted: _Drafted) -> Iterator[str]:
    """Inputs where the vendor takes them beside what else is said; else one text made of all."""
    yield from _named(drafted) if drafted.takes_inputs else _joined(drafted)
    if drafted.one.files and drafted.needs_input_of_files:
        yield from _line("files", f"{FILL_IN}_files")


def _named(drafted: _Drafted) -> Iterator[str]:
    """Each input by a name that is still to be filled in."""
    yield from _line("text", f"{FILL_IN}_text" if drafted.needs_text else None)
    yield from _line("inputs", {name: f"{FILL_IN}_{name}" for name in drafted.inputs.values()})
    where = f"as the old vendor calls them: write the names of {_value(drafted.to)}"
    yield from _line("constants", drafted.constants, where)


def _joined(drafted: _Drafted) -> Iterator[str]:
    """One text, in which each input has a line; nothing where there is none."""
    constants = drafted.constants
    lines = [f"{spoken(name).capitalize()}: {{{name}}}" for name in (*constants, *drafted.inputs.values())]
    if lines:
        yield f"template = {_value(chr(10).join([*lines, *(['', '{text}'] if drafted.says_text else [])]))}"
        yield from _line("constants", constants)


def _takes(provider: Provider, **said: Any) -> bool:
    """Whether a provider builds a request of this; it is sent nowhere."""
    call = Call(base_url=provider.default_base_url or "https://vendor.invalid", agent="a", fresh_id="?")
    try:
        provider.build_request(Invocation(target=f"{provider.name}:a", **said), call)
    except Exception:
        return False
    return True


def _table(key: str, pairs: Mapping[str, str], drafted: _Drafted) -> Iterator[str]:
    """Names of inputs, with what is known of each above them."""
    for name, vendor in pairs.items():
        known = drafted.one.inputs.get(vendor)
        yield f"# {name}{_remark(known, drafted.one.calls, '') if known else ': files'}"
    yield from _line(key, pairs)


def _remark(known: Input, calls: int, mark: str = "  #") -> str:
    """What the values look like, and none of them: they may be somebody's."""
    said = "in all samples" if known.count == calls else f"in {known.count} of {calls} samples"
    kind = "text" if known.is_text else "JSON"
    joint = f"{mark} " if mark else ": "
    return f"{joint}{said}, {kind} of about {known.mean:.0f} characters{'' if known.varies else ', always the same'}"


def _line(key: str, value: Any, remark: str = "") -> list[str]:
    return [f"{key} = {_value(value)}{f'  # {remark}' if remark else ''}"] if value else []


def _name(one: Studied, taken: set[str]) -> str:
    """The agent's id where people can read it, else agent, agent-2."""
    slug = re.sub(r"[^a-z0-9]+", "-", one.agent.lower()).strip("-")
    stem = slug if re.fullmatch(r"[a-z]+(?:-[a-z0-9]+)*", slug) and not re.search(r"\d.*\d", slug) else "agent"
    name, number = stem, 1
    while name in taken:
        number += 1
        name = f"{stem}-{number}"
    return name


def _provider(to: str, bridge: BridgeBase) -> Provider:
    return known_provider(bridge.providers, _provider_name(to, bridge), f"the connection {to!r}")


def _provider_name(name: str, bridge: BridgeBase) -> str:
    connection = bridge.connections.get(name)
    return name if connection is None else connection.provider


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    """A JSON value as TOML, on one line."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(name)} = {_value(item)}' for name, item in value.items())} }}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
