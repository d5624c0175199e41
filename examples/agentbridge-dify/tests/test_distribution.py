"""What an installation brings."""

import pytest

import agentbridge_dify
from agentbridge import Bridge, Registry
from agentbridge.testing import Answer, MemoryTransport
from agentbridge_dify import emulator_bodies as say


def test_the_entry_point_brings_both_providers() -> None:
    registry = Registry()
    assert {"dify", "dify-workflow"} <= set(registry)
    assert not registry.failures


def test_a_key_of_a_workflow_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIFY_WORKFLOW_API_KEY", "app-secret")
    answer = Answer(say.workflow_answer(say.run_data("succeeded", {"result": "hi"})))
    with Bridge({}, transport=MemoryTransport([answer.response])) as bridge:
        assert bridge.invoke("dify-workflow:published", inputs={"a": "b"}).text == "hi"


def test_all_that_is_exported_is_there() -> None:
    assert all(hasattr(agentbridge_dify, name) for name in agentbridge_dify.__all__)


def test_reading_needs_no_request() -> None:
    for provider in (agentbridge_dify.Dify(), Registry()["dify-workflow"]):
        assert provider.read(Answer(say.chat_answer("hi", "c-1")).response)
