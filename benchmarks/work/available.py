"""Prints what the library can do already, so that a row of a later day says "not there yet"."""

from __future__ import annotations

from importlib.util import find_spec

from agentbridge import AsyncBridge, ConfigurationError


def transport(name: str) -> bool:
    """Whether there is a transport of this name, and its library."""
    if find_spec(name) is None:
        return False
    try:
        AsyncBridge(config={}, transport=name)
    except ConfigurationError:
        return False
    return True


if __name__ == "__main__":
    print(*filter(transport, ("httpx", "httpx2", "aiohttp")), *["map"] * hasattr(AsyncBridge, "map"))
