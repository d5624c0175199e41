"""The two faces of the library: Bridge blocks, AsyncBridge awaits. Everything else they share."""

from __future__ import annotations

import asyncio
import gc
import os
import threading
import warnings
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, Self, TypeVar, Unpack, cast

from .bindings import Agent
from .connection import Connection
from .directory import Directory
from .errors import ConfigurationError, PluginError
from .exchange import operate, run
from .model import Invocation, Pending, Result
from .planning import PlannedRun, plan_operation, plan_run
from .plugins import Registry
from .prepared import Prepared
from .provider import Operation
from .retry import RetryPolicy, Timeouts
from .settings import CallFields, Settings
from .streaming import StreamPlan, stream
from .transport import AsyncTransport, Transport, adrive, drive, open_async_transport, open_transport, transport_name
from .transport.stream import AsyncStream, Stream

T = TypeVar("T")


class _Base:
    """What both bridges know and plan."""

    def __init__(
        self,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        *,
        connections: Mapping[str, Connection | Mapping[str, Any]] | None = None,
        agents: Mapping[str, Agent | Mapping[str, Any]] | None = None,
        retry: RetryPolicy = RetryPolicy(),  # noqa: B008 (frozen)
        timeouts: Timeouts | None = None,
        on_unsupported: Literal["raise", "drop"] = "raise",
        tool_errors: Literal["raise", "report"] = "raise",
        transport: Any = None,
        http_client: Any = None,
        registry: Registry | None = None,
    ) -> None:
        settings = Settings(retry=retry, timeouts=timeouts, on_unsupported=on_unsupported, tool_errors=tool_errors)
        self._settings = settings.check(type(self).__name__)
        self._directory = Directory(config, connections, agents, registry)
        self._given = None if transport is None or isinstance(transport, str) else transport
        self._http_client = http_client
        self._check_client(http_client)
        self._library = "" if self._given is not None else transport_name(transport, http_client)
        self._transports: dict[Any, Any] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def providers(self) -> Registry:
        """The providers by name; `.failures` names the plugins that did not load."""
        return self._directory.registry

    @property
    def connections(self) -> Mapping[str, Connection]:
        """The connections by name: configured ones and those of the environment."""
        return self._directory.connections

    @property
    def agents(self) -> Mapping[str, Agent]:
        """The portable agents by name."""
        return MappingProxyType(dict(self._directory.agents))

    @property
    def failures(self) -> Mapping[str, PluginError]:
        """The plugins that did not load, and why."""
        return self._directory.registry.failures

    def prepare(self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]) -> Prepared:
        """What would be sent, with secrets masked; sends nothing.

        Raises what `invoke` raises before sending, but takes a `callback_url` where the vendor does.
        """
        return self._plan(target, text, dict(fields)).prepared

    def _streamed(self, target: str | Invocation, text: str | None, fields: Mapping[str, Any]) -> PlannedRun:
        return self._plan(target, text, fields, streaming=True).for_invoke()

    def _plan(
        self, target: str | Invocation, text: str | None, fields: Mapping[str, Any], *, streaming: bool = False
    ) -> PlannedRun:
        return plan_run(self._directory, self._settings, target, text, fields, streaming=streaming)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {', '.join(self.connections) or 'no connections'}>"

    _client_kind = "Client"

    def _check_client(self, client: object) -> None:
        if client is not None and not any(kind.__name__ == self._client_kind for kind in type(client).__mro__):
            raise ConfigurationError(
                f"{type(self).__name__} takes an httpx.{self._client_kind} or httpx2.{self._client_kind} as http_client,"
                f" not {type(client).__name__}"
            )

    def _check_own(self, connection: Connection) -> None:
        if self._http_client is not None and (connection.proxy is not None or connection.verify is not True):
            raise ConfigurationError("proxy and verify are the http_client's own business; set them there")

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigurationError(f"this {type(self).__name__} is closed; make a new one")


