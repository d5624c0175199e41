"""Portable agents: one name for the same agent at several vendors, and what each of them calls its inputs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from .errors import ConfigurationError, UnsupportedFeatureError
from .model import Invocation, JsonValue
from .naming import check_once, did_you_mean
from .wire import File, Link, as_dict

_PLACEHOLDER = re.compile(r"\{([^{}\n]+)\}")


@attrs.frozen(kw_only=True)
class Binding:
    """How a portable agent is called at one vendor.

    `agent` is the vendor's id. `text` names the vendor input that takes `Invocation.text`; `template` makes the
    text from inputs instead, for vendors that take only a message. `inputs` maps canonical names to the vendor's,
    `constants` are further vendor inputs, `files` names the vendor input that takes attachments, `options` go to
    the provider. `where` says where this was configured, for error messages.
    """

    agent: str
    text: str | None = None
    template: str | None = None
    inputs: Mapping[str, str] = attrs.field(factory=dict, converter=as_dict)
    constants: Mapping[str, JsonValue] = attrs.field(factory=dict, converter=as_dict)
    files: str | None = None
    options: Mapping[str, Any] = attrs.field(factory=dict, converter=as_dict)
    where: str = attrs.field(default="the binding", eq=False)

    def __attrs_post_init__(self) -> None:
        if self.text is not None and self.template is not None:
            raise ConfigurationError(
                f"{self.where} has both 'text' and 'template'. Keep 'text' where the vendor has an input for the"
                " message, 'template' where it takes only a message"
            )


def _default(names: str | Iterable[str] | None) -> str | tuple[str, ...] | None:
    return names if names is None or isinstance(names, str) else tuple(names)


@attrs.frozen(kw_only=True)
class Agent:
    """A portable agent: its bindings by connection, and the connection that is used when none is named.

    Several in `default` are asked in this order, each where the run of the one before surely never began.
    `side_effects` says that a run does something in the world, as sending an e-mail: it is not repeated to try a vendor.
    """

    on: Mapping[str, Binding]
    default: str | tuple[str, ...] | None = attrs.field(default=None, converter=_default)
    side_effects: bool = False

    @property
    def choices(self) -> tuple[str, ...]:
        """The connections that the agent's name alone means: the default, or the only one."""
        if self.default is None:
            return tuple(self.on) if len(self.on) == 1 else ()
        return (self.default,) if isinstance(self.default, str) else self.default


def bind(invocation: Invocation, binding: Binding) -> Invocation:
    """The same invocation in the names of one vendor. Pure; `options` are left to the caller.

    Raises:
        UnsupportedFeatureError: for an input that the binding does not map, or that its template misses.
        ConfigurationError: when two values meet at one vendor input.
    """
    used = set(_PLACEHOLDER.findall(binding.template or ""))
    inputs = {name: value for name, value in binding.constants.items() if name not in used}
    for name, value in invocation.inputs.items():
        if name in binding.inputs:
            _place(inputs, binding.inputs[name], value, binding)
        elif name not in used:
            raise _unmapped(name, binding)
    text = invocation.text
    if binding.template is not None:
        text = _fill(binding.template, invocation, binding)
    elif binding.text is not None and text is not None:
        _place(inputs, binding.text, text, binding)
        text = None
    files = tuple(_attached(file, binding) for file in invocation.files)
    return attrs.evolve(invocation, text=text, inputs=inputs, files=files)


def _place(inputs: dict[str, JsonValue], name: str, value: JsonValue, binding: Binding) -> None:
    if name in inputs:
        raise ConfigurationError(
            f"{binding.where} gives the vendor input {name!r} two values; give each an input of its own"
        )
    inputs[name] = value


def _unmapped(name: str, binding: Binding) -> UnsupportedFeatureError:
    known = ", ".join(sorted({*binding.inputs, *_PLACEHOLDER.findall(binding.template or "")} - {"text"})) or "none"
    return UnsupportedFeatureError(
        f"inputs[{name!r}]",
        f"{binding.where} does not map it (mapped: {known}).{did_you_mean(name, known.split(', '))} Add it under 'inputs' there, or to its"
        " 'template'",
    )


def _as_json(name: str, value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise UnsupportedFeatureError(f"inputs[{name!r}]", "it has no JSON form. Convert it to text first") from None


def _fill(template: str, invocation: Invocation, binding: Binding) -> str:
    """Replace `{name}` and `{text}` by their values and nothing else; one pass, so values are never read as templates.

    Braces around what is neither a known value nor a name, as in JSON, stay as they are.
    """
    values: dict[str, Any] = {**invocation.inputs, **binding.constants}
    for name in invocation.inputs:
        if name in binding.constants or (name == "text" and invocation.text is not None):
            raise ConfigurationError(f"the template of {binding.where} gets two values for {name!r}; leave one out")
    if invocation.text is not None:
        values["text"] = invocation.text
        if "{text}" not in template:
            raise UnsupportedFeatureError("text", f"the template of {binding.where} has no {{text}} to put it in")

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if name in values:
            return values[name] if isinstance(values[name], str) else _as_json(name, values[name])
        if name.isidentifier():
            field = name if name == "text" else f"inputs[{name!r}]"
            raise UnsupportedFeatureError(
                field, f"the template of {binding.where} needs it, and the call does not give it"
            )
        return found.group(0)

    return _PLACEHOLDER.sub(value, template)


def _attached(file: File | Link, binding: Binding) -> File | Link:
    if file.input is None:
        return attrs.evolve(file, input=binding.files)
    if file.input in binding.inputs:
        return attrs.evolve(file, input=binding.inputs[file.input])
    if file.input in {binding.files, *binding.inputs.values()}:
        return file
    raise _unmapped(file.input, binding)


def merge(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings merged deeply; a later layer wins, lists and plain values are replaced whole."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            old = merged.get(key)
            both = isinstance(old, Mapping) and isinstance(value, Mapping)
            merged[key] = merge(old, value) if both else value  # type: ignore[arg-type]
    return merged


def check_default(name: str, agent: Agent, where: str) -> Agent:
    """The agent itself. Raises ConfigurationError where its default names what it has no binding for, or one twice."""
    if agent.default is not None and not agent.choices:
        raise ConfigurationError(f"{where}: agents.{name}.default is empty; name a connection, or leave it out")
    for choice in agent.choices:
        if choice not in agent.on:
            raise ConfigurationError(
                f"{where}: agents.{name}.default names {choice!r}, but there is no [agents.{name}.on.{choice}]"
                f" (there: {', '.join(agent.on)}).{did_you_mean(str(choice), list(agent.on))}"
            )
    check_once(agent.choices, f"{where}: agents.{name}.default")
    return agent
