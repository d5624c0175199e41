"""The calls that meet the damages, what each vendor means to answer, and what must be true of any outcome."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from agentbridge import (
    AgentBridgeError,
    DeadlineExceededError,
    InvocationError,
    ResponseTimeoutError,
    Result,
)
from agentbridge.emulator.damaging import Hit

KEY = "emulator-key"  # the emulators take no other one
POLITE = frozenset(
    {"spared", "closed-after", "no-length", "extra", "informational", "odd-headers", "gzip", "repeated-keys"}
)
"""What is odd, but leaves the answer whole: it must arrive."""


@attrs.frozen
class Call:
    """One way to ask one vendor. The mark of a call stands in its answer, by the emulator's own documentation."""

    target: str
    fields: Callable[[str], dict[str, Any]]
    meant: Callable[[str], str]
    streamed: bool = False


def _text(mark: str) -> dict[str, Any]:
    return {"text": f"{mark} and some words"}


def _inputs(mark: str) -> dict[str, Any]:
    return {"inputs": {"name": mark}}


CALLS = [
    *(
        Call(target, _text, lambda mark: f"Echo: {mark} and some words", streamed)
        for target in ("flowise:ok", "flowise:chatflow", "flowgent:ok", "flowgent:parts")
        for streamed in (False, True)
    ),
    *(
        Call("promptitude:ok", _inputs, lambda mark: f'Echo: {{"name": "{mark}"}}', streamed)
        for streamed in (False, True)
    ),
    *(
        Call(target, _inputs, lambda mark: f"Echo: name={mark}", streamed)
        for target in ("fluxprompt:ok", "fluxprompt:202-then-done")
        for streamed in (False, True)
    ),
]


@attrs.frozen
class Outcome:
    """What came of one call."""

    call: Call
    mark: str
    value: Result | BaseException
    seconds: float
    events: tuple[Any, ...] = ()


def check(outcome: Outcome, hits: Iterable[Hit], total: float, *, slack: float = 0.01) -> None:
    """The four promises: the meant answer or an error of the tree, in time, and honest about what has run."""
    mine = [hit for hit in hits if outcome.mark.encode() in hit.asked.body]
    told = f"{outcome} after {[hit.damage for hit in mine]}"
    assert outcome.seconds <= total + slack, told
    assert sum(hit.began for hit in mine) <= 1, f"run twice: {told}"
    if isinstance(outcome.value, Result):
        assert outcome.value.text == outcome.call.meant(outcome.mark), told
        assert any(hit.began for hit in mine), told
        json.dumps(outcome.value.to_dict(), allow_nan=False)
        return
    assert isinstance(outcome.value, InvocationError), told
    _check_error(outcome.value, told)
    assert outcome.value.may_have_run or not any(hit.began for hit in mine), told
    polls = [hit for hit in hits if "202" in outcome.call.target and hit.asked.method == "GET"]
    kinds = {hit.damage.kind for hit in (*mine, *polls)}
    is_slow = isinstance(outcome.value, (DeadlineExceededError, ResponseTimeoutError))  # as a busy machine may be
    assert not kinds or kinds - POLITE or is_slow, f"the answer was whole: {told}"


def _check_error(error: AgentBridgeError, told: str) -> None:
    assert "\n" not in str(error), told
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error)), told
    shown = f"{error}{error!r}{vars(error)}"
    assert KEY not in shown, told
    assert KEY.encode() not in pickle.dumps(error), told
