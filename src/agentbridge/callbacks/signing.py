"""The addresses that vendors call back: signed, so that nobody can make one up, and with an end. Pure functions."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import NamedTuple

from ..redaction import CALLBACK_MARK


class Claim(NamedTuple):
    """What a genuine address says: which run, and until when, in seconds since the epoch."""

    run: str
    expires: int


def signed(claim: Claim, secret: bytes) -> str:
    """The last part of an address. Its signature bears a mark by which every redactor knows it."""
    return f"{claim.run}.{claim.expires:x}.{_signature(claim, secret)}"


def verified(token: str, secret: bytes) -> Claim | None:
    """What an address says, or None where we did not make it."""
    try:
        run, expires, signature = token.split(".")
        claim = Claim(run, int(expires, 16))
    except ValueError:
        return None
    genuine = hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(claim, secret).encode())
    return claim if genuine and token == signed(claim, secret) else None  # one spelling only


def _signature(claim: Claim, secret: bytes) -> str:
    digest = hmac.new(secret, f"{claim.run}.{claim.expires}".encode("utf-8", "replace"), hashlib.sha256).digest()
    return CALLBACK_MARK + base64.urlsafe_b64encode(digest).decode().rstrip("=")
