"""Every recorded exchange of the prediction path, byte for byte from a socket, through both bridges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from expected_exchanges import EXPECTED
from loopback import Loopback

from agentbridge import Connection, InvocationError, RetryPolicy

RAW = Path(__file__).parents[3] / "cassettes" / "flowise" / "raw"
NAMES = sorted(path.stem for path in RAW.glob("*.resp"))


class Replay:
    """Answers every request with the same recorded bytes."""

    def __init__(self) -> None:
        self.bytes = b""
        self.server = Loopback(lambda connection, _: connection.sendall(self.bytes))


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    replay = Replay()
    yield replay
    replay.server.close()


@pytest.fixture
def outcome(open_bridge, replay):
    def ask(name: str) -> Any:
        # the recorded server kept its connection open; this one closes it, and says so
        replay.bytes = (RAW / f"{name}.resp").read_bytes().replace(b"Connection: keep-alive", b"Connection: close")
        bridge = open_bridge(
            connections={"flowise": Connection("flowise", base_url=replay.server.url, api_key="any-key")},
            retry=RetryPolicy(attempts=1),
        )
        try:
            return bridge.invoke("flowise:8a92ec5b-1473-41b1-aa0d-2196aff30e75", "hello")
        except InvocationError as error:
            return error

    return ask


def test_every_recorded_exchange_has_an_expectation():
    assert set(EXPECTED) == set(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if "error" not in EXPECTED[name]])
def test_a_recorded_answer_becomes_the_result_that_was_meant(outcome, name):
    expected = dict(EXPECTED[name])
    result = outcome(name)
    assert not isinstance(result, Exception), f"{type(result).__name__}: {result}"

    tools, usage, question = (expected.pop(key, None) for key in ("tools", "usage", "question"))
    assert {field: getattr(result, field) for field in expected} == expected
    assert (result.attempts, result.response.status, result.raw["chatId"] is not None) == (1, 200, True)
    if tools is not None:
        assert [(call.name, call.arguments, call.result, call.error) for call in result.tool_calls] == tools
    if usage is not None:
        assert {name: value for name, value in attrs.asdict(result.usage).items() if value is not None} == usage
    if question is not None:
        assert (result.interrupt.question, result.interrupt.choices) == (question, ("proceed", "reject"))
    else:
        assert result.interrupt is None


@pytest.mark.parametrize("name", [name for name in NAMES if "error" in EXPECTED[name]])
def test_a_recorded_failure_is_raised_as_what_it_is(outcome, name):
    expected = dict(EXPECTED[name])
    error = outcome(name)
    assert type(error).__name__ == expected.pop("error")

    assert expected.pop("message") in error.message
    partial = expected.pop("partial", None)
    assert (error.partial and error.partial.text) == partial
    assert {field: getattr(error, field) for field in expected} == expected
    assert (error.attempts, error.provider) == (1, "flowise")
