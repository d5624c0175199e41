"""What one process knows of a router: its state as last read, whom conversations belong to, and the calls just made."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import TypeAlias

import attrs

from ..errors import AgentBridgeError, ConfigurationError, InvocationError, PluginError, UnsupportedFeatureError
from ..model import Result
from ..observing.logs import log
from .beside import Recent
from .live import place_of
from .live_gate import LiveGate, Seen, Windows
from .routing import Change, RouterFile, RouterState, rolled_back

FRESH = 1.0  # seconds that a state is believed
_REMEMBERED = 100_000  # conversations; what is forgotten is read again

Write: TypeAlias = Callable[[], None]


@attrs.frozen(kw_only=True)
class Route:
    """Whom one call goes to. `begun`: the conversation has been with this vendor already."""

    vendor: str
    target: str
    session: str | None
    begun: bool


def belongs(state: RouterState, session: str) -> str:
    """The vendor of a conversation that begins now: the same in every process, and a bigger share keeps the smaller."""
    is_candidate = place_of(f"{state.salt}\0{state.agent}", session) < state.share
    return state.candidate if is_candidate else state.primary


def target_of(state: RouterState, vendor: str, *, begun: bool, ask_primary: bool) -> str:
    """Who is asked. The primary after the candidate only where no conversation would change vendor in the middle.

    After a rollback that may be: where the candidate does not serve any more, the alternative is none.
    """
    can_change = vendor == state.candidate and ask_primary and (not begun or state.status == "rolled back")
    return f"{state.agent}@{vendor},{state.primary}" if can_change else f"{state.agent}@{vendor}"


class Routes:
    """Of one process; safe across threads. What may wait for the disk is in `slow`, and in the writes handed back."""

    def __init__(
        self,
        file: RouterFile,
        wanted: RouterState,
        gate: LiveGate | None,
        *,
        ask_primary: bool,
        clock: Callable[[], float],
    ) -> None:
        self._file = file
        self._gate = gate
        self._ask_primary = ask_primary
        self._clock = clock
        self._lock = threading.Lock()
        self._known: Recent[str, str] = Recent(_REMEMBERED)
        self._windows = Windows(gate.window if gate else 1)
        self._state, self._read_at = file.begin(wanted), clock()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def refreshed(self) -> RouterState:
        """The state, read now."""
        return self._took(self._file.state(self._state.agent) or self._state)

    def change(self, change: Change) -> RouterState:
        """Change the state, for all processes."""
        return self._took(self._file.change(self._state.agent, change, time.time()))

    def quick(self, session: str | None) -> Route | None:
        """The route of a call, where it is known without the file."""
        if self._clock() - self._read_at >= FRESH:
            return None
        if session is None:
            return self._alone()
        with self._lock:
            vendor = self._known.get(session)
        if vendor is None or (vendor == self._state.candidate and self._state.status == "rolled back"):
            return None  # another process may have let it go on at the primary
        return self._route(vendor, session, begun=True)

    def slow(self, session: str | None) -> Route:
        """The route of a call, by the file. Raises ConfigurationError where that cannot be read."""
        if self._clock() - self._read_at >= FRESH:
            with contextlib.suppress(ConfigurationError):  # then what was true a second ago is believed on
                self.refreshed()
        if session is None:
            return self._alone()
        try:
            vendor = self._file.vendor(self._state.agent, session)
        except ConfigurationError as error:
            raise ConfigurationError(f"whom this conversation belongs to is not known: {error}") from None
        route = self._route(vendor or self._assigned(session), session, begun=vendor is not None)
        with self._lock:
            self._known.put(session, route.vendor)
        return route

    def answered(self, route: Route, result: Result) -> Write | None:
        """Take note of an answer. Returns what is to be written, if anything is."""
        vendor = self._state.primary if result.connection == self._state.primary else route.vendor
        with self._lock:
            if route.vendor == self._state.candidate:
                self._windows.candidate.append(Seen(vendor == route.vendor, result.elapsed))
            else:
                self._windows.primary.append(Seen(True, result.elapsed))
            sessions = {one for one in (route.session, result.session_id) if one and self._known.get(one) != vendor}
            for session in sessions:
                self._known.put(session, vendor)
        return self._to_write(route, sessions, vendor)

    def failed(self, route: Route, error: AgentBridgeError) -> Write | None:
        """Take note of a failure; a caller's own is none. A conversation of which nothing ran has not begun."""
        if not isinstance(error, (InvocationError, UnsupportedFeatureError, PluginError)):
            return self._to_write(route, self._unbegun(route), None)
        at_primary = isinstance(error, InvocationError) and error.connection == self._state.primary
        with self._lock:
            if route.vendor == self._state.candidate:
                self._windows.candidate.append(Seen(False, 0.0))
            if at_primary:
                self._windows.primary.append(Seen(False, 0.0))
        if not isinstance(error, InvocationError) or not error.may_have_run:
            return self._to_write(route, self._unbegun(route), None)
        return self._moved(route, self._state.primary if at_primary else route.vendor)

    def _moved(self, route: Route, vendor: str) -> Write | None:
        sessions = {route.session} if route.session is not None and vendor != route.vendor else set()
        with self._lock:
            for session in sessions:
                self._known.put(session, vendor)
        return self._to_write(route, sessions, vendor)

    def _unbegun(self, route: Route) -> set[str]:
        if route.session is None or route.begun:
            return set()
        with self._lock:
            self._known.forget(route.session)
        return {route.session}

    def _to_write(self, route: Route, sessions: set[str], vendor: str | None) -> Write | None:
        state = self._state
        reason = self._breach() if route.vendor == state.candidate else None
        return partial(self._write, state, sessions, vendor, reason) if sessions or reason else None

    def _write(self, state: RouterState, sessions: set[str], vendor: str | None, reason: str | None) -> None:
        """The call is over and must not fail for this any more."""
        try:
            for session in sessions:
                self._file.put(state.agent, session, vendor)
            if reason is not None:
                log.warning("the router of %r is rolled back: %s", state.agent, reason)
                back = partial(rolled_back, reason=reason)
                self._took(self._file.change(state.agent, back, time.time(), only=state.number))
        except ConfigurationError as error:
            log.warning("the router of %r cannot write: %s", state.agent, error)

    def _breach(self) -> str | None:
        if self._gate is None or self._state.status != "running":
            return None
        with self._lock:
            candidate, primary = tuple(self._windows.candidate), tuple(self._windows.primary)
        return self._gate.breach(candidate, primary)

    def _took(self, state: RouterState) -> RouterState:
        with self._lock:
            if state.status == "running" and self._state.status != "running":
                self._windows = Windows(self._gate.window if self._gate else 1)  # what was before broke the gate
            self._state, self._read_at = state, self._clock()
        return state

    def _assigned(self, session: str) -> str:
        try:
            return self._file.assign(self._state.agent, session, belongs(self._state, session))
        except ConfigurationError as error:
            log.warning("a new conversation goes to the primary, since it cannot be written down: %s", error)
            return self._state.primary

    def _alone(self) -> Route:
        is_candidate = random.random() < self._state.share
        return self._route(self._state.candidate if is_candidate else self._state.primary, None, begun=False)

    def _route(self, vendor: str, session: str | None, *, begun: bool) -> Route:
        target = target_of(self._state, vendor, begun=begun, ask_primary=self._ask_primary)
        return Route(vendor=vendor, target=target, session=session, begun=begun)
