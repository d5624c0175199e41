"""A plugin's decoder that breaks: an error of our tree, and nothing secret in it."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
import servers
import vendor

from agentbridge import Connection, HttpResponse, Pending, Registry, RetryPolicy, StreamDecoder, errors
from agentbridge.explaining import explain

KEY = "canary-key-7f3a"
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: first\n\ndata: [DONE]\n\n"
)


class Unmade(vendor.Talking):
    """Its decoder cannot be made, and the complaint quotes a secret."""

    def decoder(self, request: Any) -> StreamDecoder | None:
        raise ValueError(KEY)

    def recover(self, request: Any) -> Pending:
        return Pending("poll", "run-1")

    def build_poll(self, pending: Any, call: Any) -> Any:
        raise NotImplementedError


class Odd(Unmade):
    """What it makes is no decoder."""

    def decoder(self, request: Any) -> Any:
        return "a decoder"


class _NeverSure(vendor.Pieces):
    @property
    def done(self) -> bool:
        raise ValueError(KEY)


class Unsure(vendor.Talking):
    """Its decoder cannot say whether it is done."""

    def decoder(self, request: Any) -> StreamDecoder | None:
        return _NeverSure()


def registry(kind: type[vendor.Talking]) -> Registry:
    made = Registry(())
    made.register(kind())
    return made


@pytest.fixture
def ask(open_bridge):
    """Have a vendor asked, whose plugin is given: the error, and what the vendor was asked."""

    def asked(kind: type[vendor.Talking], way: str) -> tuple[errors.AgentBridgeError, list[Any]]:
        with servers.serving(lambda connection, _: connection.sendall(STREAM)) as server:
            connections = {"talking": Connection("talking", server.url, KEY)}
            retry = RetryPolicy(attempts=1)
            bridge = open_bridge(config={}, connections=connections, registry=registry(kind), retry=retry)
            more = {"seen": []} if way == "stream" else {}
            with pytest.raises(errors.AgentBridgeError) as caught:
                getattr(bridge, way)("talking:a-1", "hi", **more)
            return caught.value, server.requests

    return asked


@pytest.mark.parametrize("way", ["stream", "submit"])
@pytest.mark.parametrize("kind", [Unmade, Odd])
def test_a_decoder_that_cannot_be_made_is_the_plugins_bug_and_nothing_is_sent(ask, kind, way):
    error, sent = ask(kind, way)
    assert isinstance(error, errors.PluginError)
    assert error.plugin == "talking"
    assert "could not make its decoder" in str(error)
    assert sent == []
    assert KEY not in "".join(traceback.format_exception(error))


def test_a_decoder_that_cannot_say_whether_it_is_done_is_asked_what_came_of_it(ask):
    error, sent = ask(Unsure, "stream")
    assert isinstance(error, errors.StreamInterruptedError)
    assert error.may_have_run
    assert len(sent) == 1
    assert KEY not in "".join(traceback.format_exception(error))


def test_a_reply_whose_decoder_cannot_be_made_is_explained_as_the_plugins_bug():
    reply = HttpResponse(200, {"content-type": "text/event-stream"}, b"data: first\n\n")
    with pytest.raises(errors.PluginError, match="could not make its decoder"):
        explain(Unmade(), reply)
