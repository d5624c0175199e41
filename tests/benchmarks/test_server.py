"""The fake vendor says what Flowise says: both sides of the bench would be wrong together."""

import pytest
from benchmarks.processes import vendor
from benchmarks.work.ours import _stats

from agentbridge import Bridge, Connection, RetryPolicy, TextDelta, UnavailableError


@pytest.fixture(scope="module")
def base():
    with vendor() as address:
        yield address


@pytest.fixture
def bridge(base):
    with Bridge(config={}, connections={"flowise": Connection(provider="flowise", base_url=base)}) as opened:
        yield opened


def test_an_answer_is_whole(bridge):
    result = bridge.invoke("flowise:hello", "hi")
    assert (result.text[:6], result.warnings) == ("Hello!", ())


def test_a_stream_has_as_many_tokens_as_were_asked_for(bridge):
    with bridge.stream("flowise:tokens-7", "hi") as events:
        texts = [event.text for event in events if isinstance(event, TextDelta)]
    assert texts == [f" token{number}" for number in range(7)]
    assert events.result.warnings == ()


def test_a_connection_can_be_closed_after_each_answer(bridge, base):
    before = _stats(base)["connections"]
    for _ in range(3):
        bridge.invoke("flowise:goodbye", "hi")
    assert _stats(base)["connections"] == before + 3


def test_every_fourth_call_of_a_busy_flow_is_refused_and_all_are_counted(bridge, base):
    before = _stats(base)
    for _ in range(3):
        bridge.invoke("flowise:busy", "hi", retry=RetryPolicy(attempts=1))
    with pytest.raises(UnavailableError):
        bridge.invoke("flowise:busy", "hi", retry=RetryPolicy(attempts=1))
    after = _stats(base)
    assert after["requests"] - before["requests"] == 4
    assert after["refused"] - before["refused"] == 1


def test_a_large_body_is_counted_and_not_kept(bridge, base):
    before = _stats(base)["received"]
    bridge.invoke("flowise:hello", "x" * 3_000_000)
    assert _stats(base)["received"] - before > 3_000_000
