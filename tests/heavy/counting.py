"""The emulator of FlowGent on the loopback interface, which counts what it is asked and answers when it may."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time

from agentbridge.emulator.serving import load_emulator
from agentbridge.plugins import Registry
from agentbridge.serving import listening, running

PATIENCE = 120.0  # seconds, of a machine that has much to do


class Counting:
    """`asked` are the times and bodies of the calls. After `free` calls it answers none until `release` is called."""

    def __init__(self, app, free=None, takes=0.0):
        self.asked = []
        self.most = 0
        self._app = app
        self._free = free
        self._takes = takes
        self._now = 0
        self._may = threading.Event()
        self._changed = threading.Condition()

    @property
    def questions(self):
        return [body["messages"] for _, body in self.asked]

    def release(self):
        self._may.set()

    def wait_for(self, calls):
        """Wait until so many calls have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.asked) >= calls, PATIENCE), len(self.asked)

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        message = await receive()
        while message.get("more_body"):
            more = await receive()
            message = {**more, "body": message["body"] + more["body"]}
        held = self._note(json.loads(message["body"]))
        await asyncio.sleep(self._takes)
        while held and not self._may.is_set():
            await asyncio.sleep(0.02)
        with self._changed:
            self._now -= 1

        async def again():
            return message

        await self._app(scope, again, send)

    def _note(self, body):
        with self._changed:
            self.asked.append((time.monotonic(), body))
            self._now += 1
            self.most = max(self.most, self._now)
            self._changed.notify_all()
            return self._free is not None and len(self.asked) > self._free


@contextlib.contextmanager
def vendor(limits=None, **how):
    """The emulator and a configuration whose agent `support` is bound to it."""
    app = Counting(load_emulator(Registry()["flowgent"]), **how)
    with listening(0) as listener, running(app, listener, "flowgent"):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/public"
        from agentbridge.emulator import API_KEY

        account = {
            "base_url": url,
            "api_key": API_KEY,
            "retry": {"attempts": 1},
            **({"limits": limits} if limits else {}),
        }
        bound = {"fluxprompt": {"agent": "F1", "text": "varText"}, "flowgent": {"agent": "ok"}}
        yield app, {"connections": {"flowgent": account}, "agents": {"support": {"default": "fluxprompt", "on": bound}}}
        app.release()
