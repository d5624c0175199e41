"""A client of the caller's own: its hooks, headers and timeouts count, and it is not closed."""

from __future__ import annotations

import asyncio

import httpx
import httpx2
import pytest
import servers
import vendor

from agentbridge import AsyncBridge, Bridge, ConfigurationError, RetryPolicy, Timeouts, errors

LIBRARIES = [httpx, httpx2]


@pytest.mark.parametrize("library", LIBRARIES)
def test_hooks_and_headers_of_the_client_are_used_and_it_stays_open(library):
    seen = []
    hooks = {"request": [lambda request: seen.append(str(request.url))]}
    with (
        servers.serving(servers.answer("200 OK", b'{"text": "ok"}')) as server,
        library.Client(headers={"X-Mine": "yes"}, event_hooks=hooks) as client,
    ):
        with Bridge(**vendor.setup(server.url, http_client=client)) as bridge:
            assert bridge.invoke("tiny:a-1", "hi").text == "ok"
        assert not client.is_closed
    assert seen == [f"{server.url}/run/a-1"]
    assert b"x-mine: yes" in server.requests[0].lower()


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_asynchronous_client_too(library):
    async def call(url: str) -> str:
        async with library.AsyncClient() as client, AsyncBridge(**vendor.setup(url, http_client=client)) as bridge:
            return (await bridge.invoke("tiny:a-1", "hi")).text

    with servers.serving(servers.answer("200 OK", b'{"text": "ok"}')) as server:
        assert asyncio.run(call(server.url)) == "ok"


@pytest.mark.parametrize("library", LIBRARIES)
def test_timeouts_of_the_client_count_unless_the_bridge_says_otherwise(library):
    once = RetryPolicy(attempts=1)
    with servers.serving(servers.silence) as server, library.Client(timeout=0.1) as client:
        bridge = Bridge(**vendor.setup(server.url, http_client=client, retry=once))
        with pytest.raises(errors.ResponseTimeoutError):
            bridge.invoke("tiny:a-1", "hi")
    with servers.serving(servers.silence) as server, library.Client(timeout=None) as client:
        bridge = Bridge(**vendor.setup(server.url, http_client=client, retry=once, timeouts=Timeouts(answer=0.1)))
        with pytest.raises(errors.ResponseTimeoutError):
            bridge.invoke("tiny:a-1", "hi")


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_client_that_follows_redirects_does_not_do_so_with_a_key(library):
    script = servers.answer("302 Found", b"", "Location: http://127.0.0.1:1/elsewhere")
    with servers.serving(script) as server, library.Client(follow_redirects=True) as client:
        bridge = Bridge(**vendor.setup(server.url, http_client=client))
        with pytest.raises(errors.ProviderError, match="redirected to .*never followed"):
            bridge.invoke("tiny:a-1", "hi")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("bridge", "client"), [(Bridge, httpx.AsyncClient), (AsyncBridge, httpx.Client), (Bridge, object)]
)
def test_a_client_of_the_other_world_is_refused(bridge, client):
    with pytest.raises(ConfigurationError, match="http_client"):
        bridge(**vendor.setup("https://localhost", http_client=client()))


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("script", [servers.silence, servers.body_then_silence, servers.drip_body])
def test_total_bounds_a_call_through_a_client_of_the_callers_own(library, script):
    with servers.serving(script) as server, library.Client(timeout=None) as client:
        bridge = Bridge(**vendor.setup(server.url, http_client=client, timeouts=Timeouts(total=0.3)))
        with pytest.raises(errors.DeadlineExceededError):
            bridge.invoke("tiny:a-1", "hi")
