"""Runs that outlive the call: begun without waiting, asked for once, or waited for, in any process. No I/O, no clock."""

from __future__ import annotations

from ..commands import Steps
from ..model import Pending, Result
from .plans import RunPlan
from .running import State, ask, follow
from .streaming import Streaming, StreamPlan


def submit(plan: StreamPlan, started: float) -> Steps[Pending]:
    """Start an agent and hand back how to find its answer, or the answer where the vendor gave it at once."""
    state: State[Result] = State(plan.run, started, plan.run.judged)
    yield from state.take_turn()
    value = yield from state.repeat(Streaming(plan, state).attempt, plan.run.send, starts=True)
    if isinstance(value, Pending):
        return state.accept(value)
    result = state.filled(value)
    return state.accept(Pending("poll", result.id, session_id=result.session_id, result=result))


def poll(plan: RunPlan, pending: Pending, started: float) -> Steps[Result | Pending]:
    """Ask once for a run: its Result, or the Pending to ask for again."""
    state = _picked_up(plan, pending, started)
    yield from state.take_turn()
    value = yield from ask(state, pending, plan)
    return value if isinstance(value, Pending) else state.filled(value)


def wait(plan: RunPlan, pending: Pending, started: float) -> Steps[Result]:
    """Ask for a run until it is over. It is asked for at once, and not again after waiting, as `follow` does."""
    state = _picked_up(plan, pending, started)
    state.wait_until_given_up()
    yield from state.take_turn()
    value = yield from ask(state, pending, plan)
    if isinstance(value, Pending):
        value = yield from follow(state, value, plan)
    return state.filled(value)


def _picked_up(plan: RunPlan, pending: Pending, started: float) -> State[Result]:
    state: State[Result] = State(plan, started, plan.judged)
    state.pending, state.may_have_run = pending, True
    return state
