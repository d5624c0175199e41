"""The suite that every provider passes: subclass it, give a few examples of what the vendor sends, run pytest."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from typing import Any, ClassVar

import attrs

from ..bridge import Bridge
from ..checks import DROPPABLE
from ..connection import Connection
from ..errors import AgentBridgeError, InvocationError, UnsupportedFeatureError, error_class
from ..faults import FaultKind
from ..model import Invocation, Message, Pending, Result
from ..plugins import FIELDS, Registry
from ..provider import Call, Provider
from ..retry import RetryPolicy
from ..wire import File, HttpRequest, HttpResponse
from .memory import MemoryTransport

CANARY = "canary-key-7f3a9c51"
_GARBAGE: Mapping[str, bytes] = {
    "nothing": b"",
    "blanks": b" \n",
    "an HTML page": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "half of a JSON document": b'{"status": "success", "data": {"mess',
    "an empty object": b"{}",
    "an empty list": b"[]",
    "null": b"null",
    "a number": b"17",
    "a string": b'"ok"',
    "NaN": b'{"text": NaN}',
    "not UTF-8": b"\xff\xfe\xfa",
    "deep nesting": b"[" * 100_000,
}
_STATUSES = (301, 302, 400, 401, 402, 403, 404, 408, 409, 422, 425, 429, 500, 501, 502, 503, 504, 520, 529)


@attrs.frozen
class Answer:
    """One body that a vendor sends, with its HTTP status. `body` is sent as JSON unless it is bytes."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=lambda: {"content-type": "application/json"})

    @property
    def response(self) -> HttpResponse:
        """The answer as a provider sees it."""
        content = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        return HttpResponse(self.status, self.headers, content)


