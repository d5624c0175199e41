"""Every cassette through both bridges and both libraries: the right Result or error, the whole cassette, no socket."""

from __future__ import annotations

from pathlib import Path

import attrs
import calls
import expected
import pytest
import vcr
from documents import document

import agentbridge.planning.runs
from agentbridge import Connection, File, InvocationError, Message, RetryPolicy
from agentbridge.testing import vcr_config
from agentbridge.transport.httpx import AsyncHttpxTransport, HttpxTransport

ROOT = Path(__file__).parents[2] / "cassettes"
PATHS = sorted(ROOT.glob("*/*.yaml"))
NAMES = [f"{path.parent.name}/{path.stem}" for path in PATHS]
CONNECTIONS = {
    "flowise": Connection("flowise", "http://flowise.test", "any-key"),
    "fluxprompt": Connection("fluxprompt", api_key="any-key"),
    "promptitude": Connection("promptitude", api_key="any-key"),
    "flowgent": Connection("flowgent", api_key="any-key"),
}


@pytest.fixture
def no_waiting(monkeypatch):
    """Waits that were asked for, instead of waiting."""
    slept: list[float] = []

    async def asleep(_: object, seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(HttpxTransport, "sleep", lambda _, seconds: slept.append(seconds))
    monkeypatch.setattr(AsyncHttpxTransport, "sleep", asleep)
    return slept


@pytest.fixture(params=["httpx", "httpx2"])
def play(request, open_bridge, monkeypatch, no_waiting):
    """The outcome of the call that a cassette was made with."""

    def play(name: str):
        vendor, _, short = name.partition("/")
        monkeypatch.setattr(agentbridge.planning.runs, "_fresh_id", lambda: calls.fresh_id(short))
        bridge = open_bridge(config={}, connections=CONNECTIONS, retry=RetryPolicy(attempts=1), transport=request.param)
        with vcr.VCR(**vcr_config()).use_cassette(str(ROOT / f"{name}.yaml")) as cassette:
            try:
                fields = call(vendor, short)
                outcome = bridge.invoke(fields.pop("target"), **fields)
            except InvocationError as error:
                outcome = error
        assert cassette.all_played, "some of the cassette was not asked for"
        return outcome

    return play


def call(vendor: str, short: str) -> dict:
    if vendor != "flowise":
        return dict(expected.CALLS[vendor])
    fields = {key: value for key, value in calls.FLOWISE[short].items() if key not in {"flow", "wrong_key"}}
    flow = calls.FLOWISE[short]["flow"]
    fields["target"] = f"flowise:{calls.fresh_id(f'flow {flow}') if '_' in flow else flow}"
    fields["messages"] = [Message(role, text) for role, text in fields.get("messages", ())]
    fields["files"] = [File(name, content) for name, content in fields.get("files", ())]
    return fields


@pytest.fixture
def blocked_sockets(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a replay opened a socket")

    monkeypatch.setattr("socket.create_connection", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)


def test_every_cassette_has_an_expectation_and_every_expectation_a_cassette():
    assert set(NAMES) == expected.ANSWERS.keys() | expected.FAILURES.keys()


@pytest.mark.parametrize("path", PATHS, ids=NAMES)
def test_a_cassette_says_where_it_is_from(path):
    data = document(path)
    assert data["provenance"] == ("recorded" if path.parent.name == "flowise" else "documented")
    assert data["source"]


@pytest.mark.usefixtures("blocked_sockets")
@pytest.mark.parametrize("name", sorted(expected.ANSWERS))
def test_an_answer_becomes_the_result_that_the_vendor_meant(play, no_waiting, name):
    result = play(name)
    assert not isinstance(result, Exception), f"{type(result).__name__}: {result}"

    fields = dict(expected.ANSWERS[name])
    usage, tools, slept = (fields.pop(key, None) for key in ("usage", "tools", "slept"))
    assert {field: getattr(result, field) for field in fields} == fields
    assert (result.provider, result.attempts, result.synthetic) == (name.partition("/")[0], 1, False)
    if usage is not None:
        assert {key: value for key, value in attrs.asdict(result.usage).items() if value is not None} == usage
    if tools is not None:
        assert [(tool.name, tool.arguments, tool.result, tool.error) for tool in result.tool_calls] == tools
    if slept is not None:
        assert no_waiting == slept


@pytest.mark.usefixtures("blocked_sockets")
@pytest.mark.parametrize("name", sorted(expected.FAILURES))
def test_a_failure_is_raised_as_the_class_that_it_means(play, name):
    error = play(name)
    fields = dict(expected.FAILURES[name])
    assert type(error).__name__ == fields.pop("error")
    assert error.message.startswith(fields.pop("message")), error.message
    partial, pending = fields.pop("partial", None), fields.pop("pending", None)
    assert {field: getattr(error, field) for field in fields} == fields
    assert (error.provider, error.attempts) == (name.partition("/")[0], 1)
    assert (error.partial and error.partial.text) == partial
    if pending is not None:
        assert error.pending.id == pending


def test_the_table_in_the_docs_is_the_one_that_is_tested():
    import table

    assert table.page() == table.PAGE.read_text(), "run: python tests/cassettes/table.py"
