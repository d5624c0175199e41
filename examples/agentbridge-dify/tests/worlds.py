"""Bridge and AsyncBridge behind one face, so that each behaviour is tested in both."""

import asyncio
from collections.abc import Mapping
from typing import Any

from agentbridge import AsyncBridge, Bridge, Connection, Event, Result, RetryPolicy

ONCE = RetryPolicy(attempts=1)
KEYS = {name: Connection(name, api_key="app-secret") for name in ("dify", "dify-workflow")}


class World:
    """One way of calling. Each call has a bridge of its own."""

    def __init__(self, connections: Mapping[str, Connection], asynchronous: bool, **settings: Any) -> None:
        self._arguments = {"config": {}, "connections": connections, "retry": ONCE, **settings}
        self._asynchronous = asynchronous

    def do(self, method: str, *args: Any, **fields: Any) -> Any:
        if self._asynchronous:
            return asyncio.run(self._do(method, args, fields))
        with Bridge(**self._arguments) as bridge:
            return getattr(bridge, method)(*args, **fields)

    async def _do(self, method: str, args: Any, fields: Any) -> Any:
        async with AsyncBridge(**self._arguments) as bridge:
            return await getattr(bridge, method)(*args, **fields)

    def stream(self, *args: Any, method: str = "stream", **fields: Any) -> tuple[list[Event], Result]:
        if self._asynchronous:
            return asyncio.run(self._stream(method, args, fields))
        with Bridge(**self._arguments) as bridge, getattr(bridge, method)(*args, **fields) as events:
            return list(events), events.result

    async def _stream(self, method: str, args: Any, fields: Any) -> tuple[list[Event], Result]:
        async with AsyncBridge(**self._arguments) as bridge, getattr(bridge, method)(*args, **fields) as events:
            return [event async for event in events], events.result
