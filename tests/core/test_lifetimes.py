"""Bridges hold nothing longer than their owners say: after a thousand calls no descriptor is open and no memory is kept."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
import servers
import vendor

from agentbridge import Bridge

OK = servers.answer("200 OK", b'{"text": "ok"}')
CLIENT = """
import asyncio, gc, os, sys
sys.path.insert(0, sys.argv[1])
import vendor
from agentbridge import AsyncBridge, Bridge

folder, world, owner, url, library = sys.argv[1:]
options = vendor.setup(url, transport=library)
TIMES = 1000 if owner == "one" else 100

def blocking(times):
    if owner == "one":
        with Bridge(**options) as bridge:
            for _ in range(times):
                bridge.invoke("tiny:a", "hi")
    else:
        for _ in range(times):
            with Bridge(**options) as bridge:
                bridge.invoke("tiny:a", "hi")

async def awaiting(times):
    async with AsyncBridge(**options) as bridge:
        for _ in range(times):
            await bridge.invoke("tiny:a", "hi")

def calls(times):
    if world == "sync":
        blocking(times)
    elif owner == "one":
        asyncio.run(awaiting(times))
    else:
        for _ in range(times):
            asyncio.run(awaiting(1))

def held():
    gc.collect()
    return len(os.listdir("/proc/self/fd")), sys.getallocatedblocks()

calls(50)
before = held()
calls(TIMES)
after = held()
print(after[0] - before[0], after[1] - before[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="descriptors are counted as Linux tells of them")
@pytest.mark.parametrize(("owner", "library"), [("one", "httpx"), ("one", "httpx2"), ("each", "httpx")])
@pytest.mark.parametrize("world", ["sync", "async"])
def test_a_thousand_calls_leave_no_descriptor_and_no_memory(world, owner, library, request):
    with servers.serving(OK) as server:
        arguments = [str(request.path.parent), world, owner, server.url, library]
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", CLIENT, *arguments], capture_output=True, text=True, check=False
        )
    assert done.stderr == "", "what is not closed is told of here when it is collected"
    descriptors, blocks = map(int, done.stdout.split())
    assert descriptors == 0
    assert blocks < 1000, "of memory; what keeps something of each call keeps more than one a call"


def test_a_blocking_bridge_works_in_a_running_loop_as_in_a_notebook():
    async def cell(url: str) -> str:
        with Bridge(**vendor.setup(url)) as bridge:
            return bridge.invoke("tiny:a", "hi").text

    with servers.serving(OK) as server:
        assert asyncio.run(cell(server.url)) == "ok"
