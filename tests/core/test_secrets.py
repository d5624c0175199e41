"""One canary key through every failure: it must be found nowhere."""

from __future__ import annotations

import base64
import json
import logging
import pickle
import traceback
from urllib.parse import quote

import pytest
import servers
import vendor

from agentbridge import RetryPolicy, Timeouts, errors

CANARY = "canary-key-7f3a"
B64 = base64.b64encode(CANARY.encode()).decode()
ECHO = json.dumps({"message": f"key {CANARY} / {B64} / {quote(CANARY)} is not welcome"}).encode()

FAILURES = {
    "echo in a 401": servers.answer("401 No", ECHO, f"X-Api-Key: {CANARY}", f"X-Echo: Bearer {CANARY}"),
    "echo in a 500": servers.answer("500 No", ECHO),
    "echo in a 200 that is no answer": servers.answer("200 OK", ECHO),
    "echo in HTML": servers.answer("502 Bad", b"<html>" + CANARY.encode()),
    "redirect that carries it": servers.answer("302 Found", b"", f"Location: https://elsewhere.invalid/?k={CANARY}"),
    "hang up": servers.hang_up,
    "silence": servers.silence,
    "half a body": servers.half_a_body,
    "deadline": servers.drip_body,
}


@pytest.mark.parametrize("library", ["httpx", "httpx2", "aiohttp"])
@pytest.mark.parametrize("name", FAILURES)
def test_no_failure_shows_the_key(open_bridge, caplog, name, library):
    timeouts = Timeouts(total=0.3) if name == "deadline" else Timeouts(answer=0.2)
    with servers.serving(FAILURES[name]) as server, caplog.at_level(logging.DEBUG):
        bridge = open_bridge(
            **vendor.setup(server.url, transport=library, retry=RetryPolicy(attempts=1), timeouts=timeouts)
        )
        with pytest.raises(errors.InvocationError) as caught:
            bridge.invoke("tiny:a-1", "hi")
    error = caught.value
    trace = "".join(traceback.format_exception(error))
    shown = (
        f"{error}{error!r}{vars(error)}{trace}{caplog.text}{pickle.dumps(error)!r}{error.response!r}{error.request!r}"
    )
    assert CANARY not in shown
    assert B64 not in shown
    assert any(CANARY.encode() in request for request in server.requests), "the key did travel, so the test can fail"


def test_the_key_is_in_no_repr(open_bridge):
    bridge = open_bridge(**vendor.setup("https://vendor.invalid"))
    assert CANARY not in repr(bridge.bridge) + repr(dict(bridge.bridge.connections))


def test_a_result_that_is_kept_holds_no_key(open_bridge):
    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}')) as server:
        result = open_bridge(**vendor.setup(server.url)).invoke("tiny:a-1", "hi")
    assert CANARY not in f"{result!r}{pickle.dumps(result)!r}{json.dumps(result.to_dict())}"
