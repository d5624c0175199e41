"""The receiver: gives out addresses, takes what vendors post to them, and waits for it."""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Literal, TypeAlias

import attrs

from ..addresses import Address
from ..connection import Connection, check_choice, check_url
from ..directory import ConfigSource, Directory
from ..errors import ConfigurationError
from ..model import Pending, Result
from ..plugins import Registry
from ..provider import Provider
from ..redaction import mask_headers
from ..verdict import Asked
from . import answering
from .deciding import Delivery, Expected, decide, is_complete
from .signing import Claim, signed, verified
from .store import Store

Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_LOOK = 0.25  # seconds between two looks into the store, which another process may write
_SHORTEST_SECRET = 16  # characters
_DAY = 24 * 3600.0
_LONGEST = 3650 * _DAY
_KEPT = 30 * _DAY  # how long a run is kept after the end of its address


class CallbackReceiver:
    """An ASGI app that vendors call back, and the place to wait for what they say.

    For each run it makes an address that nobody can guess, that takes one answer and that ends; so it knows which run a
    callback belongs to although vendors name none. What came is in the store, a file: another process may receive than
    the one that waits, and nothing is lost when either ends.

    Args:
        public_url: where vendors reach this app, with the path it is mounted at: `https://example.com/callbacks`.
        store: path of the SQLite file, made where it is not there.
        secret: signs the addresses; None takes one that the store keeps.
        lifetime: how long an address takes answers, in seconds.
        largest: how many bytes a callback may have.
        config, connections: those of the Bridge that submits, for the fault rules of its connections; without them, what
            a Bridge without them finds.
        registry: providers other than the installed ones.

    Raises:
        ConfigurationError: the URL is none, the store cannot be used, or something in the configuration is wrong.
    """

    def __init__(
        self,
        public_url: str,
        *,
        store: str | os.PathLike[str] = "callbacks.sqlite",
        secret: str | None = None,
        lifetime: float = _DAY,
        largest: int = 16 * 1024 * 1024,
        config: ConfigSource = None,
        connections: Mapping[str, Connection | Mapping[str, Any]] | None = None,
        registry: Registry | None = None,
    ) -> None:
        check_url(public_url, "public_url")
        _check(secret, lifetime, largest)
        self.public_url = public_url.rstrip("/")
        self.largest = largest
        self._lifetime = lifetime
        self._store = Store(store)
        self._secret = self._store.secret() if secret is None else secret.encode()
        self._directory = Directory(config, connections, None, registry)
        self._arrived = threading.Condition()
        self._app: Any = None
        self._purge_at = 0.0
        self._newest, self._looked_at = -1, 0.0

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.public_url}>"

    def address(self, answers: int = 1) -> Address:
        """A new address, for so many answers. Nothing is taken at it before `expect`."""
        if not isinstance(answers, int) or answers < 1:
            raise ConfigurationError(f"an address takes 1 answer or more, not {answers!r}")
        claim = Claim(secrets.token_urlsafe(12), int(time.time() + self._lifetime))
        return Address(claim.run, f"{self.public_url}/{signed(claim, self._secret)}", float(claim.expires), answers)

    def expect(self, address: Address, pending: Pending) -> None:
        """From now on take what is sent to this address as the answer of this run."""
        self._store.expect(address.id, address.expires, address.answers, pending)
        if time.time() >= self._purge_at:
            self._purge_at = time.time() + _DAY
            self._store.purge(time.time() - _KEPT)

    def forget(self, address: Address) -> None:
        """Take nothing at this address any more: its run never began."""
        self._store.forget(address.id)

    def wait(
        self, pending: Pending, timeout: float | None = None, *, tool_errors: Literal["raise", "report"] = "raise"
    ) -> Result:
        """Wait for the answer of a run, blocking; at most `timeout` seconds, and not after the end of its address.

        Raises:
            InvocationError: the run failed, or the answer cannot be read; the callback is in `.response`.
            ResponseTimeoutError: it did not come in time; `.pending` can be waited for again.
            ConfigurationError: this receiver does not know the run.
        """
        waiting = self._waiting(pending, timeout, tool_errors)
        while (found := waiting()) is None:
            with self._arrived:
                self._arrived.wait(_LOOK if timeout is None else min(_LOOK, max(timeout / 10, 0.001)))
        return found

    async def wait_async(
        self,
        pending: Pending,
        timeout: float | None = None,  # noqa: ASYNC109 (the same words as wait)
        *,
        tool_errors: Literal["raise", "report"] = "raise",
    ) -> Result:
        """The same in an event loop. Raises what `wait` raises."""
        waiting = await asyncio.to_thread(self._waiting, pending, timeout, tool_errors)
        while (found := await asyncio.to_thread(waiting)) is None:  # noqa: ASYNC110 (it may be another process's doing)
            await asyncio.sleep(_LOOK if timeout is None else min(_LOOK, max(timeout / 10, 0.001)))
        return found

    def poll(self, pending: Pending, *, tool_errors: Literal["raise", "report"] = "raise") -> Result | Pending:
        """The answer of a run, or the Pending itself where it is not there yet. Raises what `wait` raises."""
        check_choice("tool_errors", tool_errors, ("raise", "report"), "poll")
        answering.check_pending(pending)
        return pending.result or self._answer(pending, tool_errors) or pending

    def deliveries(self, pending: Pending | None = None) -> tuple[Delivery, ...]:
        """What came for a run, or all that came, oldest first: forged, late and repeated ones too."""
        return self._store.deliveries(None if pending is None else answering.run_of(pending))

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """As an ASGI app, to be mounted or served."""
        if self._app is None:
            from .app import make  # needs the extra, which those who only wait do not

            self._app = make(self)
        await self._app(scope, receive, send)

    def claim(self, token: str) -> Claim | None:
        """What an address says, if it is ours."""
        return verified(token, self._secret)

    def take(self, run: str, headers: Mapping[str, str], body: bytes) -> Delivery:
        """Decide on a callback whose address is genuine, and write it down."""
        arrived = Delivery("answer", time.time(), run, None, mask_headers(headers), body)

        def decided(pending: Pending | None, expected: Expected | None) -> Delivery:
            if pending is None or expected is None:
                return decide(arrived, None, lambda _: None)
            header = self._provider(pending).delivery_id
            named = None if header is None else headers.get(header) or None
            return decide(attrs.evolve(arrived, delivery_id=named), expected, self._reader(pending))

        taken = self._store.take(arrived, decided)
        with self._arrived:
            self._looked_at = 0.0
            self._arrived.notify_all()
        return taken

    def refuse(
        self, verdict: Literal["forged", "oversized", "method"], headers: Mapping[str, str], run: str | None = None
    ) -> Delivery:
        """Write down a callback that is not looked at any further."""
        refused = Delivery(verdict, time.time(), run, headers=mask_headers(headers))
        return self._store.take(refused, lambda *_: refused)

    def _waiting(self, pending: Pending, timeout: float | None, tool_errors: str) -> Callable[[], Result | None]:
        """Looks whether the answer is there; raises where it will not be any more."""
        check_choice("tool_errors", tool_errors, ("raise", "report"), "wait")
        answering.check_pending(pending)
        if timeout is not None and not (isinstance(timeout, (int, float)) and timeout >= 0):
            raise ConfigurationError(f"timeout takes seconds or None, not {timeout!r}")
        until = None if timeout is None else time.monotonic() + timeout
        seen, over = -1, 0.0

        def look() -> Result | None:
            nonlocal seen, over
            late = until is not None and time.monotonic() >= until
            newest = self._newest_now()
            found = None
            if newest != seen or late or time.time() >= over:
                seen = newest
                found = pending.result or self._answer(pending, tool_errors)
                over = self._end_of(pending) if found is None else 0.0
            if found is None and late:
                raise self._not_in_time(pending, f"within {timeout:g} s")
            return found

        return look

    def _newest_now(self) -> int:
        """The number of the newest callback, asked for once by all who wait: they may be thousands."""
        with self._arrived:
            if time.monotonic() - self._looked_at >= _LOOK or not self._looked_at:
                self._newest, self._looked_at = self._store.newest(), time.monotonic()
            return self._newest

    def _end_of(self, pending: Pending) -> float:
        known = self._store.run(answering.run_of(pending))
        return 0.0 if known is None else known[1].expires

    def _not_in_time(self, pending: Pending, when: str) -> Exception:
        known = self._store.run(answering.run_of(pending))
        came = () if known is None else known[1].earlier
        return answering.not_in_time(self._reader(pending), self._asked(pending), pending, came, when)

    def _answer(self, pending: Pending, tool_errors: str) -> Result | None:
        known = self._store.run(answering.run_of(pending))
        if known is None:
            raise ConfigurationError(
                f"the store {self._store.path} knows no run {pending.callback_id!r}: is it another one?"
            )
        kept, expected = known
        pending = attrs.evolve(kept, id=pending.id or kept.id, session_id=pending.session_id or kept.session_id)
        if is_complete(expected.earlier, expected.answers):
            answers = [delivery for delivery in expected.earlier if delivery.is_answer]
            return answering.result(self._reader(pending), self._asked(pending), pending, answers, tool_errors)
        if time.time() >= expected.expires:
            raise self._not_in_time(pending, "before its address ended")
        return None

    def _asked(self, pending: Pending) -> Asked:
        connection = self._connection(pending)
        return answering.asked(pending, self.public_url, frozenset() if connection is None else connection.secrets)

    def _reader(self, pending: Pending) -> answering.Read:
        connection = self._connection(pending)
        return answering.reader(self._provider(pending), () if connection is None else connection.faults)

    def _connection(self, pending: Pending) -> Connection | None:
        return self._directory.connections.get(pending.connection)

    def _provider(self, pending: Pending) -> Provider:
        name, registry = pending.provider, self._directory.registry
        if name not in registry:
            raise ConfigurationError(f"no plugin brings the provider {name!r}, whose callback this is")
        return registry[name]


def _check(secret: object, lifetime: object, largest: object) -> None:
    if secret is not None and (not isinstance(secret, str) or len(secret) < _SHORTEST_SECRET):
        given = f"{len(secret)} characters" if isinstance(secret, str) else type(secret).__name__
        wanted = f"a str of {_SHORTEST_SECRET} characters or more, or None"
        raise ConfigurationError(f"the secret is {wanted}; this one has {given}")
    if not (isinstance(lifetime, (int, float)) and 0 < lifetime <= _LONGEST):
        raise ConfigurationError(f"lifetime takes seconds, more than 0 and at most {_LONGEST:g}, not {lifetime!r}")
    if not (isinstance(largest, int) and largest > 0):
        raise ConfigurationError(f"largest takes a number of bytes, not {largest!r}")
