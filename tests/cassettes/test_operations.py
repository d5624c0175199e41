"""Every cassette of an operation, through both bridges and both libraries."""

from __future__ import annotations

import uuid
from pathlib import Path

import attrs
import operations
import pytest
import vcr
from calls import fresh_id
from documents import document

from agentbridge import Connection, InvocationError, Pending, RetryPolicy
from agentbridge.testing import vcr_config

ROOT = Path(__file__).parents[2] / "cassettes"
PATHS = sorted(ROOT.glob("*/operations/*.yaml"))
NAMES = [f"{path.parents[1].name}/{path.stem}" for path in PATHS]


KEY = "any-key"
SELF_HOSTED = {"flowise": "http://flowise.test"}


@pytest.fixture(params=["httpx", "httpx2"])
def play(request, open_bridge, monkeypatch):
    """What became of an operation, answered by a cassette."""

    def play(name, operation):
        vendor, _, short = name.partition("/")
        connections = {vendor: Connection(vendor, SELF_HOSTED.get(vendor), KEY)}
        bridge = open_bridge(config={}, connections=connections, retry=RetryPolicy(attempts=1), transport=request.param)
        path = ROOT / vendor / "operations" / f"{short}.yaml"
        monkeypatch.setattr("agentbridge.body.uuid.uuid4", lambda: uuid.UUID(fresh_id(name)))  # the boundary of a form
        with vcr.VCR(**vcr_config(KEY)).use_cassette(str(path)) as cassette:
            try:
                outcome = bridge.call(operation)
            except InvocationError as error:
                outcome = error
        assert cassette.all_played
        return outcome

    return play


def test_every_cassette_has_an_expectation_and_every_expectation_a_cassette():
    expected = operations.ANSWERS.keys() | operations.RESULTS.keys() | operations.FAILURES.keys()
    assert set(NAMES) == expected


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_cassette_says_where_it_is_from(path):
    data = document(path)
    assert data["provenance"] in {"documented", "recorded"}
    assert data["source"]


@pytest.mark.parametrize("name", operations.ANSWERS)
def test_an_answer_becomes_the_value_that_the_vendor_meant(play, name):
    operation, value = operations.ANSWERS[name]
    found = play(name, operation)
    if isinstance(found, Pending):
        assert found.started_at is not None
        found = attrs.evolve(found, started_at=None)
    assert found == value


@pytest.mark.parametrize("name", operations.RESULTS)
def test_a_run_becomes_a_result(play, name):
    operation, fields = operations.RESULTS[name]
    result = play(name, operation)
    assert {field: getattr(result, field) for field in fields} == fields


@pytest.mark.parametrize("name", operations.FAILURES)
def test_a_failure_is_raised_as_the_class_that_it_means(play, name):
    operation, kind, status, message, *code = operations.FAILURES[name]
    error = play(name, operation)
    assert (type(error).__name__, error.status, error.code) == (kind, status, code[0] if code else None)
    assert error.message.startswith(message)
