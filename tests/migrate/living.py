"""Two vendors without a network, "old" and "new", that answer as Flowise does, and what is routed between them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from moving import json_answer, session_of

from agentbridge import Agent, Binding, Connection, HttpResponse, RetryPolicy

PATIENCE = 10.0  # seconds in which what should happen does; a test that waits so long fails
PRIMARY, CANDIDATE = "support@old", "support@new"


class Vendor:
    """Answers each question, after `held` is set if it is held; `special` answers come first."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[Any] = []
        self.special: list[HttpResponse] = []
        self.always: HttpResponse | None = None
        self.held: threading.Event | None = None
        self.reached = threading.Semaphore(0)
        self._lock = threading.Lock()

    @property
    def questions(self) -> list[str]:
        return [send.request.json["question"] for send in self.asked]

    @property
    def sessions(self) -> list[str]:
        return [session_of(send.request.json) for send in self.asked]

    def hear(self, send: Any) -> None:
        with self._lock:
            self.asked.append(send)
        self.reached.release()

    def answer(self, send: Any) -> HttpResponse:
        body = send.request.json
        with self._lock:
            if self.special:
                return self.special.pop(0)
        if self.always is not None:
            return self.always
        said = {"text": f"{self.name}: {body['question']}", "chatId": body["chatId"], "chatMessageId": "m"}
        return json_answer(200, {**said, "sessionId": session_of(body)})


class Two:
    """A transport of either world to both vendors."""

    def __init__(self, world: str) -> None:
        self.old, self.new = Vendor("old"), Vendor("new")
        self.send = self._asend if world == "async" else self._send
        self.sleep = self._asleep if world == "async" else lambda _: None
        self.close = self._aclose if world == "async" else lambda: None

    def _vendor(self, send: Any) -> Vendor:
        vendor = self.new if "new.test" in send.url else self.old
        vendor.hear(send)
        return vendor

    def _send(self, send: Any) -> HttpResponse:
        vendor = self._vendor(send)
        if vendor.held is not None:
            vendor.held.wait(PATIENCE)
        return vendor.answer(send)

    async def _asend(self, send: Any) -> HttpResponse:
        vendor = self._vendor(send)
        while vendor.held is not None and not vendor.held.is_set():
            await asyncio.sleep(0.001)
        return vendor.answer(send)

    async def _asleep(self, _: float) -> None:
        pass

    async def _aclose(self) -> None:
        pass


class Live:
    """A shadow or a router of either world behind the same blocking methods."""

    def __init__(self, both: Any, face: Any, vendors: Two) -> None:
        self._both = both
        self.face = face
        self.old, self.new = vendors.old, vendors.new

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.face, name)
        return (lambda *a, **f: self._both._run(lambda: value(*a, **f))) if callable(value) else value

    def settled(self) -> Any:
        """The stats, once all is over that was begun."""
        self.close(PATIENCE)
        return self.face.stats


def agents(**options: Any) -> dict[str, Agent]:
    return {"support": Agent(on={"old": Binding(agent="O1"), "new": Binding(agent="N1")}, default="old", **options)}


def connections(**options: Any) -> dict[str, Connection]:
    return {name: Connection("flowise", base_url=f"http://{name}.test", **options) for name in ("old", "new")}


@pytest.fixture
def open_live(open_bridge):
    """Makes a face of a bridge that knows both vendors: `open_live("Shadow", ...)`; closed at the end."""
    opened = []

    def make(
        kind: str, *arguments: Any, vendors: Two | None = None, side_effects: bool = False, **options: Any
    ) -> Live:
        import agentbridge.migrate

        both = open_bridge(
            config={},
            connections=connections(),
            agents=agents(side_effects=side_effects),
            retry=RetryPolicy(attempts=1),
        )
        vendors = vendors or Two(both.world)
        both.bridge._given = vendors
        face = getattr(agentbridge.migrate, f"Async{kind}" if both.world == "async" else kind)
        opened.append(Live(both, face(both.bridge, *arguments, **options), vendors))
        return opened[-1]

    yield make
    for live in opened:
        for vendor in (live.old, live.new):
            if vendor.held is not None:
                vendor.held.set()
        live.close()
