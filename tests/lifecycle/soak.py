"""Thousands of calls of every outcome in a process of its own, which says at intervals what it holds.

Usage: python soak.py sync|async LIBRARY CALLS
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.core import servers

from agentbridge import AsyncBridge, Bridge, Connection, InvocationError, RetryPolicy, Timeouts

ANSWER = json.dumps({"text": "an answer", "chatMessageId": "m-1", "chatId": "c-1"}).encode()
BROKEN = json.dumps({"text": "half", "chatMessageId": "m-1"}).encode()
TOKENS = [{"event": "start", "data": ""}, *({"event": "token", "data": f"word {n} "} for n in range(5))]
END = [{"event": "metadata", "data": {"chatMessageId": "m-1", "chatId": "c-1"}}, {"event": "end", "data": "[DONE]"}]
STREAM = b"".join(b"message:\ndata:" + json.dumps(event).encode() + b"\n\n" for event in [*TOKENS, *END])
OUTCOMES = ("ok", "ok", "refused", "busy", "half", "html", "stream", "left", "hung-up")
CHECKPOINTS = 10


def script(connection: Any, over: threading.Event) -> None:
    """What is answered follows from what is asked."""
    asked = server.requests.pop()  # a soak that kept them would measure itself
    outcome = next((name for name in OUTCOMES if b'"question":"' + name.encode() + b'"' in asked), "ok")
    if outcome in {"stream", "left"}:
        servers.answer("200 OK", STREAM)(_Typed(connection, b"text/event-stream"), over)
    elif outcome == "busy":
        servers.answer("503 Busy", b"{}")(connection, over)
    elif outcome == "refused":
        servers.answer("500 No", b'{"message": "Error: predictionsServices.buildChatflow - no"}')(connection, over)
    elif outcome == "html":
        servers.answer("200 OK", b"<html>log in</html>")(connection, over)
    elif outcome in {"half", "hung-up"}:
        (servers.half_a_body if outcome == "half" else servers.hang_up)(connection, over)
    else:
        servers.answer("200 OK", ANSWER)(connection, over)


class _Typed:
    """A connection whose answer has another content type."""

    def __init__(self, connection: Any, kind: bytes) -> None:
        self._connection, self._kind = connection, kind

    def sendall(self, data: bytes) -> None:
        self._connection.sendall(data.replace(b"application/json", self._kind))


def held(calls: int) -> dict[str, int]:
    """What this process holds now."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        tasks = len(asyncio.all_tasks())
    except RuntimeError:
        tasks = 0
    return {
        "calls": calls,
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "blocks": sys.getallocatedblocks(),
        "resident": resident,
        "tasks": tasks,
        "threads": threading.active_count(),
    }


def settings(library: str) -> dict[str, Any]:
    return {
        "connections": {"flowise": Connection("flowise", server.url, "canary-key-7f3a")},
        "retry": RetryPolicy(attempts=2, first_delay=0.0),
        "timeouts": Timeouts(total=20),
        "transport": library,
    }


def asked(calls: int) -> Iterator[str]:
    return (OUTCOMES[number % len(OUTCOMES)] for number in range(calls))


def block(library: str, calls: int) -> None:
    with Bridge(**settings(library)) as bridge:
        for number, outcome in enumerate(asked(calls)):
            with contextlib.suppress(InvocationError):
                if outcome in {"stream", "left"}:
                    with bridge.stream("flowise:a", outcome) as events:
                        for _ in events:
                            if outcome == "left":
                                break
                else:
                    bridge.invoke("flowise:a", outcome, session_id=f"s-{number}")
            tell(number, calls)


async def one(bridge: AsyncBridge, outcome: str, number: int) -> None:
    with contextlib.suppress(InvocationError):
        if outcome in {"stream", "left"}:
            async with bridge.stream("flowise:a", outcome) as events:
                async for _ in events:
                    if outcome == "left":
                        break
        else:
            await bridge.invoke("flowise:a", outcome, session_id=f"s-{number}")


async def await_all(library: str, calls: int) -> None:
    async with AsyncBridge(**settings(library)) as bridge:
        numbered = enumerate(asked(calls))

        async def work() -> None:
            for number, outcome in numbered:
                await one(bridge, outcome, number)
                tell(number, calls)

        await asyncio.gather(*(work() for _ in range(8)))


def tell(number: int, calls: int) -> None:
    if (number + 1) % (calls // CHECKPOINTS) == 0:
        print(json.dumps(held(number + 1)), flush=True)


if __name__ == "__main__":
    world, name, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    with servers.serving(script) as server:
        if world == "sync":
            block(name, count)
        else:
            asyncio.run(await_all(name, count))
