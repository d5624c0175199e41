"""Building requests: the same for the same call, honest about repetition, and refusing what the vendor cannot carry."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations, product
from typing import Any

import attrs

from ...commands import Send
from ...errors import AgentBridgeError, UnsupportedFeatureError
from ...planning.building import fixed
from ...planning.checks import DROPPABLE, check_agent
from ...plugins import FIELDS, Registry
from ...provider import Provider
from ...wire import HttpResponse
from ..memory import MemoryTransport
from .base import Base
from .examples import as_tuple
from .payload import Payload, address, renamed

_ODD = ("/x", "//x", "/../x", "?x=1", "#x", "%x", "%2Fx", " x", "&x=1", "+x", ";x", "\u00fcx", "X", "x")
_SET: tuple[Any, ...] = ("Option-2d4f", 41907, 0, True, ["Option-83b1"], {"a": "Option-c05e"})
_DOTS = ("..", ".", "../x", "%2e%2e")


class Requests(Base):
    """Checks of `build_request`."""

    def test_the_provider_can_be_registered(self) -> None:
        provider = getattr(self, "provider", None)
        assert isinstance(provider, Provider), "set provider = YourProvider(), an instance"
        Registry(()).register(provider)
        assert FIELDS & provider.accepts & {"text", "inputs", "messages", "files"}, (
            "accepts names none of text, inputs, messages and files, so nothing can be said to the agent"
        )
        assert getattr(self, "answers", None), "set answers = {'a name': (Answer(the vendor's body), 'the text')}"

    def test_the_same_call_builds_the_same_request(self) -> None:
        for field, streaming in self._calls():
            invocation = self._with(field)
            first, second = (self._built(copy.deepcopy(invocation), streaming=streaming) for _ in range(2))
            assert (first, repr(first), first.auth) == (second, repr(second), second.auth), (
                "the same call gave two requests: use call.fresh_id instead of making up ids, and no clock"
            )

    def test_building_changes_nothing_that_the_caller_gave(self) -> None:
        for field in sorted(self.provider.accepts):
            invocation, call = self._with(field), self._call()
            before = copy.deepcopy((invocation, call))
            self._build(invocation, call)
            assert (invocation, call) == before, f"build_request changed the caller's {field} or options: copy first"

    def test_running_an_agent_twice_is_never_harmless(self) -> None:
        for streaming in self._modes():
            assert not self._built(streaming=streaming).idempotent, (
                "the request that runs an agent is marked idempotent, so a run could be started and paid for twice:"
                " leave idempotent out, and set idempotent=False where the vendor runs agents by GET"
            )

    def test_every_other_field_is_refused_before_anything_is_sent(self) -> None:
        for field in sorted(FIELDS - self.provider.accepts):
            transport = MemoryTransport([HttpResponse(500)])
            try:
                outcome: Any = self._bridge(transport).invoke(self._with(field))
            except AgentBridgeError as error:
                outcome = error
            assert isinstance(outcome, UnsupportedFeatureError), f"{field!r} was not refused: {outcome!r}"
            assert not transport.sent, f"{field!r} was refused after something was sent"

    def test_droppable_fields_are_named_when_dropped(self) -> None:
        for (answers, _), field in product(self.answers.values(), sorted(DROPPABLE - self.provider.accepts)):
            transport = MemoryTransport([one.response for one in as_tuple(answers)])
            result = self._bridge(transport).invoke(self._with(field), on_unsupported="drop", tool_errors="report")
            assert result.dropped == (field,), f"{field!r} was dropped in silence"

    def test_options_nobody_knows_reach_the_body(self) -> None:
        transport = MemoryTransport([HttpResponse(500)])
        options = {self.provider.name: {**self.options, "an_unknown_option": {"a": [1]}}}
        try:
            self._bridge(transport).invoke(attrs.evolve(self._with(), options=options))
        except UnsupportedFeatureError:  # a request without a JSON body cannot carry it, and says so
            return
        except AgentBridgeError:
            pass
        assert transport.sent[0].request.json["an_unknown_option"] == {"a": [1]}, "an option got lost"

    def test_options_that_are_named_are_used(self) -> None:
        for name in sorted(self.provider.options):
            assert any(
                self._told(field, streaming, {name: value}) != self._told(field, streaming, {})
                for field, streaming in self._calls()
                for value in (*_SET, self.options.get(name))
            ), (
                f"Provider.options names {name!r}, but it changes no request, so it gets lost: read call.options[{name!r}] in"
                " build_request, or do not name it. If it takes only some values, give one: options = {...}"
            )

    def test_an_agent_id_stays_in_its_place(self) -> None:
        plain = f"{self.agent}plain"
        expected = address(self._addressed(plain).url)
        for agent, sent in self._each_addressed((*self._odd_agents(), *_DOTS)):
            assert address(sent.url) == renamed(expected, plain, agent), (
                f"the agent id {agent!r} does not stay one step of the path: {sent.url}. Use quote(call.agent, safe='')"
            )

    def test_other_agents_are_other_requests(self) -> None:
        sent = dict(self._each_addressed(self._odd_agents()))
        for agent, one in sent.items():
            assert Payload(one.request).carries(agent), f"the agent id {agent!r} is nowhere in the request"
        for (agent, one), (other, two) in combinations(sent.items(), 2):
            assert one.request != two.request, f"the agents {agent!r} and {other!r} get the same request"

    def test_ids_of_callers_stay_in_their_place(self) -> None:
        for field in sorted(self.provider.accepts & {"session_id", "user_id"} - self.examples.keys()):
            plain, said = "Plain-5f1e", self._with(**{field: "Plain-5f1e"})
            expected = address(fixed(self._built(said), self.provider, None).url)
            for odd in (f"Plain-5f1e{odd}" for odd in _ODD):
                try:
                    sent = fixed(self._built(self._with(**{field: odd})), self.provider, None)
                except AgentBridgeError:
                    continue  # refused, which is fine
                assert address(sent.url) == renamed(expected, plain, odd), (
                    f"the {field} {odd!r} does not stay in its place: {sent.url}. Use query={{...}}, or quote(..., safe='')"
                )

    def _told(self, field: str, streaming: bool, options: Mapping[str, Any]) -> Any:
        """The request of a call with these options, or how it is refused."""
        known = {name: value for name, value in self.options.items() if name not in self.provider.options}
        call = attrs.evolve(self._call(streaming=streaming), options={**known, **options})
        try:
            return self.provider.build_request(self._with(field), call)
        except Exception as error:
            return repr(error)

    def _odd_agents(self) -> tuple[str, ...]:
        return tuple(f"{self.agent}{odd}" for odd in _ODD)

    def _each_addressed(self, agents: Iterable[str]) -> Iterator[tuple[str, Send]]:
        """What would be sent to each agent whose id is not refused."""
        for agent in agents:
            try:
                yield agent, self._addressed(agent)
            except AgentBridgeError:
                continue

    def _addressed(self, agent: str) -> Send:
        check_agent(agent, self.provider.name, self.base_url)
        return fixed(self._built(self._with(agent=agent), agent=agent), self.provider, None)
