"""The connection's own key in an address, where the vendor wants it there."""

from __future__ import annotations

from agentbridge import Call, UnsupportedFeatureError

_SHORTEST = 6  # characters; the core masks no shorter secret, and Flowise's keys have 43


def of(call: Call) -> str:
    """The key of the connection, which the core masks in addresses, errors and logs; it would mask no other.

    Raises:
        UnsupportedFeatureError: where there is none, or one so short that it would not be masked.
    """
    key = call.api_key
    if not key:
        raise UnsupportedFeatureError("api_key", "it is about the connection's key, and there is none. Give one")
    if len(key) < _SHORTEST:
        raise UnsupportedFeatureError("api_key", "so short a text is no key of Flowise's. Give the key that it shows")
    return key
