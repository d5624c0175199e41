"""From one vendor's words back to a portable agent's, and on to another vendor. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs

from ..bindings import Agent, Binding
from ..errors import ConfigurationError
from ..model import Invocation, JsonValue
from ..naming import did_you_mean
from ..wire import File, Link


def agent_of(target: str, agents: Mapping[str, Agent]) -> tuple[str, Binding | None] | None:
    """The portable agent that a target means, and the binding where it was called in the vendor's own words.

    `support`, `support@fluxprompt` and `support@a,b` name it; `fluxprompt:a176...` is the agent that is bound to this
    id there. None where no portable agent fits.
    """
    connection, colon, agent_id = target.partition(":")
    if not colon:
        name = target.partition("@")[0]
        return (name, None) if name in agents else None
    for name, agent in agents.items():
        binding = agent.on.get(connection)
        if binding is not None and binding.agent == agent_id:
            return name, binding
    return None


def portable_name(target: str) -> str | None:
    """The portable agent that a target names; None for one in a vendor's own words."""
    return None if ":" in target else target.partition("@")[0]


def connection_of(target: str, agents: Mapping[str, Agent]) -> str:
    """The connection that a target is sent to, the first of several.

    Raises:
        ConfigurationError: the target names none.
    """
    return connections_of(target, agents)[0]


def connections_of(target: str, agents: Mapping[str, Agent]) -> tuple[str, ...]:
    """All connections that a target may be sent to, in their order.

    Raises:
        ConfigurationError: the target names none.
    """
    if ":" in target:
        return (target.partition(":")[0],)
    name, _, named = target.partition("@")
    choices = named.split(",") if named else agents[name].choices if name in agents else ()
    if not choices:
        raise ConfigurationError(f"the target {target!r} names no connection; write {name}@CONNECTION")
    return tuple(choice.strip() for choice in choices)


def canonical(invocation: Invocation, agents: Mapping[str, Agent]) -> Invocation:
    """The same call, to a portable agent and in its names; its target has no connection any more.

    Raises:
        ConfigurationError: no portable agent fits.
    """
    found = agent_of(invocation.target, agents)
    if found is None:
        raise ConfigurationError(
            f"no portable agent stands for {invocation.target!r} (there: {', '.join(agents) or 'none'}). Bind it under"
            " [agents.NAME.on.CONNECTION]; `agentbridge migrate init` drafts that from samples"
        )
    name, binding = found
    said = invocation if binding is None else unbind(invocation, binding)
    return attrs.evolve(said, target=name)


def retarget(invocation: Invocation, to: str, agents: Mapping[str, Agent]) -> Invocation:
    """The same call for another vendor: `to` is a connection, which has the same portable agent, or a whole target.

    Options are keyed by provider, so those of the old vendor stay and reach nobody. A callback_url is left out: who
    listens there waits for production.

    Raises:
        ConfigurationError: no portable agent fits, or it has no binding for that connection.
    """
    said = attrs.evolve(invocation, callback_url=None)
    if ":" in to or "@" in to or to in agents:
        return attrs.evolve(canonical(said, agents) if agent_of(said.target, agents) else said, target=to)
    said = canonical(said, agents)
    bound = list(agents[said.target].on)
    if to not in bound:
        raise ConfigurationError(
            f"the agent {said.target!r} is not bound to {to!r} (bound to: {', '.join(bound)}).{did_you_mean(to, bound)}"
            f" Add [agents.{said.target}.on.{to}]"
        )
    return attrs.evolve(said, target=f"{said.target}@{to}")


def unbind(invocation: Invocation, binding: Binding) -> Invocation:
    """What `bind` was given, read back from what it made: vendor names become the agent's, constants are left out.

    A template cannot be taken apart again: its text stays whole. Inputs that the binding does not know keep their
    names, so that `bind` names them where the other vendor has no place for them.
    """
    names = {vendor: name for name, vendor in binding.inputs.items()}
    inputs: dict[str, JsonValue] = {}
    text = invocation.text
    for name, value in invocation.inputs.items():
        if name == binding.text and isinstance(value, str) and text is None:
            text = value
        elif name not in binding.constants or not _same(binding.constants[name], value):
            inputs[names.get(name, name)] = value
    files = tuple(_unattached(file, names, binding) for file in invocation.files)
    return attrs.evolve(invocation, text=text, inputs=inputs, files=files)


def _same(one: JsonValue, other: JsonValue) -> bool:
    """Whether both are written the same; to Python true is 1, and to a vendor it is not."""
    return one == other and json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _unattached(file: File | Link, names: Mapping[str, str], binding: Binding) -> File | Link:
    if file.input is None or file.input == binding.files:
        return attrs.evolve(file, input=None)
    return attrs.evolve(file, input=names.get(file.input, file.input))
