"""May this target be called again for a try? Asked before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ..base import BridgeBase
from ..bindings import Binding
from ..errors import AgentBridgeError, ConfigurationError, UnknownTargetError
from .canonical import agent_of, connections_of

FILL_IN = "FILL_IN"
"""What a drafted value begins with that only a person knows. `plan` names those that are left."""


def unfilled(binding: Binding) -> Iterator[str]:
    """The keys of a drafted binding that nobody filled in."""
    named: Mapping[str, str | None] = {"agent": binding.agent, "text": binding.text, "files": binding.files}
    yield from (f"{binding.where}: {key}" for key, value in named.items() if (value or "").startswith(FILL_IN))
    yield from (f"{binding.where}: inputs.{key}" for key, value in binding.inputs.items() if value.startswith(FILL_IN))


def check_target(bridge: BridgeBase, target: str) -> None:
    """Raises UnknownTargetError where the bridge does not know this target, ConfigurationError where it is a draft."""
    _check_known(bridge, target)
    found = agent_of(target, bridge.agents)
    bindings = bridge.agents[found[0]].on if found is not None else {}
    for name in connections_of(target, bridge.agents):
        for key in unfilled(bindings[name]) if name in bindings else ():
            raise ConfigurationError(f"{key} still begins with {FILL_IN}; say what it is")


def _check_known(bridge: BridgeBase, target: str) -> None:
    try:
        bridge.prepare(target, "-")
    except UnknownTargetError:
        raise
    except AgentBridgeError:
        pass  # what this text alone lacks, a real call may say


def check_side_effects(bridge: BridgeBase, target: str, why: str) -> None:
    """Raises ConfigurationError where this agent does something in the world; `why` says what is wrong with that."""
    found = agent_of(target, bridge.agents)
    if found is not None and bridge.agents[found[0]].side_effects:
        raise ConfigurationError(
            f"the agent {target!r} has side effects, and {why}. Allow it with allow_side_effects=True"
        )
