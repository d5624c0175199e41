"""The face of the library that awaits; see `bridge` for the one that blocks."""

from __future__ import annotations

import gc
import warnings
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack, cast, overload

from .addresses import Callbacks
from .base import BridgeBase, Exchange
from .connection import Connection
from .errors import ConfigurationError, InvocationError
from .mapping import amapped
from .model import Invocation, Outcome, Pending, Result
from .observing.observations import Kind
from .planning.resuming import pending_of
from .planning.settings import CallFields, WaitFields
from .provider import Operation
from .transport import MAIL, NAMES, AsyncTransport, adrive, loops, open_async_transport
from .transport.stream import AsyncStream

T = TypeVar("T")


class AsyncBridge(BridgeBase):
    """The same as Bridge, awaited. It notices a new event loop, and then opens connections anew.

    Takes the arguments of Bridge; `http_client` is an asynchronous one, and `transport` may be "aiohttp" too.
    """

    _client_kind = "AsyncClient"
    _transport_names = NAMES

    async def invoke(
        self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]
    ) -> Result:
        """Run an agent and wait for its answer; see `Bridge.invoke`."""
        return await self._invoked(target, text, fields)

    def stream(self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]) -> AsyncStream:
        """Run an agent and see it answer; see `Bridge.stream`. Not awaited itself: `async with bridge.stream(...)`."""
        return self._opened(*self._streaming(target, text, fields))

    async def submit(
        self,
        target: str | Invocation,
        text: str | None = None,
        /,
        *,
        callbacks: Callbacks | None = None,
        callback_input: str | None = None,
        callback_answers: int = 1,
        **fields: Unpack[CallFields],
    ) -> Pending:
        """Start an agent without waiting for its answer; see `Bridge.submit`."""
        said = (target, text, dict(fields), callbacks, callback_input, callback_answers)
        submission = await self._planned(lambda: self._submission(*said))
        await _aside(submission.expect, submission.has_address)
        try:
            pending = await self._drive(self._submitting(submission))
        except Exception as error:
            await _aside(partial(submission.failed, error), submission.has_address)
            raise
        return await _aside(lambda: submission.begun(pending), submission.has_address)

    async def wait(self, pending: Pending, /, **settings: Unpack[WaitFields]) -> Result:
        """Ask for a run until it is over; see `Bridge.wait`."""
        if (given := self._given_answer(pending, settings)) is not None:
            return given
        return await self._drive(await self._planned(lambda: self._waiting(pending, settings)))

    async def poll(self, pending: Pending, /, **settings: Unpack[WaitFields]) -> Result | Pending:
        """Ask once for a run; see `Bridge.poll`."""
        return await self._polled(pending, settings, "poll")

    async def recover(self, lost: Pending | InvocationError, /, **settings: Unpack[WaitFields]) -> Result | Pending:
        """Find a run again whose answer was lost; see `Bridge.recover`."""
        return await self._polled(pending_of(lost), settings, "recover")

    @overload
    def resume(
        self,
        result: Result,
        decision: str,
        /,
        *,
        feedback: str | None = None,
        stream: Literal[False] = False,
        **fields: Unpack[CallFields],
    ) -> Coroutine[Any, Any, Result]: ...
    @overload
    def resume(
        self,
        result: Result,
        decision: str,
        /,
        *,
        feedback: str | None = None,
        stream: Literal[True],
        **fields: Unpack[CallFields],
    ) -> AsyncStream: ...
    def resume(
        self,
        result: Result,
        decision: str,
        /,
        *,
        feedback: str | None = None,
        stream: bool = False,
        **fields: Unpack[CallFields],
    ) -> Coroutine[Any, Any, Result] | AsyncStream:
        """Continue a run that waits for a human; see `Bridge.resume`. Awaited, but with `stream=True` entered."""
        paused, said = self._resumption(result, decision, feedback, fields)
        if stream:
            return self._opened(*self._streaming(paused, None, said, "resume"))
        return self._invoked(paused, None, said, "resume")

    async def call(self, operation: Operation[T], connection: str | None = None) -> T | Pending:
        """Send any other request to a vendor; see `Bridge.call`."""
        return await self._drive(await self._planned(lambda: self._calling(operation, connection)))

    def map(
        self,
        invocations: Iterable[Invocation] | AsyncIterable[Invocation],
        concurrency: int = 16,
        ordered: bool = False,
    ) -> AsyncGenerator[Outcome]:
        """Run many agents at once, by tasks; see `Bridge.map`. Not awaited itself: `async for outcome in bridge.map(...)`.

        Leaving early cancels the calls under way.
        """
        return amapped(self.invoke, invocations, concurrency, ordered)

    async def close(self) -> None:
        """Close the connections that this bridge opened. Closing twice does no harm."""
        self._closed = True
        with self._lock:
            opened = dict(self._transports)
            self._transports.clear()
        running = loops.running_loop()
        async with AsyncExitStack() as closing:  # one that cannot be closed leaves no other open
            closing.callback(_forget, opened)
            for key in [key for key in opened if key[0] is running]:
                closing.push_async_callback(opened.pop(key).close)

    @staticmethod
    def _let_go(transports: dict[Any, Any]) -> None:
        _forget(transports)

    async def __aenter__(self) -> Self:
        self._check_open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    if not TYPE_CHECKING:  # a checker shall go on to refuse it

        def __enter__(self) -> None:
            raise ConfigurationError("an AsyncBridge is entered by 'async with'; for 'with' make a Bridge")

        __exit__ = __aexit__

    async def _polled(self, pending: Pending, settings: WaitFields, kind: Kind) -> Result | Pending:
        if (given := self._given_answer(pending, settings)) is not None:
            return given
        return await self._drive(await self._planned(lambda: self._polling(pending, settings, kind)))

    async def _invoked(
        self, target: str | Invocation, text: str | None, fields: CallFields | dict[str, Any], kind: Kind = "invoke"
    ) -> Result:
        return await self._drive(await self._planned(lambda: self._invoking(target, text, fields, kind)))

    async def _planned(self, plan: Callable[[], T]) -> T:
        """What is planned; in a thread while keys may have to be asked for, so that the event loop goes on meanwhile."""
        return await _aside(plan, self._directory.has_locked)

    def _opened(self, exchange: Exchange[Result], pending: Callable[[], Pending | None]) -> AsyncStream:
        return AsyncStream(exchange.begin, self._transport, exchange.connection, self._turns, pending)

    async def _drive(self, exchange: Exchange[T]) -> T:
        return await adrive(
            exchange.begin, partial(self._transport, mail=exchange.mail), exchange.connection, self._turns
        )

    def _transport(self, connection: Connection, *, mail: bool = False) -> AsyncTransport:
        self._check_open()
        self._check_own(connection)
        if self._given is not None:
            return cast("AsyncTransport", self._given)
        library = MAIL if mail else self._library
        loop = loops.running_loop()
        key = (loop, library, connection.proxy, connection.verify)
        if (found := self._transports.get(key)) is not None:
            return cast("AsyncTransport", found)
        with self._lock:
            _forget(
                {
                    old: self._transports.pop(old)
                    for old in list(self._transports)
                    if old[0] is not loop and loops.is_over(old[0])
                }
            )
            if key not in self._transports:
                self._transports[key] = open_async_transport(
                    library, client=self._http_client, proxy=connection.proxy, verify=connection.verify
                )
            return cast("AsyncTransport", self._transports[key])


async def _aside(do: Callable[[], T], slow: bool) -> T:
    """Do it in a thread where it may touch a disk, so that the event loop goes on."""
    return await loops.in_thread(do) if slow else do()


def _forget(transports: dict[Any, Any]) -> None:
    """Drop connections that can no longer be closed: their event loop is over, or nobody is there to await it.

    Collected, they close their sockets and warn, which would tell a caller off for what the caller could not do.
    """
    if transports:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            transports.clear()
            gc.collect()