class Bridge(_Base):
    """Calls agents on any platform, blocking. Safe across threads; close it, or use it in a `with` block.

    Args:
        config: path of a TOML file or a mapping; None looks for `$AGENTBRIDGE_CONFIG`, then `./agentbridge.toml`.
        connections, agents: added to the configuration, or in place of what it says under the same name.
        retry, timeouts, on_unsupported, tool_errors: defaults for every call.
        transport: "httpx" or "httpx2", or an object with `send`, `sleep` and `close`.
        http_client: a client of either library to send through; it is not closed.
        registry: providers other than the installed ones.

    Raises:
        ConfigurationError: something in the configuration is wrong.
    """

    def invoke(self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]) -> Result:
        """Run an agent and wait for its answer, polling where the vendor answers later.

        `fields` are fields of the Invocation, and retry, timeouts, on_unsupported and tool_errors for this call.

        Raises:
            ConfigurationError, UnsupportedFeatureError, PluginError: nothing was sent.
            InvocationError: no Result came of it; the subclass says why, the attributes hold the evidence.
        """
        planned = self._plan(target, text, dict(fields)).for_invoke()
        return drive(lambda started: run(planned.plan, started), self._transport(planned.connection))

    def stream(self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]) -> Stream:
        """Run an agent and see it answer: a context manager that iterates events, with `.result` at the end.

        Vendors that do not stream give the same events from the finished answer; then `result.synthetic` is True.
        Takes what `invoke` takes. What `invoke` raises is raised here, on entering, or while iterating.
        """
        planned = self._streamed(target, text, dict(fields))
        return Stream(
            lambda started: stream(_stream_plan(planned), started), lambda: self._transport(planned.connection)
        )

    def call(self, operation: Operation[T], connection: str | None = None) -> T | Pending:
        """Send any other request to a vendor; by default to the connection of the provider's name.

        Raises what `invoke` raises.
        """
        plan, account = plan_operation(self._directory, self._settings, operation, connection)
        return drive(lambda started: operate(plan, operation.read, started), self._transport(account))

    def close(self) -> None:
        """Close the connections that this Bridge opened. Closing twice does no harm."""
        self._closed = True
        with self._lock:
            while self._transports:
                self._transports.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _transport(self, connection: Connection) -> Transport:
        self._check_open()
        self._check_own(connection)
        if self._given is not None:
            return cast("Transport", self._given)
        # a forked child must not share the parent's connections: each would get the other's answers
        key = (os.getpid(), connection.proxy, connection.verify)
        with self._lock:
            if key not in self._transports:
                self._transports[key] = open_transport(
                    self._library, client=self._http_client, proxy=connection.proxy, verify=connection.verify
                )
            return cast("Transport", self._transports[key])


class AsyncBridge(_Base):
    """The same as Bridge, awaited. It notices a new event loop, and then opens connections anew.

    Takes the arguments of Bridge; `http_client` is an asynchronous one.
    """

    _client_kind = "AsyncClient"

    async def invoke(
        self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]
    ) -> Result:
        """Run an agent and wait for its answer; see `Bridge.invoke`."""
        planned = self._plan(target, text, dict(fields)).for_invoke()
        return await adrive(lambda started: run(planned.plan, started), self._transport(planned.connection))

    def stream(self, target: str | Invocation, text: str | None = None, /, **fields: Unpack[CallFields]) -> AsyncStream:
        """Run an agent and see it answer; see `Bridge.stream`. Not awaited itself: `async with bridge.stream(...)`."""
        planned = self._streamed(target, text, dict(fields))
        return AsyncStream(
            lambda started: stream(_stream_plan(planned), started), lambda: self._transport(planned.connection)
        )

    async def call(self, operation: Operation[T], connection: str | None = None) -> T | Pending:
        """Send any other request to a vendor; see `Bridge.call`."""
        plan, account = plan_operation(self._directory, self._settings, operation, connection)
        return await adrive(lambda started: operate(plan, operation.read, started), self._transport(account))

    async def close(self) -> None:
        """Close the connections that this bridge opened. Closing twice does no harm."""
        self._closed = True
        with self._lock:
            opened, self._transports = self._transports, {}
        own = [opened.pop(key) for key in list(opened) if key[0] is asyncio.get_running_loop()]
        for transport in own:
            await transport.close()
        _forget(opened)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def _transport(self, connection: Connection) -> AsyncTransport:
        self._check_open()
        self._check_own(connection)
        if self._given is not None:
            return cast("AsyncTransport", self._given)
        key = (asyncio.get_running_loop(), connection.proxy, connection.verify)
        with self._lock:
            _forget({old: self._transports.pop(old) for old in list(self._transports) if old[0].is_closed()})
            if key not in self._transports:
                self._transports[key] = open_async_transport(
                    self._library, client=self._http_client, proxy=connection.proxy, verify=connection.verify
                )
            return cast("AsyncTransport", self._transports[key])


def _stream_plan(planned: PlannedRun) -> StreamPlan:
    return StreamPlan(run=planned.plan, decoder=planned.decoder)


def _forget(transports: dict[Any, Any]) -> None:
    """Drop connections of an event loop that is over.

    Only that loop could have closed them. Collected, they close their sockets and warn, which would tell a caller off
    for what the caller could not do.
    """
    if transports:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            transports.clear()
            gc.collect()
