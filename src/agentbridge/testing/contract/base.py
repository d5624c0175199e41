"""What every part of the kit works with: the author's examples, and ways to build, to play and to read."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import attrs

from ...bridge import Bridge
from ...connection import Connection
from ...errors import AgentBridgeError, InvocationError, UnsupportedFeatureError
from ...faults import Fault, FaultKind
from ...model import Invocation, Pending, Result
from ...plugins import Registry
from ...provider import Call, Operation, Provider
from ...redaction import without_auth
from ...retry import RetryPolicy
from ...wire import HttpRequest, HttpResponse
from ..memory import MemoryTransport
from .examples import CANARY, EXAMPLES, FRESH_ID, Answer, Answers, RefusedExampleError, as_tuple
from .facts import disagreement
from .mutations import Path, fields, grown, is_below

_SAYING = ("text", "inputs", "messages", "files")


class Base:
    """The attributes that an author sets, documented at `ProviderContract`, and what the tests share."""

    provider: ClassVar[Provider]
    answers: ClassVar[Mapping[str, tuple[Answers, str | Mapping[str, Any]]]]
    errors_in_200: ClassVar[Mapping[str, tuple[Answers, FaultKind | None]]] = {}
    no_errors_in_200: ClassVar[str] = ""
    errors: ClassVar[Mapping[str, tuple[Answers, FaultKind]]] = {}
    sentences: ClassVar[Mapping[str, str]] = {}
    codes: ClassVar[frozenset[str]] = frozenset()
    overrides: ClassVar[Mapping[str, str]] = {}
    decisive: ClassVar[frozenset[str]] = frozenset()
    not_decisive: ClassVar[frozenset[str]] = frozenset()
    open_maps: ClassVar[frozenset[str]] = frozenset()
    proofs_in_text: ClassVar[frozenset[str]] = frozenset()
    streams: ClassVar[Mapping[str, tuple[bytes, str | FaultKind]]] = {}
    callbacks: ClassVar[Mapping[str, tuple[Any, str | FaultKind | None]]] = {}
    operations: ClassVar[Mapping[str, tuple[Operation[Any], Answer]]] = {}
    examples: ClassVar[Mapping[str, Any]] = {}
    base_url: ClassVar[str] = "https://vendor.invalid"
    agent: ClassVar[str] = "agent-1"
    options: ClassVar[Mapping[str, Any]] = {}

    def _needed(self) -> str:
        """The field that every call sets."""
        return next(field for field in _SAYING if field in self.provider.accepts)

    def _with(self, *fields: str, agent: str = "", **said: Any) -> Invocation:
        """A call that sets these fields, beside what every call needs."""
        target = f"{self.provider.name}:{agent or self.agent}"
        said = {**{field: self._example(field) for field in fields}, **said}
        needed = self._needed()
        whole = Invocation(target=target, **{needed: self._example(needed), **said})
        if needed != "text" or "text" in said or "inputs" not in said or "inputs" not in self.provider.accepts:
            return whole
        alone = Invocation(target=target, **said)  # some vendors take a text or inputs, some need a text beside them
        return alone if self._takes(alone) else whole

    def _takes(self, invocation: Invocation) -> bool:
        try:
            self._built(copy.deepcopy(invocation))
        except UnsupportedFeatureError:
            return False
        return True

    def _calls(self) -> Iterator[tuple[str, bool]]:
        """Each field that a call may set, plain and streaming. A stream's answer goes nowhere else."""
        for streaming in self._modes():
            for field in sorted(self.provider.accepts):
                if not (streaming and field == "callback_url"):
                    yield field, streaming

    def _example(self, field: str) -> Any:
        return self.examples.get(field, EXAMPLES[field])

    def _call(self, key: str | None = CANARY, *, streaming: bool = False, **facts: Any) -> Call:
        known = {"agent": self.agent, "fresh_id": FRESH_ID, **facts}
        return Call(
            base_url=self.base_url, api_key=key, options=dict(self.options), streaming=streaming, **known
        )  # fmt: skip

    def _built(self, invocation: Invocation | None = None, **facts: Any) -> HttpRequest:
        """The request of a call; `facts` are about its `Call`."""
        return self._build(invocation or self._with(), self._call(**facts))

    def _build(self, invocation: Invocation, call: Call) -> HttpRequest:
        """What the provider builds. Raises RefusedExampleError where it refuses, which is told in one way."""
        try:
            return self.provider.build_request(invocation, call)
        except UnsupportedFeatureError as error:
            raise RefusedExampleError(error.feature, error.why, provider=self.provider.name) from None

    def _modes(self) -> tuple[bool, ...]:
        """The values of `call.streaming` that this provider may see."""
        return (False, True) if self._writes("decoder") else (False,)

    def _writes(self, method: str) -> bool:
        """Whether the provider has a method of its own."""
        return getattr(type(self.provider), method) is not getattr(Provider, method)

    def _bridge(self, transport: MemoryTransport) -> Bridge:
        self._built()  # what it raises is said here in its own words, which the core keeps to itself
        registry = Registry(())
        registry.register(self.provider)
        connection = Connection(self.provider.name, base_url=self.base_url, api_key=CANARY, options=dict(self.options))
        connections = {self.provider.name: connection}
        return Bridge(
            {}, connections=connections, registry=registry, transport=transport, retry=RetryPolicy(attempts=1)
        )

    def _outcome(self, answers: Answers, **settings: Any) -> Result | AgentBridgeError:
        """What a caller gets where the vendor answers like this."""
        transport = MemoryTransport([one.response for one in as_tuple(answers)])
        try:
            return self._bridge(transport).invoke(self._with(), **settings)
        except AgentBridgeError as error:
            return error

    def _failed(self, answers: Answers, what: str) -> InvocationError:
        """The error that a caller gets; fails where there is none."""
        outcome = self._outcome(answers)
        assert not isinstance(outcome, Result), f"{what} was read as the answer {outcome.text!r}"
        assert isinstance(outcome, InvocationError), f"{what} was raised as {outcome!r}"
        return outcome

    def _read(self, response: HttpResponse) -> Any:
        """What `read` makes of it, its exception included."""
        try:
            return self.provider.read(response)
        except Exception as error:
            return error

    def _response(self, answer: Answer) -> HttpResponse:
        """The answer to a plain call."""
        return attrs.evolve(answer.response, request=without_auth(self._built()))

    def _played(self, answers: Answers) -> list[tuple[HttpResponse, Any]]:
        """Each answer of an exchange with the request that it answers, and what `read` makes of it."""
        seen: list[tuple[HttpResponse, Any]] = []
        request, known = self._built(), Pending("poll")
        for answer in as_tuple(answers):
            response = attrs.evolve(answer.response, request=without_auth(request))
            value = self._read(response)
            seen.append((response, value))
            if isinstance(value, Pending) and value.kind == "poll" and self._writes("build_poll"):
                known = self._located(value, known)
                request = self.provider.build_poll(known, self._call())
        return seen

    def _pendings(self) -> Iterator[tuple[str, Pending]]:
        """The runs that can be polled, by the examples: answered later, or lost and found again."""
        if not self._writes("build_poll"):
            return
        for name, (answers, _) in self.answers.items():
            known = Pending("poll")
            for _, value in self._played(answers):
                if isinstance(value, Pending) and value.kind == "poll":
                    known = self._located(value, known)
                    yield f"a poll of {name!r}", known
        lost = self.provider.recover(without_auth(self._built()))
        if lost is not None:
            yield "a poll of a lost run", self._located(lost, lost)

    def _located(self, pending: Pending, known: Pending) -> Pending:
        """What the core adds to a Pending."""
        return attrs.evolve(
            pending,
            id=pending.id or known.id,
            provider=self.provider.name,
            connection=self.provider.name,
            agent=self.agent,
            session_id=pending.session_id or known.session_id,
        )

    def _each_answer(self) -> list[Answer]:
        return [one for answers, _ in self.answers.values() for one in as_tuple(answers)]

    def _errors(self) -> list[tuple[str, Answers, FaultKind | None]]:
        """All failures that the author gave."""
        return [
            (name, answers, kind)
            for given in (self.errors_in_200, self.errors)
            for name, (answers, kind) in given.items()
        ]

    def _ended(self, answers: Answers) -> Any:
        """What `read` makes of the last answer of an exchange, its exception included."""
        return self._played(answers)[-1][1]

    def _vendors(self, body: Any) -> Iterator[Path]:
        """Where the vendor's own fields stand; what is below an open map is the agent's."""
        return (path for path in fields(body) if not is_below(path, self.open_maps))

    def _grown(self, body: Any) -> Any:
        """The body with a field that nobody knows in each object of the vendor's own."""
        return grown(body, but=self.open_maps)

    def _disagreement(self, name: str, fault: Fault, status: int) -> str | None:
        """What the fault of this example says against the table, unless the vendor itself says so."""
        return None if name in self.overrides else disagreement(fault, status)

    def _documented_errors(self) -> list[tuple[str, Answers, FaultKind]]:
        """Those whose kind the author knows."""
        return [(name, answers, kind) for name, answers, kind in self._errors() if kind is not None]


def skip(reason: str) -> None:
    """Say that a test does not apply."""
    import pytest

    pytest.skip(reason)


def has_failed_tool(value: object) -> bool:
    """Whether this is an answer of a run whose tool failed: an error unless the caller wants it reported."""
    return isinstance(value, Result) and any(call.error is not None for call in value.tool_calls)
