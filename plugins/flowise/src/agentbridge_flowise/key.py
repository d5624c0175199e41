"""Requests with the connection's own key in the address, where the vendor wants it there."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import attrs

from agentbridge import Call, HttpRequest, UnsupportedFeatureError

from . import endpoint

_SHORTEST = 6  # characters; the core masks no shorter secret, and Flowise's keys have 43


class Address(str):
    """An address with a key at its end, which its repr does not show."""

    __slots__ = ("shown",)
    shown: str

    def __repr__(self) -> str:
        return repr(self.shown)


def request(call: Call, *steps: str, **more: Any) -> HttpRequest:
    """Ask about the connection's key: the core masks it in errors and logs, and would mask no other.

    Raises:
        UnsupportedFeatureError: where there is no key, or one so short that it would not be masked.
    """
    key = call.api_key
    if not key:
        raise UnsupportedFeatureError("api_key", "it is about the connection's key, and there is none. Give one")
    if len(key) < _SHORTEST:
        raise UnsupportedFeatureError("api_key", "so short a text is no key of Flowise's. Give the key that it shows")
    made = endpoint.request(call, "GET", *steps, key, **more)
    address = Address(made.url)
    address.shown = made.url.removesuffix(quote(key, safe="")) + "***"
    return attrs.evolve(made, url=address)
