"""Shadow mode: production gets what the primary says, when it says it, whatever becomes of the candidate."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import threading

import pytest
from living import CANDIDATE, PATIENCE, PRIMARY, Two, agents, connections, open_live  # noqa: F401 (a fixture)
from moving import json_answer

from agentbridge import (
    SHARED,
    Agent,
    AsyncBridge,
    Binding,
    Bridge,
    ConfigurationError,
    Invocation,
    Limits,
    ProviderError,
    Result,
    UnavailableError,
    UnknownTargetError,
)
from agentbridge.migrate import AsyncShadow, Ledger, Shadow
from agentbridge.migrate.shadow import _session as session_of_call

BROKEN = json_answer(500, {"message": "it broke"})
BUSY = json_answer(503, {"message": "busy"})
GAVE_UP = json_answer(502, {"message": "the proxy gave up"})


@pytest.fixture
def pairs():
    return []


@pytest.fixture
def shadow(open_live, pairs):  # noqa: F811
    """Opens a shadow of everything; pairs go into the list."""
    return lambda **options: open_live(
        "Shadow", PRIMARY, CANDIDATE, **{"sample": 1.0, "on_pair": pairs.append, **options}
    )


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "shadow.ledger") as ledger:
        yield ledger


def test_production_gets_the_primarys_answer_and_the_candidate_is_asked_the_same(shadow, pairs):
    live = shadow()
    result = live.invoke("hello", session_id="s-1")
    live.settled()
    assert (result.connection, result.text) == ("old", "old: hello")
    assert live.new.questions == ["hello"]
    assert [(pair.sample.answer.text, pair.candidate.text) for pair in pairs] == [("old: hello", "new: hello")]


def test_an_invocation_is_taken_as_it_is(shadow, pairs):
    live = shadow()
    live.invoke(Invocation(target="support", text="hello", session_id="s-1"), user_id=None)
    live.settled()
    assert pairs[0].sample.invocation == Invocation(target=PRIMARY, text="hello", session_id="s-1")


def test_an_invocation_for_another_agent_is_refused(shadow):
    with pytest.raises(ConfigurationError, match="this serves support and support@old, not 'billing'"):
        shadow().invoke(Invocation(target="billing", text="hello"))


def test_the_candidate_goes_on_in_a_session_of_its_own(shadow):
    live = shadow()
    for text in ("one", "two", "three"):
        live.invoke(text, session_id="s-1")
    live.settled()
    assert live.new.questions == ["one", "two", "three"]
    assert len(set(live.new.sessions)) == 1
    assert "s-1" not in live.new.sessions


def test_a_conversation_that_the_vendor_named_is_one_conversation(shadow, pairs):
    live = shadow()
    named = live.invoke("one").session_id
    live.invoke("two", session_id=named)
    live.settled()
    assert [pair.sample.session for pair in pairs] == [named, named]
    assert len(set(live.new.sessions)) == 1
    assert named not in live.new.sessions


RESULT = Result(text="", output="", session_id="named")


@pytest.mark.parametrize(
    ("target", "fields", "came", "session"),
    [
        (PRIMARY, {"session_id": "said"}, RESULT, "said"),
        (Invocation(target=PRIMARY, session_id="said"), {}, RESULT, "said"),
        (Invocation(target=PRIMARY, session_id="said"), {"session_id": "said again"}, RESULT, "said again"),
        (PRIMARY, {}, RESULT, "named"),
        (PRIMARY, {}, ProviderError("no"), None),
        (PRIMARY, {"session_id": SHARED}, RESULT, None),
    ],
)
def test_a_conversation_is_named_by_the_caller_else_by_the_vendor(target, fields, came, session):
    assert session_of_call(target, fields, came) == session


def test_a_conversation_is_sampled_as_a_whole(shadow):
    live = shadow(sample=0.5, queue=1000)
    for _ in range(3):
        for session in range(40):
            live.invoke(f"c{session}", session_id=f"s-{session}")
    live.settled()
    times = [live.new.questions.count(f"c{session}") for session in range(40)]
    assert set(times) == {0, 3}
    assert 10 < times.count(3) < 30


def test_every_process_samples_the_same_conversations(shadow):
    asked = []
    for _ in range(2):
        live = shadow(sample=0.5)
        for session in range(20):
            live.invoke(f"c{session}", session_id=f"s-{session}")
        live.settled()
        asked.append(sorted(live.new.questions))
    assert asked[0] == asked[1] != []


def test_calls_without_a_conversation_are_sampled_too(shadow):
    live = shadow(sample=0.5)
    live.old.always = BROKEN
    for _ in range(40):
        with pytest.raises(ProviderError):
            live.invoke("hello")
    assert 10 < live.settled().sampled < 30


def test_nothing_is_sampled_of_none(shadow):
    live = shadow(sample=0)
    live.invoke("hello", session_id="s-1")
    stats = live.settled()
    assert (stats.seen, stats.sampled, live.new.asked) == (1, 0, [])


def test_the_primarys_error_is_raised_and_kept_beside_the_candidates_answer(shadow, pairs):
    live = shadow()
    live.old.special = [BROKEN]
    with pytest.raises(ProviderError, match="it broke"):
        live.invoke("hello", session_id="s-1")
    live.settled()
    assert (pairs[0].sample.answer.outcome, pairs[0].candidate.outcome) == ("ProviderError", "completed")


def test_what_was_never_sent_is_no_sample(shadow):
    live = shadow()
    with pytest.raises(ConfigurationError):
        live.invoke("hello", sesion_id="s-1")
    assert live.settled().seen == 0


@pytest.mark.parametrize("answer", [BROKEN, BUSY, GAVE_UP, json_answer(200, {}), json_answer(401, {"message": "no"})])
def test_a_failing_candidate_is_counted_and_never_noticed(shadow, caplog, answer):
    live = shadow()
    live.new.always = answer
    with caplog.at_level(logging.WARNING):
        texts = [live.invoke(f"{number}", session_id=f"s-{number}").text for number in range(3)]
        stats = live.settled()
    assert texts == ["old: 0", "old: 1", "old: 2"]
    assert (stats.sampled, stats.failed, stats.under_way) == (3, 3, 0)
    assert caplog.records == []


def test_who_takes_pairs_and_fails_is_never_noticed(shadow, caplog):
    def refuse(_):
        raise RuntimeError("no room")

    live = shadow(on_pair=refuse)
    assert live.invoke("hello", session_id="s-1").text == "old: hello"
    assert (live.settled().failed, caplog.records) == (1, [])


def test_a_candidate_that_hangs_delays_nothing_and_fills_no_memory(shadow):
    live = shadow(queue=3, workers=2)
    live.new.held = threading.Event()
    first = [live.invoke(f"{number}", session_id=f"s-{number}").text for number in range(2)]
    for _ in range(2):
        assert live.new.reached.acquire(timeout=PATIENCE)  # both workers hang now
    more = [live.invoke(f"{number}", session_id=f"s-{number}").text for number in range(2, 20)]
    stats = live.stats
    assert len(first + more) == 20
    assert (stats.sampled, stats.under_way, stats.dropped) == (20, 5, 15)
    assert len(live.new.asked) == 2


def test_closing_waits_no_longer_than_it_is_told_for_a_candidate_that_hangs(shadow):
    live = shadow(workers=1)
    live.new.held = threading.Event()
    for number in range(3):
        live.invoke(f"{number}", session_id=f"s-{number}")
    assert live.new.reached.acquire(timeout=PATIENCE)
    closing = threading.Thread(target=live.close, args=(0.01,))
    closing.start()
    closing.join(PATIENCE)
    assert not closing.is_alive()
    assert not live.new.held.is_set()
    assert live.stats.dropped == 2


def _loops():
    return [thread for thread in threading.enumerate() if thread.name == "agentbridge-shadow-loop"]


def test_closing_cancels_what_hangs_in_a_loop_of_the_shadow():
    async def scenario():
        vendors = Two("async")
        vendors.new.held = threading.Event()
        async with AsyncBridge({}, connections=connections(), agents=agents(), transport=vendors) as bridge:
            async with AsyncShadow(bridge, PRIMARY, CANDIDATE, sample=1.0, on_pair=print) as shadow:
                await shadow.invoke("hello", session_id="s-1")
                assert await asyncio.to_thread(vendors.new.reached.acquire, timeout=PATIENCE)
                assert len(_loops()) == 1
                await shadow.close(0.01)
                assert _loops() == []
                return shadow.stats.sampled

    assert asyncio.run(scenario()) == 1


def test_a_forgotten_shadow_gives_its_loop_back():
    async def scenario():
        async with AsyncBridge({}, connections=connections(), agents=agents(), transport=Two("async")) as bridge:
            asked = threading.Event()
            shadow = AsyncShadow(bridge, PRIMARY, CANDIDATE, sample=1.0, on_pair=lambda _: asked.set())
            await shadow.invoke("hello", session_id="s-1")
            assert await asyncio.to_thread(asked.wait, PATIENCE)
            (loop,) = _loops()
            del shadow
            gc.collect()
            await asyncio.to_thread(loop.join, PATIENCE)
            assert not loop.is_alive()

    asyncio.run(scenario())


def test_over_real_sockets_both_vendors_are_asked_each_in_its_words(open_bridge, emulators, pairs):
    bindings = {"fluxprompt": Binding(agent="ok", text="question"), "flowise": Binding(agent="ok")}
    both = open_bridge(config={}, connections=emulators.connections, agents={"support": Agent(on=bindings)})
    kind = AsyncShadow if both.world == "async" else Shadow
    shadow = kind(both.bridge, "support@fluxprompt", "support@flowise", sample=1.0, on_pair=pairs.append)
    for text in ("one", "two"):
        assert both._run(lambda text=text: shadow.invoke(text, session_id="s-1")).connection == "fluxprompt"
    both._run(lambda: shadow.close(PATIENCE))
    assert [(pair.candidate.outcome, pair.candidate.result.connection) for pair in pairs] == [
        ("completed", "flowise")
    ] * 2
    assert len({pair.candidate.result.session_id for pair in pairs} - {"s-1"}) == 1


def test_a_closed_shadow_serves_the_primary_alone(shadow):
    live = shadow()
    live.close()
    live.close()
    assert live.invoke("hello", session_id="s-1").text == "old: hello"
    assert (live.new.asked, live.stats.dropped) == ([], 1)


def test_the_candidate_alone_has_a_deadline(shadow):
    live = shadow(deadline=7.0)
    live.invoke("hello", session_id="s-1")
    live.settled()
    assert live.old.asked[0].deadline is None
    assert live.new.asked[0].deadline is not None


def test_what_counts_as_an_answer_is_the_same_for_both(shadow, pairs):
    live = shadow()
    live.new.special = [json_answer(200, _with_a_failed_tool())]
    live.invoke("hello", session_id="s-1", tool_errors="report")
    live.settled()
    assert pairs[0].candidate.ok


def _with_a_failed_tool():
    tool = {"tool": "search", "toolInput": {}, "toolOutput": "", "error": "it is down"}
    return {"text": "sorry", "chatId": "c", "chatMessageId": "m", "sessionId": "c", "usedTools": [tool]}


def test_turns_reach_the_candidate_in_order_and_hold_up_no_other_conversation(shadow):
    live = shadow(workers=4)
    live.new.held = threading.Event()
    for number in range(5):
        live.invoke(f"a{number}", session_id="a")
    live.invoke("b0", session_id="b")
    for _ in range(2):
        assert live.new.reached.acquire(timeout=PATIENCE)
    assert sorted(live.new.questions) == ["a0", "b0"]
    live.new.held.set()
    live.settled()
    assert [text for text in live.new.questions if text[0] == "a"] == ["a0", "a1", "a2", "a3", "a4"]


def test_a_conversation_that_lost_a_turn_is_not_gone_on_with(shadow):
    live = shadow()
    live.new.special = [GAVE_UP]
    live.new.held = threading.Event()
    live.invoke("a0", session_id="a")
    assert live.new.reached.acquire(timeout=PATIENCE)
    live.invoke("a1", session_id="a")  # waits for a0
    live.new.held.set()
    stats = live.settled()
    assert live.new.questions == ["a0"]
    assert (stats.dropped, stats.failed) == (1, 1)


def test_a_turn_that_had_no_room_ends_the_conversation_for_the_candidate(shadow):
    live = shadow(queue=1, workers=1)
    live.new.held = threading.Event()
    live.invoke("a0", session_id="a")
    assert live.new.reached.acquire(timeout=PATIENCE)
    live.invoke("b0", session_id="b")
    live.invoke("a1", session_id="a")  # no room
    live.new.held.set()
    assert live.new.reached.acquire(timeout=PATIENCE)  # b0: there is room again
    live.invoke("a2", session_id="a")
    assert live.settled().dropped == 2
    assert live.new.questions == ["a0", "b0"]


def test_pairs_in_a_ledger_are_those_of_a_replay(shadow, ledger):
    live = shadow(ledger=ledger, on_pair=None)
    for text in ("one", "two"):
        live.invoke(text, session_id="s-1")
    live.settled()
    found = [(pair.sample.answer.text, pair.candidate.text) for pair in ledger.pairs()]
    assert found == [("old: one", "new: one"), ("old: two", "new: two")]
    conversation = next(ledger.pairs()).sample.conversation
    assert ledger.session("candidate", conversation) == live.new.sessions[0] == live.new.sessions[1]


def test_a_call_is_claimed_in_the_ledger_before_it_is_sent(shadow, ledger):
    live = shadow(ledger=ledger, on_pair=None)
    live.new.held = threading.Event()
    live.invoke("hello", session_id="s-1")
    assert live.new.reached.acquire(timeout=PATIENCE)
    assert ledger.counts().claimed == 1
    live.new.held.set()
    live.settled()
    assert ledger.counts().final == 1


def test_a_ledger_that_is_gone_is_never_noticed(shadow, ledger, caplog):
    live = shadow(ledger=ledger, on_pair=None)
    ledger.close()
    assert live.invoke("hello", session_id="s-1").text == "old: hello"
    assert (live.settled().failed, caplog.records) == (1, [])


def test_an_agent_with_side_effects_is_refused(shadow):
    with pytest.raises(ConfigurationError, match=r"'support@old' has side effects.*allow_side_effects=True"):
        shadow(side_effects=True)


def test_an_agent_with_side_effects_is_taken_where_that_is_allowed(shadow):
    live = shadow(side_effects=True, allow_side_effects=True)
    live.invoke("hello", session_id="s-1")
    live.settled()
    assert live.new.questions == ["hello"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_pair": None}, "say where the pairs go"),
        ({"sample": 1.5}, "sample must be a share from 0 to 1, not 1.5"),
        ({"queue": 0}, "queue must be a whole number, 1 or more, not 0"),
        ({"workers": True}, "workers must be a whole number, 1 or more, not True"),
        ({"deadline": -1}, "must be more than 0"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(shadow, options, message):
    with pytest.raises(ConfigurationError, match=message):
        shadow(**options)


def test_a_target_that_is_not_there_is_named_at_once(open_live):  # noqa: F811
    with pytest.raises(UnknownTargetError, match="nowhere"):
        open_live("Shadow", PRIMARY, "support@nowhere", on_pair=print)


def test_a_primary_never_waits_for_the_candidates_share_of_its_limits():
    options = {"config": {}, "connections": connections(limits=Limits(in_flight=1)), "agents": agents()}
    with Bridge(**options) as bridge:
        with pytest.raises(ConfigurationError, match="share the connection 'old' and its limits"):
            Shadow(bridge, "old:a", "old:b", on_pair=print)
        with Bridge(**options) as other:
            Shadow(bridge, "old:a", "old:b", on_pair=print, candidate_bridge=other).close()


def test_a_client_that_belongs_to_the_callers_loop_is_not_used_in_another():
    import httpx

    async def scenario():
        async with (
            httpx.AsyncClient() as client,
            AsyncBridge({}, connections=connections(), http_client=client) as bridge,
        ):
            with pytest.raises(ConfigurationError, match="candidate_bridge="):
                AsyncShadow(bridge, "old:a", "new:b", on_pair=print)

    asyncio.run(scenario())


def test_a_busy_primary_is_raised_as_it_is(shadow):
    live = shadow()
    live.old.special = [BUSY]
    with pytest.raises(UnavailableError) as caught:
        live.invoke("hello", session_id="s-1")
    assert caught.value.status == 503
    assert caught.value.__context__ is None or "Condition" not in str(caught.value.__context__)


def test_a_forked_child_has_a_shadow_of_its_own(shadow, ledger):
    live = shadow(ledger=ledger, on_pair=None)
    live.invoke("parent", session_id="s-1")
    if (child := os.fork()) == 0:
        code = 1
        try:
            live._both._open = live._both.world != "async"  # the loop is the parent's
            live.invoke("child", session_id="s-2")
            live.face._beside().close(PATIENCE)
            code = 0 if live.face.stats.sampled == 1 else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    live.settled()
    assert sorted(pair.candidate.text for pair in ledger.pairs()) == ["new: child", "new: parent"]
