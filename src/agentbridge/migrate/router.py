"""Cut over: a growing share of the conversations goes to the candidate, and goes back by itself where that is worse."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, Literal, Self, TypeVar, Unpack

from ..async_bridge import AsyncBridge
from ..bridge import Bridge
from ..errors import AgentBridgeError, ConfigurationError
from ..model import SHARED, Invocation, Result
from ..planning.settings import CallFields
from ..transport.loops import in_thread
from .ledger import Ledger
from .live import OfProcess, aimed
from .live_gate import LiveGate
from .routes import Routes
from .routing import STAGES, Change, RouterFile, RouterState, advanced, paused, resumed, rolled_back, stages_of
from .targets import check_target

B = TypeVar("B", Bridge, AsyncBridge)


class _Router(Generic[B]):
    """What both routers know: the state in the ledger, and whom a call goes to."""

    def __init__(
        self,
        bridge: B,
        ledger: Ledger | str | os.PathLike[str],
        agent: str,
        primary: str,
        candidate: str,
        *,
        stages: Iterable[float] = STAGES,
        gate: LiveGate | None = LiveGate(),  # noqa: B008 (frozen)
        on_candidate_failure: Literal["raise", "primary"] = "raise",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if on_candidate_failure not in ("raise", "primary"):
            raise ConfigurationError(f"on_candidate_failure is 'raise' or 'primary', not {on_candidate_failure!r}")
        for vendor in (primary, candidate):
            check_target(bridge, f"{agent}@{vendor}")
        self._bridge: B = bridge
        self.agent = agent
        self._names = {agent, f"{agent}@{primary}", f"{agent}@{candidate}"}
        path = ledger.path if isinstance(ledger, Ledger) else ledger
        growing = stages_of(stages)
        wanted = RouterState(
            agent=agent,
            primary=primary,
            candidate=candidate,
            salt=os.urandom(8).hex(),
            stages=growing,
            stage=growing[0],
            changed=time.time(),
        )
        self._routes = OfProcess(
            lambda: Routes(RouterFile(path), wanted, gate, ask_primary=on_candidate_failure == "primary", clock=clock)
        )
        self._routes()

    @property
    def state(self) -> RouterState:
        """Where it stands: the share, "running", "paused" or "rolled back", and why; read from the ledger now."""
        return self._routes().refreshed()

    def _change(self, change: Change) -> RouterState:
        return self._routes().change(change)

    def _session(self, said: str | Invocation | None, fields: Mapping[str, Any]) -> str | None:
        """The conversation of a call. Raises ConfigurationError where the call is for somebody else."""
        aimed(said, self.agent, self._names)
        named = said.session_id if isinstance(said, Invocation) else None
        session: str | None = fields.get("session_id") or named
        return None if session == SHARED else session  # the memory of all is no conversation


class Router(_Router[Bridge]):
    """Sends a share of an agent's conversations to the candidate; one that has begun never changes its vendor.

    Args:
        bridge: asks both; it is not closed.
        ledger: the file that keeps the state and whom each conversation belongs to, for all processes; a Ledger or a path.
        agent, primary, candidate: a portable agent and two of its connections.
        stages: the shares that `advance` goes through. The first Router of a ledger begins with the first one.
        gate: rolls back by itself, by the calls of this process; None leaves that to you.
        on_candidate_failure: "raise", or "primary": where the candidate surely did not run, ask the primary, unless the
            conversation has begun at the candidate.
        clock: seconds that only grow, for tests.

    Raises:
        ConfigurationError: an argument is wrong, or the ledger cannot be used.
    """

    def invoke(self, said: str | Invocation | None = None, /, **fields: Unpack[CallFields]) -> Result:
        """Ask whom the conversation belongs to; `result.connection` says who that is.

        Raises what `bridge.invoke` raises; ConfigurationError where the ledger cannot be read.
        """
        session = self._session(said, fields)
        routes = self._routes()
        route = routes.quick(session) or routes.slow(session)
        try:
            result = self._bridge.invoke(*aimed(said, route.target, self._names), **fields)
        except AgentBridgeError as error:
            if (write := routes.failed(route, error)) is not None:
                write()
            raise
        if (write := routes.answered(route, result)) is not None:
            write()
        return result

    def advance(self) -> RouterState:
        """On to the next stage, for new conversations. Raises ConfigurationError where there is none."""
        return self._change(advanced)

    def pause(self, reason: str = "") -> RouterState:
        """Send no new conversation to the candidate; those that began there go on there."""
        return self._change(partial(paused, reason=reason))

    def resume(self) -> RouterState:
        """Go on with the stage that it had; after a rollback with the first one."""
        return self._change(resumed)

    def rollback(self, reason: str) -> RouterState:
        """Give the candidate up: as `pause`, and what began there may go on at the primary where it is refused."""
        return self._change(partial(rolled_back, reason=reason))

    def close(self) -> None:
        """Let go of the ledger's file."""
        self._routes().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class AsyncRouter(_Router[AsyncBridge]):
    """The same for an AsyncBridge; its methods are awaited. What touches the disk is done in a thread."""

    async def invoke(self, said: str | Invocation | None = None, /, **fields: Unpack[CallFields]) -> Result:
        """Ask whom the conversation belongs to; see `Router.invoke`."""
        session = self._session(said, fields)
        routes = self._routes()
        route = routes.quick(session)
        if route is None:
            route = await in_thread(partial(routes.slow, session))
        try:
            result = await self._bridge.invoke(*aimed(said, route.target, self._names), **fields)
        except AgentBridgeError as error:
            if (write := routes.failed(route, error)) is not None:
                await in_thread(write)
            raise
        if (write := routes.answered(route, result)) is not None:
            await in_thread(write)
        return result

    async def advance(self) -> RouterState:
        """See `Router.advance`."""
        return await in_thread(partial(self._change, advanced))

    async def pause(self, reason: str = "") -> RouterState:
        """See `Router.pause`."""
        return await in_thread(partial(self._change, partial(paused, reason=reason)))

    async def resume(self) -> RouterState:
        """See `Router.resume`."""
        return await in_thread(partial(self._change, resumed))

    async def rollback(self, reason: str) -> RouterState:
        """See `Router.rollback`."""
        return await in_thread(partial(self._change, partial(rolled_back, reason=reason)))

    async def close(self) -> None:
        """See `Router.close`."""
        await in_thread(self._routes().close)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()
