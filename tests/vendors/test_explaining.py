"""`explain` says what the bridge does with every recorded and documented reply, and what decided it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import attrs
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import recorded

from agentbridge import (
    Bridge,
    Connection,
    FaultRule,
    HttpResponse,
    InvocationError,
    Pending,
    Registry,
    Result,
    RetryPolicy,
)
from agentbridge.explaining import explain

PROVIDERS = Registry()
RUNS = dict(recorded.runs())
OPERATIONS = list(recorded.operations())
STREAMS = dict(recorded.streams())
CALLS: dict[str, dict[str, Any]] = {
    "flowise": {"text": "hi"}, "flowgent": {"text": "hi"}, "fluxprompt": {"inputs": {"a": "b"}},
    "promptitude": {"inputs": {"a": "b"}},
}  # fmt: skip


def bridge(vendor: str, response: HttpResponse, *rules: FaultRule) -> Bridge:
    connection = Connection(vendor, "https://vendor.invalid", "any-key", faults=rules)
    transport = recorded.Playing(response)
    return Bridge({}, connections={vendor: connection}, transport=transport, retry=RetryPolicy(attempts=1))


def said(outcome: Any) -> Any:
    """What is the same of an outcome, whoever asked."""
    if isinstance(outcome, InvocationError):
        fields = ("status", "code", "retryable", "may_have_run", "retry_after")
        partial = outcome.partial and said(outcome.partial)
        message = outcome.message.partition("; run ")[0]  # where it is found again depends on the request
        return (type(outcome), message, *(getattr(outcome, field) for field in fields), partial)
    if isinstance(outcome, Result):
        empty = {
            "response": HttpResponse(0),
            "elapsed": 0.0,
            "session_id": None,
            "agent": "",
            "attempts": 1,
            "synthetic": False,
        }
        return attrs.evolve(outcome, **empty)
    if isinstance(outcome, Pending):
        return (outcome.kind, outcome.id)
    return outcome


def done(vendor: str, response: HttpResponse, **more: Any) -> Any:
    """What the bridge makes of a reply. A poll's is heard by `poll`, which asks with a GET; all others by `submit`."""
    try:
        with bridge(vendor, response, **more) as made:
            return made.invoke(f"{vendor}:a", **CALLS[vendor])
    except InvocationError as error:
        return error


POLLS = {name for name, response in RUNS.items() if response.request is not None and response.request.method == "GET"}


@pytest.mark.parametrize("name", sorted(set(RUNS) - POLLS))
def test_a_reply_is_explained_as_what_the_bridge_makes_of_it(name):
    vendor, response = name.partition("/")[0], RUNS[name]
    outcome = explain(PROVIDERS[vendor], response).outcome
    if isinstance(outcome, Pending):
        with bridge(vendor, response) as made:
            assert said(made.submit(f"{vendor}:a", **CALLS[vendor])) == said(outcome)
    else:
        assert said(outcome) == said(done(vendor, response))


@pytest.mark.parametrize(("name", "operation", "response"), OPERATIONS, ids=[each[0] for each in OPERATIONS])
def test_a_reply_to_an_operation_is_explained_as_what_the_bridge_makes_of_it(name, operation, response):
    vendor = name.partition("/")[0]
    try:
        with bridge(vendor, response) as made:
            expected = made.call(operation)
    except InvocationError as error:
        expected = error
    assert said(explain(PROVIDERS[vendor], response, operation=operation).outcome) == said(expected)


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_is_explained_as_what_the_bridge_makes_of_it(name):
    vendor, response = "flowise", STREAMS[name]
    try:
        with bridge(vendor, response) as made, made.stream("flowise:a", "hi") as stream:
            list(stream)
            expected: Any = stream.result
    except InvocationError as error:
        expected = error
    assert said(explain(PROVIDERS[vendor], response).outcome) == said(expected)
