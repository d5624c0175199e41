"""The face of the library that blocks; see `async_bridge` for the one that awaits. What both know is in `base`."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, Unpack, cast, overload

from .base import BridgeBase, Exchange
from .connection import Connection
from .errors import ConfigurationError, InvocationError
from .model import Invocation, Outcome, Pending, Result
from .planning.resuming import pending_of
from .planning.settings import CallFields, WaitFields
from .provider import Operation
from .transport import MAIL, Transport, drive, open_transport

if TYPE_CHECKING:
    from .addresses import Callbacks
    from .async_bridge import AsyncBridge
    from .observing.observations import Kind
    from .transport.stream import Stream

__all__ = ["AsyncBridge", "Bridge"]

T = TypeVar("T")


if not TYPE_CHECKING:  # a checker would take every misspelt name for one of these

    def __getattr__(name: str) -> Any:
        """The other bridge, imported for those who use it."""
        if name == "AsyncBridge":
            from .async_bridge import AsyncBridge

            return AsyncBridge
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class Bridge(BridgeBase):
    """Calls agents on any platform, blocking. Safe across threads; close it, or use it in a `with` block.

    Args:
        config: path of a TOML file or a mapping; None looks for `$AGENTBRIDGE_CONFIG`, then `./agentbridge.toml`.
        connections, agents: added to the configuration, or in place of what it says under the same name.
        retry, timeouts, on_unsupported, tool_errors: defaults for every call.
        serialize_sessions: calls of one session (connection, agent, session_id) run one after the other, since vendors
            mix them up; False turns that off.
        transport: "httpx" or "httpx2", or an object with `send`, `sleep` and `close`.
        http_client: a client of either library to send through; it is not closed.
        observers: callables that are told what happens in each call, one Observation at a time, in its thread; they must
            not block.
        registry: providers other than the installed ones.

    Raises:
        ConfigurationError: something in the configuration is wrong.
    """

    def invoke(self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]) -> Result:
        """Run an agent and wait for its answer, polling where the vendor answers later.

        `fields` are those of `CallFields`: text, messages, inputs, files, session_id, user_id, callback_url, options and
        metadata of the Invocation; retry, timeouts, on_unsupported and tool_errors for this call. Where the target names
        several vendors, the next one is asked if the run surely never began at the one before; `fallback=False` asks the
        first one alone.

        Raises:
            ConfigurationError, UnsupportedFeatureError, PluginError: nothing was sent.
            InvocationError: no Result came of it; the subclass says why, the attributes hold the evidence.
        """
        return self._drive(self._invoking(target, text, fields))

    def stream(self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]) -> Stream:
        """Run an agent and see it answer: a context manager that iterates events, with `.result` at the end.

        Vendors that do not stream give the same events from the finished answer; then `result.synthetic` is True.
        Takes what `invoke` takes. What `invoke` raises is raised here, on entering, or while iterating.
        """
        return self._opened(*self._streaming(target, text, fields))

    def submit(
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
        """Start an agent without waiting for its answer; pick it up by `wait` or `poll`, in any process.

        `callbacks`, a `CallbackReceiver`, makes the address that the vendor shall call, and its `wait` has the answer.
        `callback_input` names the input that takes the address, where the agent's own nodes call back, and
        `callback_answers` says how many of them do. A vendor that
        answers at once all the same gives a Pending with its `result`.

        Raises what `invoke` raises; UnsupportedFeatureError where the vendor only answers at once.
        """
        submission = self._submission(target, text, dict(fields), callbacks, callback_input, callback_answers)
        submission.expect()
        try:
            pending = self._drive(self._submitting(submission))
        except BaseException as error:
            submission.failed(error)
            raise
        return submission.begun(pending)

    def wait(self, pending: Pending, /, **settings: Unpack[WaitFields]) -> Result:
        """Ask for a run until it is over; `Timeouts(answer=...)` bounds the wait. It may be another process's.

        `settings` are those of `WaitFields`: retry, timeouts, on_unsupported and tool_errors, for this call.

        Raises what `invoke` raises; UnsupportedFeatureError where the vendor cannot be asked.
        """
        if (given := self._given_answer(pending, settings)) is not None:
            return given
        return self._drive(self._waiting(pending, settings))

    def poll(self, pending: Pending, /, **settings: Unpack[WaitFields]) -> Result | Pending:
        """Ask once for a run: its Result, or a Pending to ask for again, not before `pending.after` seconds.

        Raises what `wait` raises.
        """
        return self._polled(pending, settings, "poll")

    def recover(self, lost: Pending | InvocationError, /, **settings: Unpack[WaitFields]) -> Result | Pending:
        """Find a run again whose answer was lost: its Result, or a Pending where it still runs.

        Takes the error of `invoke` or `stream`, or a Pending. Raises the run's own error where it failed;
        UnsupportedFeatureError where the vendor gives no way to find it, ConfigurationError where there is nothing to
        find.
        """
        return self._polled(pending_of(lost), settings, "recover")

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
    ) -> Result: ...
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
    ) -> Stream: ...
    def resume(
        self,
        result: Result,
        decision: str,
        /,
        *,
        feedback: str | None = None,
        stream: bool = False,
        **fields: Unpack[CallFields],
    ) -> Result | Stream:
        """Continue a run that waits for a human: `decision` is one of `result.interrupt.choices`.

        With `stream=True` it is a stream, as of `Bridge.stream`. `fields` are those of `invoke`.

        Raises what `invoke` raises; ConfigurationError where the run does not wait, or not for this decision.
        """
        paused, said = self._resumption(result, decision, feedback, fields)
        if stream:
            return self._opened(*self._streaming(paused, None, said, "resume"))
        return self._drive(self._invoking(paused, None, said, "resume"))

    def call(self, operation: Operation[T], connection: str | None = None) -> T | Pending:
        """Send any other request to a vendor; by default to the connection of the provider's name.

        Raises what `invoke` raises.
        """
        return self._drive(self._calling(operation, connection))

    def map(
        self, invocations: Iterable[Invocation], concurrency: int = 16, ordered: bool = False
    ) -> Generator[Outcome]:
        """Run many agents at once, by threads; each outcome as it comes, or in the order of the invocations.

        `invocations` may be a generator without end: it is read no further than the outcomes are. An error of one is its
        outcome. Leaving early starts no more calls; those under way end by themselves. Retries, timeouts and limits
        are those of the Bridge and its connections.

        Raises what iterating `invocations` raises; ConfigurationError for what cannot be iterated.
        """
        from .mapping import mapped

        return mapped(self.invoke, invocations, concurrency, ordered)

    def close(self) -> None:
        """Close the connections that this Bridge opened. Closing twice does no harm."""
        self._closed = True
        with self._lock:
            self._let_go(self._transports)

    @staticmethod
    def _let_go(transports: dict[Any, Any]) -> None:
        try:
            while transports:
                (process, *_), transport = transports.popitem()
                if process == os.getpid():  # a parent's connections are not a forked child's to close
                    transport.close()
        finally:
            if transports:  # one that cannot be closed leaves no other open
                Bridge._let_go(transports)

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    if not TYPE_CHECKING:  # a checker shall go on to refuse it

        def __aenter__(self) -> None:
            raise ConfigurationError("a Bridge is entered by 'with'; for 'async with' make an AsyncBridge")

        __aexit__ = __exit__

    def _polled(self, pending: Pending, settings: WaitFields, kind: Kind) -> Result | Pending:
        if (given := self._given_answer(pending, settings)) is not None:
            return given
        return self._drive(self._polling(pending, settings, kind))

    def _opened(self, exchange: Exchange[Result], pending: Callable[[], Pending | None]) -> Stream:
        from .transport.stream import Stream

        return Stream(exchange.begin, self._transport, exchange.connection, self._turns, pending)

    def _drive(self, exchange: Exchange[T]) -> T:
        return drive(exchange.begin, partial(self._transport, mail=exchange.mail), exchange.connection, self._turns)

    def _transport(self, connection: Connection, *, mail: bool = False) -> Transport:
        self._check_open()
        self._check_own(connection)
        if self._given is not None:
            return cast("Transport", self._given)
        # a forked child must not share the parent's connections: each would get the other's answers
        library = MAIL if mail else self._library
        key = (os.getpid(), library, connection.proxy, connection.verify)
        if (found := self._transports.get(key)) is not None:
            return cast("Transport", found)
        with self._lock:
            if key not in self._transports:
                self._transports[key] = open_transport(
                    library, client=self._http_client, proxy=connection.proxy, verify=connection.verify
                )
            return cast("Transport", self._transports[key])
