"""For all tests of the vendors side by side."""

from __future__ import annotations

import asyncio
import time

import pytest

from agentbridge.transport.httpx import AsyncHttpxTransport, HttpxTransport

MOMENT = 0.01  # seconds


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch):
    """What comes of every scenario is what counts here, not the seconds between its attempts and polls."""

    async def asleep(_: object, seconds: float) -> None:
        await asyncio.sleep(min(seconds, MOMENT))

    monkeypatch.setattr(HttpxTransport, "sleep", lambda _, seconds: time.sleep(min(seconds, MOMENT)))
    monkeypatch.setattr(AsyncHttpxTransport, "sleep", asleep)
