"""Whatever a vendor sends, a caller gets a Result that the vendor meant or an error of the tree, never an empty success."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st
from tests.cassettes.documents import document
from tests.vendors.calls import CALLS

from agentbridge import (
    AgentBridgeError,
    Bridge,
    Connection,
    HttpResponse,
    InvocationError,
    Result,
    RetryPolicy,
    Timeouts,
)
from agentbridge.testing import MemoryTransport

CASSETTES = Path(__file__).parents[2] / "cassettes"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
STATUSES = st.sampled_from([200, 201, 202, 204, 301, 400, 401, 402, 404, 429, 500, 502, 503])
TYPES = st.sampled_from(["application/json", "text/html", "text/plain", "", "application/json; charset=latin-1"])


def genuine(vendor: str) -> list[Any]:
    """Bodies of the vendor's cassettes, to be bent."""
    paths = sorted((CASSETTES / vendor).glob("*.yaml"))
    played = [interaction["response"] for path in paths for interaction in document(path)["interactions"]]
    return [json.loads(response["body"]["string"]) for response in played]


@st.composite
def bent(draw: st.DrawFn, bodies: list[Any]) -> Any:
    """A genuine body with some of its values replaced by anything, renamed or gone."""
    return _bend(draw, draw(st.sampled_from(bodies)), 0)


def _bend(draw: st.DrawFn, value: Any, depth: int) -> Any:
    if draw(st.integers(0, 9)) == 0:
        return draw(JSON)
    if isinstance(value, dict):
        return {key: _bend(draw, item, depth + 1) for key, item in value.items() if draw(st.integers(0, 14)) > 0}
    if isinstance(value, list):
        return [_bend(draw, item, depth + 1) for item in value[:4]]
    return value


def outcome(vendor: str, response: HttpResponse) -> Result | AgentBridgeError:
    connection = Connection(vendor, "https://vendor.invalid", "canary-key-7f3a")
    with Bridge(
        {}, connections={vendor: connection}, transport=MemoryTransport([response]), retry=RetryPolicy(attempts=1)
    ) as bridge:
        try:
            return bridge.invoke(f"{vendor}:a-1", timeouts=Timeouts(answer=10), **CALLS[vendor])
        except AgentBridgeError as error:
            return error


def check(vendor: str, response: HttpResponse) -> None:
    found = outcome(vendor, response)
    if isinstance(found, Result):
        assert response.ok
        assert found.text.strip() or "empty answer" in found.warnings
        assert found.output not in ({}, [], None)
        json.dumps(found.to_dict(), allow_nan=False)
    else:
        assert isinstance(found, InvocationError)
        assert "\n" not in str(found)
        assert found.response is None or found.status == response.status


LIMITS = settings(suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("vendor", CALLS)
def test_any_bytes_at_all(vendor):
    @LIMITS
    @given(content=st.binary(max_size=60) | st.text(max_size=60).map(str.encode), status=STATUSES, kind=TYPES)
    def attack(content: bytes, status: int, kind: str) -> None:
        check(vendor, HttpResponse(status, {"content-type": kind}, content))

    attack()


@pytest.mark.parametrize("vendor", CALLS)
def test_any_json_at_all(vendor):
    @LIMITS
    @given(body=JSON, status=STATUSES)
    def attack(body: Any, status: int) -> None:
        check(vendor, HttpResponse(status, {"content-type": "application/json"}, json.dumps(body).encode()))

    attack()


@pytest.mark.parametrize("vendor", CALLS)
def test_genuine_bodies_bent_in_every_way(vendor):
    bodies = genuine(vendor)

    @LIMITS
    @given(body=bent(bodies), status=st.sampled_from([200, 200, 200, 202, 400, 500]))
    def attack(body: Any, status: int) -> None:
        check(vendor, HttpResponse(status, {"content-type": "application/json"}, json.dumps(body).encode()))

    attack()
