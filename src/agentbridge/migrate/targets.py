"""May this target be called again for a try? Asked before anything is sent."""

from __future__ import annotations

from ..base import BridgeBase
from ..errors import AgentBridgeError, ConfigurationError, UnknownTargetError
from .canonical import agent_of


def check_target(bridge: BridgeBase, target: str) -> None:
    """Raises UnknownTargetError where the bridge does not know this target."""
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
