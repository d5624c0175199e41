"""`bridge.drift`: what vendors send that nobody knows is counted for each connection, and never raised."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, ClassVar

import pydantic
import pytest
from vendor import Tiny

from agentbridge import Connection, Drift, FaultRule, HttpResponse, InvocationError, Registry, Result, RetryPolicy
from agentbridge.drift import OTHERS, Drifts, watched_by
from agentbridge.reading import Lenient, Reply, compare, notice, words
from agentbridge.testing import MemoryTransport

KEY = "canary-key-7f3a"


class Part(Reply):
    text: str
    lang: Lenient[str] = pydantic.Field(None, validation_alias=pydantic.AliasChoices("lang", "language"))


class Body(Reply):
    known: ClassVar = frozenset({"took"})

    text: str
    parts: Lenient[list[Lenient[Part]]] = None
    status: Lenient[Annotated[str, words("done")]] = None
    named: Lenient[str] = pydantic.Field(None, validation_alias=pydantic.AliasPath("deep", 0))


class Free(Body):
    known: ClassVar = None


class Modelled(Tiny):
    def read(self, response: HttpResponse) -> Any:
        body, warnings = Body.parse(response.json())
        return Result(text=body.text, output=body.text, warnings=warnings)


def seen(read: Any, *arguments: Any) -> dict[str, int]:
    drifts = Drifts()
    watched_by(drifts, read, *arguments)
    return {f"{each.kind} {each.name}": each.count for each in drifts.seen()}


@pytest.fixture
def play(open_bridge):
    def make(body: Any, **more: Any):
        answer = HttpResponse(200, {}, json.dumps(body).encode())
        connections = {"tiny": Connection("tiny", "https://tiny.invalid", KEY, **more)}
        registry = Registry(())
        registry.register(Modelled())
        bridge = open_bridge(config={}, connections=connections, registry=registry, retry=RetryPolicy(attempts=1))
        transport = MemoryTransport([answer])
        bridge.bridge._given = transport.asynchronous() if bridge.world == "async" else transport
        return bridge

    return make


def test_a_bridge_counts_what_nobody_knows_for_each_connection(play):
    bridge = play({"text": "hi", "trace": 1, "status": "Done", "took": 3})
    assert bridge.bridge.drift == {}
    for _ in range(3):
        assert bridge.invoke("tiny:a", "hello").text == "hi"
    assert bridge.bridge.drift == {"tiny": (Drift("field", "Body.trace", 3),)}


def test_an_answer_that_is_a_failure_is_compared_too(play):
    bridge = play({"trace": 1})
    with pytest.raises(InvocationError):
        bridge.invoke("tiny:a", "hello")
    assert bridge.bridge.drift == {"tiny": (Drift("field", "Body.trace", 1),)}


def test_what_a_fault_rule_goes_before_is_compared_too(play):
    bridge = play({"text": "hi", "trace": 1}, faults=[FaultRule(path="trace", equals=1, kind="unavailable")])
    with pytest.raises(InvocationError):
        bridge.invoke("tiny:a", "hello")
    assert bridge.bridge.drift == {"tiny": (Drift("field", "Body.trace", 1),)}


def test_a_secret_that_is_echoed_as_a_word_is_masked(play):
    bridge = play({"text": "hi", "status": KEY})
    bridge.invoke("tiny:a", "hello")
    assert KEY not in repr(bridge.bridge.drift)
    assert bridge.bridge.drift["tiny"][0].kind == "value"


def test_every_secret_of_the_connection_is_masked_that_is_echoed_as_a_word(play):
    bridge = play({"text": "hi", "status": "canary-in-a-header"}, headers={"X-Secret": "canary-in-a-header"})
    bridge.invoke("tiny:a", "hello")
    assert "canary" not in repr(bridge.bridge.drift)


def test_the_counts_are_a_copy_that_pickles_and_reads_well(play):
    bridge = play({"text": "hi", "trace": 1})
    bridge.invoke("tiny:a", "hello")
    found = bridge.bridge.drift
    found.clear()
    found = bridge.bridge.drift
    assert pickle.loads(pickle.dumps(found)) == found
    assert [str(each) for each in found["tiny"]] == ["unknown field Body.trace, 1 time"]
    assert str(Drift("value", "status: gone", 2)) == "unknown value status: gone, 2 times"


MODELS = [
    ({"text": "hi", "new": 1}, {"field Body.new": 1}),
    ({"text": "hi", "parts": [{"text": "a", "x": 1}, {"text": "b", "x": 2}]}, {"field Part.x": 2}),
    ({"text": "hi", "parts": [{"text": "a", "language": "en"}, {"text": "b", "lang": "en"}]}, {}),
    ({"text": "hi", "deep": ["n"], "took": 1}, {}),
    ({"text": "hi", "status": " DONE "}, {}),
    ({"text": "hi", "status": "gone"}, {"value status: gone": 1}),
]


@pytest.mark.parametrize(("body", "expected"), MODELS)
def test_a_model_notices_what_it_does_not_know(body, expected):
    assert seen(Body.parse, body) == expected


def test_a_model_that_takes_any_field_notices_none():
    assert seen(Free.parse, {"text": "hi", "new": 1}) == {}


def test_an_object_that_is_read_without_a_model_is_compared():
    assert seen(compare, "Reply", {"a": 1, "b": 2}, frozenset({"a"})) == {"field Reply.b": 1}
    assert seen(compare, "Reply", ["a"], frozenset()) == {}


def test_nothing_is_done_where_nobody_watches():
    notice("event", "lost")
    assert Body.parse({"text": "hi", "new": 1})[0].text == "hi"


def test_a_hostile_vendor_fills_no_memory():
    drifts = Drifts()
    for number in range(5000):
        drifts.note("field", f"{number} " + "x" * 1000)
    found = drifts.seen()
    assert len(found) == 301
    assert max(len(each.name) for each in found) <= 80
    assert next(each for each in found if each.name == OTHERS).count == 4700
    assert sum(each.count for each in found) == 5000


def test_names_are_printable():
    drifts = Drifts()
    drifts.note("event", "a\x1b[31m\n\ud800")
    assert drifts.seen() == (Drift("event", "a?[31m??", 1),)


def test_threads_count_together():
    drifts = Drifts()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: [watched_by(drifts, notice, "event", "e") for _ in range(500)], range(8)))
    assert drifts.seen() == (Drift("event", "e", 4000),)
