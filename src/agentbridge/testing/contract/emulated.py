"""The emulator, where the provider names one, and the provider understand each other over a socket."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Literal

import attrs

from ...bridge import Bridge
from ...errors import AgentBridgeError, InvocationError, MalformedResponseError
from ...faults import FaultKind
from ...model import Result
from ...plugins import Registry
from ...retry import RetryPolicy, Timeouts
from .base import Base, skip

_PATIENT = Timeouts(total=20.0)
_IMPATIENT = Timeouts(total=1.5)  # some scenarios are silent on purpose
_AT_ONCE = 8
_NOBODY = "nobody-4c1f"
_APART = "find the agent's id where build_request puts it, in the path or in the body"


class Emulated(Base):
    """Checks of `emulator`."""

    def test_the_emulator_answers_the_provider(self) -> None:
        with self._emulated() as (bridge, scenarios):
            names = ["ok"] if "ok" in scenarios else list(scenarios)
            outcomes = {
                name: self._emulated_outcome(bridge, name, _PATIENT if name == "ok" else _IMPATIENT) for name in names
            }
            assert any(isinstance(outcome, Result) and outcome.text for outcome in outcomes.values()), (
                f"no scenario of the emulator is read as an answer: {outcomes}. Write one that is called ok"
            )

    def test_every_scenario_of_the_emulator_is_an_answer_or_an_error(self) -> None:
        with self._emulated() as (bridge, scenarios), ThreadPoolExecutor(_AT_ONCE) as pool:
            outcomes = dict(
                zip(
                    scenarios,
                    pool.map(lambda name: self._emulated_outcome(bridge, name, _IMPATIENT), scenarios),
                    strict=False,
                )
            )
            for name, outcome in outcomes.items():
                assert isinstance(outcome, (Result, InvocationError)), f"scenario {name!r} became {outcome!r}"

    def test_the_emulator_tells_its_scenarios_apart(self) -> None:
        with self._emulated() as (bridge, scenarios):
            from ...emulator import COMMON

            for name in (_NOBODY, *(name for name in COMMON if name != "slow")):
                outcome = self._emulated_outcome(bridge, name, _PATIENT)
                assert not isinstance(outcome, Result), (
                    f"the emulator answers {outcome.text!r} to the agent {name!r}: {_APART}. Refuse ids that it does not"
                    " know, and let common_answer send what any infrastructure can"
                )
            for name, _, kind in self._errors():
                for scenario in {name, name.replace(" ", "-")}.intersection(scenarios):
                    found = self._emulated_outcome(bridge, scenario, _PATIENT, tool_errors="raise")
                    assert _is_of(kind, found), (
                        f"the scenario {scenario!r} has the name of an error of yours, {kind}, and became {found!r}: {_APART}"
                    )

    def test_the_emulator_streams_as_it_answers(self) -> None:
        if not self._writes("decoder"):
            skip(f"{self.provider.name} writes no decoder: it does not stream")
        with self._emulated() as (bridge, scenarios):
            if "ok" not in scenarios:
                skip("the emulator has no scenario that is called ok")
            whole = self._emulated_outcome(bridge, "ok", _PATIENT)
            with bridge.stream(self._with(agent="ok"), timeouts=_PATIENT) as stream:
                events = list(stream)
            assert events, "nothing came through the stream"
            assert isinstance(whole, Result), f"scenario 'ok' became {whole!r}"
            assert stream.result.text == whole.text, "the streamed answer is another one than the whole answer"

    @contextmanager
    def _emulated(self) -> Iterator[tuple[Bridge, list[str]]]:
        """A bridge to the emulator on the loopback interface, and the names of its scenarios."""
        if self.provider.emulator is None:
            skip(f"{self.provider.name} names no emulator")
        try:
            from ...emulator.serving import serve
        except ImportError as error:
            skip(f"{error}: pip install 'agentbridge-core[emulator]' to check the emulator too")
        self._built()  # as for any bridge
        registry = Registry(())
        registry.register(self.provider)
        name = self.provider.name
        with serve(registry) as served:
            assert not served.failures, f"the emulator does not load: {served.failures}"
            connection = attrs.evolve(served.connections[name], options=dict(self.options))
            given: dict[str, Any] = {"connections": {name: connection}, "registry": registry}
            with Bridge({}, retry=RetryPolicy(attempts=1), **given) as bridge:
                yield bridge, list(served.emulators[name].scenarios)

    def _emulated_outcome(
        self, bridge: Bridge, scenario: str, timeouts: Timeouts, *, tool_errors: Literal["raise", "report"] = "report"
    ) -> Result | AgentBridgeError:
        try:
            return bridge.invoke(self._with(agent=scenario), timeouts=timeouts, tool_errors=tool_errors)
        except AgentBridgeError as error:
            return error


def _is_of(kind: FaultKind | None, outcome: Result | AgentBridgeError) -> bool:
    """Whether this is the error that an example is to become: of its kind, or malformed where it has none."""
    if kind is None or not isinstance(outcome, InvocationError):
        return isinstance(outcome, MalformedResponseError)
    return outcome.fault.kind is kind
