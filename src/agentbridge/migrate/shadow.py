"""Shadow mode: production is answered by the primary, and a sample of its conversations goes to a candidate beside it.

The candidate is asked after the primary has answered, for three reasons: the answer names the conversation where the
call did not, what is kept is whole at once, and nothing at all is done before the primary has its call.
"""

from __future__ import annotations

import abc
import random
import time
import weakref
from collections.abc import Mapping
from functools import partial
from typing import Any, Generic, Self, TypeVar, Unpack
from uuid import uuid4

from ..amounts import count, share
from ..async_bridge import AsyncBridge
from ..bridge import Bridge
from ..errors import ConfigurationError, InvocationError
from ..model import SHARED, Invocation, Result
from ..planning.settings import CallFields, Settings, described
from ..retry import Timeouts
from ..transport.loops import in_thread
from .beside import Beside, ShadowStats
from .canonical import connection_of, portable_name
from .ledger import Ledger
from .live import OfProcess, aimed, place_of
from .samples import Answer, Sample
from .shadowing import Ask, Asker, Job, LoopThread, OnPair, kept_in
from .targets import check_side_effects, check_target

B = TypeVar("B", Bridge, AsyncBridge)

# they say what counts as an answer; the other settings are each side's own
_TWICE = "a shadow would do each of them twice"
_SHARED_SETTINGS = ("on_unsupported", "tool_errors")
_PATIENCE = 1.0  # seconds that an event loop has to cancel what is under way


class _Shadow(abc.ABC, Generic[B]):
    """What both shadows decide: which calls are sampled, and what the candidate gets of them."""

    def __init__(
        self,
        bridge: B,
        primary: str,
        candidate: str,
        *,
        sample: float = 0.1,
        ledger: Ledger | None = None,
        on_pair: OnPair | None = None,
        deadline: float = 60.0,
        queue: int = 100,
        workers: int = 4,
        allow_side_effects: bool = False,
        candidate_bridge: B | None = None,
        seed: int = 0,
    ) -> None:
        self._bridge: B = bridge
        self._candidate_bridge: B = bridge if candidate_bridge is None else candidate_bridge
        self.primary, self.candidate = primary, candidate
        self._names = {primary, portable_name(primary) or primary}
        self._share, self._salt = share("sample", sample), str(seed)
        self._random = random.Random(seed)
        self._timeouts = Timeouts(total=deadline)
        self._on_pair = on_pair
        self._room, self._workers = count("queue", queue), count("workers", workers)
        if ledger is None and on_pair is None:
            raise ConfigurationError("say where the pairs go: ledger=Ledger(path), or on_pair=, a function of one Pair")
        self._check(allow_side_effects=allow_side_effects)
        self._beside = OfProcess(lambda: self._staffed(ledger and Ledger(ledger.path)), first=self._staffed(ledger))

    @property
    def stats(self) -> ShadowStats:
        """What this process did so far; a copy of the counts."""
        return self._beside().stats

    def _check(self, *, allow_side_effects: bool) -> None:
        check_target(self._bridge, self.primary)
        check_target(self._candidate_bridge, self.candidate)
        if not allow_side_effects:
            check_side_effects(self._bridge, self.primary, _TWICE)
            check_side_effects(self._candidate_bridge, self.candidate, _TWICE)
        if self._bridge is self._candidate_bridge:
            names = {connection_of(target, self._bridge.agents) for target in (self.primary, self.candidate)}
            self._check_shared(names)

    def _check_shared(self, names: set[str]) -> None:
        name, *others = names
        if not others and self._bridge.connections[name].limits is not None:
            raise ConfigurationError(
                f"primary and candidate share the connection {name!r} and its limits, so the primary would wait for the"
                " candidate. Configure a connection of its own for the candidate"
            )

    def _staffed(self, ledger: Ledger | None) -> Beside[Job]:
        asker = Asker(
            ask=self._asking(),
            candidate=self.candidate,
            agents=self._candidate_bridge.agents,
            kept=kept_in(ledger),
            on_pair=self._on_pair,
        )
        return Beside(asker, room=self._room, workers=self._workers)

    @abc.abstractmethod
    def _asking(self) -> Ask:
        """How the candidate is asked in this process, by a thread that waits for it."""

    def _consider(
        self,
        target: str | Invocation,
        text: str | None,
        fields: Mapping[str, Any],
        came: Result | InvocationError,
        began: float,
    ) -> None:
        """Have the candidate asked too, where this call is sampled. It never raises: the primary has answered."""
        try:
            beside = self._beside()
            session = _session(target, fields, came)
            if self._is_sampled(session):
                beside.offer(session, self._job(described(target, text, fields), session, came, began))
            else:
                beside.pass_over()
        except Exception:  # noqa: S110 (nothing that goes wrong here is production's trouble)
            pass

    def _is_sampled(self, session: str | None) -> bool:
        place = self._random.random() if session is None else place_of(self._salt, session)
        return place < self._share

    def _job(
        self,
        call: tuple[Invocation, Settings, bool],
        session: str | None,
        came: Result | InvocationError,
        began: float,
    ) -> Job:
        invocation, settings, _ = call
        took = time.monotonic() - began
        own = {name: value for name in _SHARED_SETTINGS if (value := getattr(settings, name)) is not None}
        sample = Sample(
            id=uuid4().hex,
            invocation=invocation,
            answer=Answer.of(came, None if isinstance(came, Result) else took),
            session=session,
            time=time.time() - took,
        )
        return Job(sample=sample, settings={"timeouts": self._timeouts, **own})


