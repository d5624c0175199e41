"""Every recorded exchange of the prediction path, byte for byte from a socket, through both bridges."""

from __future__ import annotations

import importlib.util
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from agentbridge import Connection, InvocationError, RetryPolicy

RAW = Path(__file__).parents[3] / "cassettes" / "flowise" / "raw"
NAMES = sorted(path.stem for path in RAW.glob("*.resp"))


def _expected() -> dict[str, dict[str, Any]]:
    spec = importlib.util.spec_from_file_location(
        "expected_exchanges", Path(__file__).with_name("expected_exchanges.py")
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.EXPECTED


EXPECTED = _expected()


class Replay:
    """A loopback server that answers every request with the same recorded bytes."""

    def __init__(self) -> None:
        self.bytes = b""
        self.requests = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                _read_request(connection)
                self.requests += 1
                connection.sendall(self.bytes)

    def close(self) -> None:
        self._listener.close()


def _read_request(connection: socket.socket) -> None:
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += connection.recv(65536)


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    server = Replay()
    yield server
    server.close()


@pytest.fixture
def outcome(open_bridge, replay):
    def ask(name: str) -> Any:
        # the recorded server kept its connection open; this one closes it, and says so
        replay.bytes = (RAW / f"{name}.resp").read_bytes().replace(b"Connection: keep-alive", b"Connection: close")
        bridge = open_bridge(
            connections={"flowise": Connection("flowise", base_url=replay.url, api_key="any-key")},
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