class ProviderContract:
    """Subclass it as `class TestMine(ProviderContract)` and set what is marked "required".

    Attributes:
        provider: required; an instance of your provider.
        answers: required; by name, a vendor's answer and the text that a caller reads from it. For a run that is polled,
            a tuple of answers in their order: `((Answer(..., 202), Answer(...)), "text")`.
        errors_in_200: by name, an answer that is HTTP 200 and yet a failure, and its FaultKind (or None where only a
            MalformedResponseError is due). Required, unless `no_errors_in_200` cites where the vendor rules it out.
        examples: by Invocation field, an example that the vendor can carry, where the default one does not fit.
        base_url, agent, options: what the calls are made with.
    """

    provider: ClassVar[Provider]
    answers: ClassVar[Mapping[str, tuple[Answer | tuple[Answer, ...], str]]]
    errors_in_200: ClassVar[Mapping[str, tuple[Answer, FaultKind | None]]] = {}
    no_errors_in_200: ClassVar[str] = ""
    examples: ClassVar[Mapping[str, Any]] = {}
    base_url: ClassVar[str] = "https://vendor.invalid"
    agent: ClassVar[str] = "agent-1"
    options: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        own = [name for name in vars(cls) if name.startswith("test_") and hasattr(ProviderContract, name)]
        if own:
            raise TypeError(
                f"{cls.__name__} replaces {', '.join(own)} of the contract; add tests under other names instead"
            )

    def test_the_same_call_builds_the_same_request(self) -> None:
        first, second = (self._built(self._minimal()) for _ in range(2))
        assert first == second, "build_request must use call.fresh_id instead of making up ids, and no clock"

    def test_every_accepted_field_changes_the_request(self) -> None:
        for field in sorted(self.provider.accepts):
            with_field, without = self._built(self._with(field)), self._built(self._without(field))
            assert with_field != without, f"accepts names {field!r}, but the request is the same without it"

    def test_every_other_field_is_refused_before_anything_is_sent(self) -> None:
        for field in sorted(FIELDS - self.provider.accepts):
            transport = MemoryTransport([HttpResponse(500)])
            error = _raised(self._bridge(transport), self._with(field))
            assert isinstance(error, UnsupportedFeatureError), (
                f"{field!r} is not in accepts and was not refused: {error!r}"
            )
            assert not transport.sent

    def test_droppable_fields_are_named_when_dropped(self) -> None:
        answer, _ = next(iter(self.answers.values()))
        for field in sorted(DROPPABLE - self.provider.accepts):
            bridge = self._bridge(MemoryTransport(_responses(answer)))
            result = bridge.invoke(self._with(field), on_unsupported="drop", tool_errors="report")
            assert result.dropped == (field,)

    def test_secrets_stand_in_auth_only(self) -> None:
        request = self._built(self._minimal())
        shown = f"{request!r} {request.headers} {request.json!r} {request.url} {request.query}"
        assert CANARY not in shown, "the key belongs into HttpRequest(auth={header: value}) and nowhere else"
        assert CANARY not in pickle.dumps(request).decode("latin-1")

    def test_options_nobody_knows_reach_the_body(self) -> None:
        transport = MemoryTransport([HttpResponse(500)])
        options = {self.provider.name: {**self.options, "an_unknown_option": {"a": [1]}}}
        error = _raised(self._bridge(transport), attrs.evolve(self._minimal(), options=options))
        if isinstance(error, UnsupportedFeatureError):  # a request without a JSON body cannot carry it, and says so
            return
        assert transport.sent[0].request.json["an_unknown_option"] == {"a": [1]}

    def test_answers_read_as_given(self) -> None:
        for name, (answer, text) in self.answers.items():
            result = self._invoked(answer, tool_errors="report")
            assert result.text == text, f"answer {name!r}"

    def test_reading_twice_gives_the_same(self) -> None:
        for answer in self._each_answer():
            assert self.provider.read(answer.response) == self.provider.read(answer.response)

    def test_unknown_fields_harm_no_answer(self) -> None:
        for name, (answer, text) in self.answers.items():
            grown = tuple(attrs.evolve(one, body=_grown(one.body)) for one in _tuple(answer))
            assert self._invoked(grown, tool_errors="report").text == text, f"answer {name!r} with unknown fields"

    def test_an_answer_needs_its_proof(self) -> None:
        for name, content in _GARBAGE.items():
            error = self._failed(Answer(content))
            assert isinstance(error, InvocationError), f"{name} in an HTTP 200 was read as an answer"
            assert error.status == 200

    def test_no_error_status_is_ever_an_answer(self) -> None:
        contents = [*_GARBAGE.values(), *(answer.response.content for answer in self._each_answer())]
        for status in _STATUSES:
            for content in contents:
                error = self._failed(Answer(content, status))
                assert isinstance(error, InvocationError), f"HTTP {status} with {content[:80]!r} was read as an answer"
                assert error.status == status, "the status of an error is the true HTTP status"

    def test_errors_in_a_200_are_classified(self) -> None:
        missing = "give errors_in_200, or cite in no_errors_in_200 where the vendor rules such answers out"
        assert self.errors_in_200 or self.no_errors_in_200, missing
        for name, (answer, kind) in self.errors_in_200.items():
            error = self._failed(answer)
            assert isinstance(error, InvocationError), f"{name!r} was read as an answer"
            assert error.status == answer.status
            if kind is not None:
                assert isinstance(error, error_class(kind)), f"{name!r} was raised as {type(error).__name__}"

    def test_errors_pickle_with_all_their_fields(self) -> None:
        for answer, _ in self.errors_in_200.values():
            error = self._failed(answer)
            again = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
            assert (type(again), str(again), again.__dict__) == (type(error), str(error), error.__dict__)

    def test_a_vendor_that_echoes_the_key_does_not_leak_it(self) -> None:
        body = {"error": True, "message": f"bad key {CANARY}", "code": 401, "statusCode": 401, "status": "error"}
        for status in (200, 401, 500):
            error = self._failed(Answer(body, status))
            assert CANARY not in f"{error} {error!r} {error.__dict__} {pickle.dumps(error)!r}"

    def test_polls_go_to_the_connection_and_hide_the_key(self) -> None:
        for answer in self._each_answer():
            value = self.provider.read(answer.response)
            if isinstance(value, Pending) and value.kind == "poll":
                request = self.provider.build_poll(value, self._call())
                assert request.url.startswith(self.base_url), "polls go to the connection's own address"
                assert CANARY not in repr(request)

    def _minimal(self) -> Invocation:
        field = "text" if "text" in self.provider.accepts else "inputs"
        return Invocation(target=f"{self.provider.name}:{self.agent}", **{field: self._example(field)})

    def _with(self, field: str) -> Invocation:
        """A call that sets this field, beside what every call needs."""
        fields: dict[str, Any] = {field: self._example(field)}
        if field == "inputs" and self._minimal().text is not None and field in self.provider.accepts:
            fields["text"] = None  # some vendors take a text or inputs, not both
        return attrs.evolve(self._minimal(), **fields)

    def _without(self, field: str) -> Invocation:
        """The same call without it, or with another value where every call needs one."""
        if not getattr(self._minimal(), field):
            return self._minimal()
        other: Any = "another text" if field == "text" else dict.fromkeys(self._example("inputs"), "another value")
        fields: dict[str, Any] = {field: other}
        return attrs.evolve(self._minimal(), **fields)

    def _example(self, field: str) -> Any:
        return self.examples.get(field, _EXAMPLES[field])

    def _built(self, invocation: Invocation) -> HttpRequest:
        return self.provider.build_request(invocation, self._call())

    def _call(self) -> Call:
        fresh_id = "00000000-0000-4000-8000-000000000000"
        return Call(
            base_url=self.base_url, agent=self.agent, api_key=CANARY, options=dict(self.options), fresh_id=fresh_id
        )

    def _bridge(self, transport: MemoryTransport) -> Bridge:
        registry = Registry(())
        registry.register(self.provider)
        connection = Connection(self.provider.name, base_url=self.base_url, api_key=CANARY, options=dict(self.options))
        connections = {self.provider.name: connection}
        return Bridge(
            {}, connections=connections, registry=registry, transport=transport, retry=RetryPolicy(attempts=1)
        )

    def _invoked(self, answer: Answer | tuple[Answer, ...], **settings: Any) -> Result:
        return self._bridge(MemoryTransport(_responses(answer))).invoke(self._minimal(), **settings)

    def _each_answer(self) -> list[Answer]:
        return [one for answer, _ in self.answers.values() for one in _tuple(answer)]

    def _failed(self, answer: Answer) -> Any:
        return _raised(self._bridge(MemoryTransport([answer.response])), self._minimal())


_EXAMPLES: Mapping[str, Any] = {
    "text": "hello",
    "messages": (Message("user", "earlier"), Message("assistant", "indeed")),
    "inputs": {"name": "value"},
    "files": (File("note.txt", b"content"),),
    "session_id": "session-1",
    "user_id": "user-1",
    "callback_url": "https://caller.invalid/callback",
}


def _tuple(answer: Answer | tuple[Answer, ...]) -> tuple[Answer, ...]:
    return answer if isinstance(answer, tuple) else (answer,)


def _responses(answer: Answer | tuple[Answer, ...]) -> list[HttpResponse]:
    return [one.response for one in _tuple(answer)]


def _raised(bridge: Bridge, invocation: Invocation) -> AgentBridgeError | Result:
    try:
        return bridge.invoke(invocation)
    except AgentBridgeError as error:
        return error


def _grown(body: Any) -> Any:
    """The body with a field that nobody knows in each object."""
    if isinstance(body, dict):
        return {**{key: _grown(value) for key, value in body.items()}, "a_new_field": {"of": ["the", "vendor"]}}
    return [_grown(item) for item in body] if isinstance(body, list) else body
