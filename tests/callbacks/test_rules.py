"""Fault rules of a connection, at what is posted to a receiver: an error that a rule names is never an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.callbacks.test_receiver import expected, post, registry

from agentbridge import Connection, FaultRule, errors
from agentbridge.callbacks import CallbackReceiver, serve

RULE = FaultRule(path="status", equals="failed", kind="execution", message="text")
FAILED = {"status": "failed", "text": "out of memory"}
CONNECTIONS = {"c": Connection("calling", "https://vendor.invalid", faults=[RULE])}
CONFIG = """
[connections.c]
provider = "calling"
base_url = "https://vendor.invalid"

[[connections.c.faults]]
path = "status"
equals = "failed"
kind = "execution"
message = "text"
"""


def waited(receiver: CallbackReceiver, pending: Any, world: str) -> Any:
    return receiver.wait(pending, 5) if world == "sync" else asyncio.run(receiver.wait_async(pending, 5))


@pytest.mark.parametrize("world", ["sync", "async"])
def test_a_callback_that_a_rule_names_is_an_error_with_what_it_said(tmp_path, world):
    with serve(tmp_path / "c.sqlite", connections=CONNECTIONS, registry=registry()) as receiver:
        pending, url = expected(receiver)
        post(url, FAILED)
        with pytest.raises(errors.ExecutionError, match="out of memory") as caught:
            waited(receiver, pending, world)
        assert [each.verdict for each in receiver.deliveries(pending)] == ["failure"]
    assert (caught.value.status, caught.value.connection, caught.value.partial.text) == (None, "c", "out of memory")


def test_the_rules_are_those_of_the_configuration(tmp_path, monkeypatch):
    (tmp_path / "agentbridge.toml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    with serve(tmp_path / "c.sqlite", registry=registry()) as receiver:
        pending, url = expected(receiver)
        post(url, FAILED)
        with pytest.raises(errors.ExecutionError):
            receiver.poll(pending)


def test_who_waits_applies_rules_that_the_process_that_received_did_not_know(tmp_path):
    with serve(tmp_path / "c.sqlite", registry=registry()) as receiver:
        pending, url = expected(receiver)
        post(url, FAILED)
        assert receiver.wait(pending, 5).text == "out of memory"
    beside = CallbackReceiver(
        "http://localhost", store=tmp_path / "c.sqlite", connections=CONNECTIONS, registry=registry()
    )
    with pytest.raises(errors.ExecutionError):
        beside.wait(pending, 5)


def test_a_callback_counts_as_a_200_for_a_rule_that_is_limited_to_a_status(tmp_path):
    for status, verdict in ((200, "failure"), (500, "answer")):
        rule = FaultRule(path="status", equals="failed", kind="execution", status=status)
        connections = {"c": Connection("calling", "https://vendor.invalid", faults=[rule])}
        with serve(tmp_path / f"{status}.sqlite", connections=connections, registry=registry()) as receiver:
            pending, url = expected(receiver)
            post(url, FAILED)
            assert [each.verdict for each in receiver.deliveries(pending)] == [verdict]


def test_a_configuration_that_cannot_be_read_is_said_at_once(tmp_path):
    path = Path(tmp_path, "agentbridge.toml")
    path.write_text("[connections")
    with pytest.raises(errors.ConfigurationError, match="is not TOML"):
        CallbackReceiver("http://localhost", store=tmp_path / "c.sqlite", config=path)


def test_what_is_secret_of_the_connection_is_not_in_what_a_callback_gives(tmp_path):
    connections = {"c": Connection("calling", "https://vendor.invalid", "canary-of-a-test")}
    with serve(tmp_path / "c.sqlite", connections=connections, registry=registry()) as receiver:
        pending, url = expected(receiver)
        post(url, {"error": "no credits for canary-of-a-test"})
        with pytest.raises(errors.QuotaExceededError) as caught:
            receiver.wait(pending, 5)
    assert "canary" not in f"{caught.value}{caught.value.response}"
