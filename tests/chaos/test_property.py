"""Whatever happens to an answer, a caller gets the one that was meant, or an error of the tree that tells the truth.

Thousands of seeds in memory, on a clock of their own; hundreds over real connections, through every transport.
`THOROUGH=1` takes more of them.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from memory import ChaosTransport
from outcomes import CALLS, Call, Outcome, check

from agentbridge import AsyncBridge, Bridge, Connection, Registry, RetryPolicy, Timeouts
from agentbridge.emulator import API_KEY
from agentbridge.emulator.chaos import KINDS, Chaos
from agentbridge.emulator.damaging import Hit
from agentbridge.emulator.serving import load_emulators, serve
from agentbridge.transport.aiohttp import AiohttpTransport

IN_MEMORY = 20_000 if os.environ.get("THOROUGH") else 2000  # seeds, half of them in each world
OVER_SOCKETS = 160  # calls through each transport in each world
PARTS = 2
TOGETHER = 8  # calls that are under way at once: most of their time is waiting
MAX_ANSWER = 2_000_000  # bytes
RETRY = RetryPolicy(attempts=3, first_delay=0)
REGISTRY = Registry()
EMULATORS = load_emulators(REGISTRY)[0]


@pytest.mark.parametrize("world", ["sync", "async"])
@pytest.mark.parametrize("part", range(PARTS))
def test_in_memory(world, part):
    outcomes: Counter[str] = Counter()
    for seed in range(2 * part + (world == "async"), IN_MEMORY, 2 * PARTS):
        choice = random.Random(seed)
        call, total = choice.choice(CALLS), choice.choice((5.0, 30.0, 1000.0))
        vendor = call.target.partition(":")[0]
        transport = ChaosTransport(EMULATORS[vendor], Chaos(seed))
        base = {"flowgent": "/api/public", "promptitude": "/v1"}.get(vendor, "")
        connection = Connection(vendor, f"http://vendor.invalid{base}", API_KEY, max_answer=MAX_ANSWER)
        options = {
            "connections": {vendor: connection},
            "retry": RETRY,
            "timeouts": Timeouts(total=total),
            "registry": REGISTRY,
        }
        if world == "sync":
            with Bridge({}, transport=transport, **options) as bridge:
                outcome = run(bridge, call, f"mark-{seed}.", transport.now)
        else:
            outcome = asyncio.run(
                alone(AsyncBridge({}, transport=transport.asynchronous(), **options), call, seed, transport.now)
            )
        check(outcome, transport.hits, total)
        outcomes[type(outcome.value).__name__] += 1
    assert len(outcomes) >= 7, outcomes


@pytest.mark.parametrize("world", ["sync", "async"])
@pytest.mark.parametrize("library", ["httpx", "httpx2", "aiohttp"])
def test_over_real_connections(world, library):
    hits: list[Hit] = []
    total = 0.25
    with serve(chaos=Chaos(20261122), note=hits.append) as vendors:
        connections = {name: with_bound(connection) for name, connection in vendors.connections.items()}
        options = {"connections": connections, "retry": RETRY, "timeouts": Timeouts(total=total), "transport": library}
        if world == "sync":
            outcomes = in_threads(options)
        else:
            outcomes = asyncio.run(in_tasks(options))
    for outcome in outcomes:
        check(outcome, hits, total, slack=3.0)
    assert len({hit.damage.kind for hit in hits}) > len(KINDS) * 0.8


def in_threads(options: dict[str, Any]) -> list[Outcome]:
    with Bridge({}, **options) as bridge:
        with ThreadPoolExecutor(TOGETHER) as threads:
            calls = map(marked, range(OVER_SOCKETS))
            outcomes = list(threads.map(lambda call: run(bridge, *call, time.monotonic), calls))
        assert not leaked(bridge)
    return outcomes


async def in_tasks(options: dict[str, Any]) -> list[Outcome]:
    async with AsyncBridge({}, **options) as bridge:
        numbers = iter(range(OVER_SOCKETS))

        async def work() -> list[Outcome]:
            return [await run_async(bridge, *marked(number), time.monotonic) for number in numbers]

        outcomes = [outcome for part in await asyncio.gather(*(work() for _ in range(TOGETHER))) for outcome in part]
        assert not leaked(bridge)
    return outcomes


async def alone(bridge: AsyncBridge, call: Call, seed: int, now: Any) -> Outcome:
    async with bridge:
        return await run_async(bridge, call, f"mark-{seed}.", now)


def marked(number: int) -> tuple[Call, str]:
    return CALLS[number % len(CALLS)], f"mark-{number}."


def with_bound(connection: Connection) -> Connection:
    return Connection(connection.provider, connection.base_url, connection.api_key, max_answer=MAX_ANSWER)


def run(bridge: Bridge, call: Call, mark: str, now: Any) -> Outcome:
    started, events = now(), []
    try:
        if call.streamed:
            with bridge.stream(call.target, **call.fields(mark)) as stream:
                events.extend(stream)
            value = stream.result
        else:
            value = bridge.invoke(call.target, **call.fields(mark))
    except BaseException as error:
        value = error
    return Outcome(call, mark, value, now() - started, tuple(events))


async def run_async(bridge: AsyncBridge, call: Call, mark: str, now: Any) -> Outcome:
    started, events = now(), []
    try:
        if call.streamed:
            async with bridge.stream(call.target, **call.fields(mark)) as stream:
                async for event in stream:
                    events.append(event)  # noqa: PERF401 (what came before a failure counts)
            value = stream.result
        else:
            value = await bridge.invoke(call.target, **call.fields(mark))
    except BaseException as error:
        value = error
    return Outcome(call, mark, value, now() - started, tuple(events))


def leaked(bridge: Any) -> list[Any]:
    """Connections that are neither idle nor closed, and requests that still wait for one."""
    if any(isinstance(transport, AiohttpTransport) for transport in bridge._transports.values()):
        return [one for transport in bridge._transports.values() for one in transport._connector._acquired]
    pools = [own._pool for transport in bridge._transports.values() for own in transport._transports.values()]
    return [connection for pool in pools for connection in pool._lending._lent]
