"""Operations on the server itself: whether it answers, which version it is, and whether it knows a key."""

from __future__ import annotations

from typing import ClassVar

import attrs

from agentbridge import Call, Fault, HttpRequest, HttpResponse, Operation

from . import endpoint, key, wire_operations


@attrs.frozen
class Ping(Operation[str]):
    """Ask whether the server answers; it says `pong`.

    Source: routes/ping. Needs no key.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "ping"
    idempotent: ClassVar[bool] = True

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", *wire_operations.PING)

    def read(self, response: HttpResponse) -> str | Fault:
        if response.ok and response.text == wire_operations.PONG:
            return response.text
        refused = endpoint.refusal(response)
        if refused is None:
            raise ValueError("whatever this is, it is not pong")
        return refused


@attrs.frozen
class GetVersion(Operation[str]):
    """Ask which version of Flowise the server is.

    Source: routes/versions. Needs no key.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "version"
    idempotent: ClassVar[bool] = True

    def build_request(self, call: Call) -> HttpRequest:
        return endpoint.request(call, "GET", *wire_operations.VERSION)

    def read(self, response: HttpResponse) -> str | Fault:
        refused = endpoint.refusal(response)
        return wire_operations.Version.parse(response.json())[0].version if refused is None else refused


@attrs.frozen
class VerifyKey(Operation[str]):
    """Ask whether the server knows the connection's key.

    It says `OK`; a key that it does not know is an AuthenticationError. The key stands in the address, so it is seen by whatever logs addresses on the way; agentbridge masks it.
    Source: routes/verify, services/apikey.
    """

    provider: ClassVar[str] = "flowise"
    name: ClassVar[str] = "verify-key"
    idempotent: ClassVar[bool] = True

    def build_request(self, call: Call) -> HttpRequest:
        return key.request(call, *wire_operations.VERIFY)

    def read(self, response: HttpResponse) -> str | Fault:
        refused = endpoint.refusal(response)
        if refused is None and response.json() != wire_operations.VERIFIED:
            raise ValueError("whatever this is, it is not OK")
        return wire_operations.VERIFIED if refused is None else refused
