"""How this project is installed: said here alone, since no index has it yet. From a checkout, and its wheels, until then."""

from __future__ import annotations

__all__ = ["WITH_CORE", "how_to_install"]

WITH_CORE = "pip install -e /path/to/agentbridge -e '.[dev]'"
"""The command that installs a plugin for work on it, in its folder, with the core from a checkout."""


def how_to_install(provider: str) -> str:
    """What to do for the plugin of one of the four vendors, to stand in the middle of a sentence."""
    return f"pip install -e plugins/{provider} in a checkout of agentbridge"