class Shadow(_Shadow[Bridge]):
    """Calls the primary, and beside it asks a candidate what a sample of the conversations was asked.

    Args:
        bridge: asks the primary; it is not closed.
        primary, candidate: targets, as `support@fluxprompt` and `support@flowise`.
        sample: the share of conversations that is shadowed, from 0 to 1. A conversation is, or is not, as a whole.
        ledger: keeps samples and answers, in the arm "candidate"; `migrate compare` reads them.
        on_pair: is given each Pair, in a thread of the shadow. One of the two has to be given.
        deadline: seconds that the candidate has for one call, with its retries and polls.
        queue, workers: how many calls wait for the candidate at most, and how many are made at once.
        allow_side_effects: take agents that are marked with side effects, though each would happen twice.
        candidate_bridge: asks the candidate, where that is not to be the same bridge, with its observers.
        seed: which conversations are picked; the same in each process.

    Raises:
        ConfigurationError: an argument is wrong, or an agent has side effects.
    """

    def invoke(self, said: str | Invocation | None = None, /, **fields: Unpack[CallFields]) -> Result:
        """What the primary answers, as `bridge.invoke` gives it; raises what that raises, and nothing else."""
        target, text = aimed(said, self.primary, self._names)
        began = time.monotonic()
        try:
            result = self._bridge.invoke(target, text, **fields)
        except InvocationError as error:
            self._consider(target, text, fields, error, began)
            raise
        self._consider(target, text, fields, result, began)
        return result

    def close(self, wait: float = 10.0) -> None:
        """Ask the candidate nothing new, and wait so many seconds for what it was asked; the primary is served on.

        What still waits then is dropped, what is under way ends by its deadline. Closing twice does no harm.
        """
        self._beside().close(wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _asking(self) -> Ask:
        return self._candidate_bridge.invoke


class AsyncShadow(_Shadow[AsyncBridge]):
    """The same for an AsyncBridge. The candidate is asked in an event loop of the shadow's own, in a thread of its own.

    So a candidate_bridge is needed where the bridge was given an `http_client`, which belongs to one loop.
    """

    async def invoke(self, said: str | Invocation | None = None, /, **fields: Unpack[CallFields]) -> Result:
        """What the primary answers; see `Shadow.invoke`."""
        target, text = aimed(said, self.primary, self._names)
        began = time.monotonic()
        try:
            result = await self._bridge.invoke(target, text, **fields)
        except InvocationError as error:
            self._consider(target, text, fields, error, began)
            raise
        self._consider(target, text, fields, result, began)
        return result

    async def close(self, wait: float = 10.0) -> None:
        """See `Shadow.close`; what is under way after that time is cancelled."""
        await in_thread(partial(self._close, wait))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.close()

    def _close(self, wait: float) -> None:
        self._beside().close(wait)
        self._loop.stop(_PATIENCE)

    def _check(self, *, allow_side_effects: bool) -> None:
        super()._check(allow_side_effects=allow_side_effects)
        if self._candidate_bridge._http_client is not None:  # noqa: SLF001 (of this library)
            raise ConfigurationError(
                "the http_client of this bridge belongs to your event loop, and the candidate is asked in another one:"
                " give candidate_bridge=, an AsyncBridge without http_client"
            )

    def _asking(self) -> Ask:
        self._loop = loop = LoopThread()
        weakref.finalize(self, loop.stop)
        bridge = self._candidate_bridge
        return lambda invocation, **settings: loop.run(bridge.invoke(invocation, **settings))


def _session(target: str | Invocation, fields: Mapping[str, Any], came: Result | InvocationError) -> str | None:
    """The conversation of a call: what the caller named, else what the vendor did. The memory of all is none."""
    said = fields.get("session_id") or (target.session_id if isinstance(target, Invocation) else None)
    session = said or (came.session_id if isinstance(came, Result) else None)
    return None if session == SHARED else session
