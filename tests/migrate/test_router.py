"""A router: a share of the conversations, each with one vendor, and back by itself where the candidate is worse."""

from __future__ import annotations

import logging
import os
import sqlite3

import attrs
import pytest
from hypothesis import given, strategies as st
from living import Two, open_live  # noqa: F401 (a fixture)
from moving import json_answer

from agentbridge import SHARED, ConfigurationError, Invocation, ProviderError, UnavailableError, UnsupportedFeatureError
from agentbridge.migrate import Ledger, LiveGate, RouterState
from agentbridge.migrate.routes import belongs, target_of
from agentbridge.migrate.routing import RouterFile, advanced, paused, resumed, rolled_back

BROKEN = json_answer(500, {"message": "it broke"})
BUSY = json_answer(503, {"message": "busy"})
STATE = RouterState(agent="support", primary="old", candidate="new", salt="s", stages=(0.1, 0.5, 1.0), stage=0.1)


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def path(tmp_path):
    return tmp_path / "move.ledger"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def router(open_live, path, clock):  # noqa: F811
    """Opens a router of the same ledger, as one more process would."""
    options = {"agent": "support", "primary": "old", "candidate": "new", "clock": clock}
    return lambda **more: open_live("Router", path, **{**options, **more})


def vendors_of(live, sessions, text="hello"):
    return {session: live.invoke(text, session_id=session).connection for session in sessions}


SESSIONS = [f"s-{number}" for number in range(60)]


def test_a_share_of_the_conversations_goes_to_the_candidate_and_each_stays_with_its_vendor(router):
    live = router(stages=[0.3])
    first = vendors_of(live, SESSIONS)
    assert 8 < list(first.values()).count("new") < 30
    assert vendors_of(live, SESSIONS) == first


def test_stages_may_come_from_a_generator(router):
    assert router(stages=(share / 4 for share in (1, 2))).state.stages == (0.25, 0.5)


def test_every_process_says_the_same_of_a_conversation(router):
    first = vendors_of(router(stages=[0.5]), SESSIONS[::2])
    other = vendors_of(router(stages=[0.5]), SESSIONS)
    assert {session: other[session] for session in first} == first


def test_a_bigger_share_is_for_new_conversations_alone(router):
    live = router(stages=[0.3, 1.0])
    begun = vendors_of(live, SESSIONS)
    live.advance()
    assert vendors_of(live, SESSIONS) == begun
    assert set(vendors_of(live, ["n-1", "n-2", "n-3"]).values()) == {"new"}


def test_after_a_rollback_what_began_at_the_candidate_goes_on_there(router):
    live = router(stages=[0.3])
    begun = vendors_of(live, SESSIONS)
    live.rollback("wrong prices")
    assert vendors_of(live, SESSIONS) == begun
    assert set(vendors_of(live, [f"n-{number}" for number in range(20)]).values()) == {"old"}
    assert (live.state.status, live.state.share, live.state.reason) == ("rolled back", 0.0, "wrong prices")


def test_another_process_sees_a_change_within_a_second(router, clock):
    live, elsewhere = router(stages=[1.0]), router(stages=[1.0])
    assert live.invoke("hello", session_id="a").connection == "new"
    elsewhere.pause()
    clock.now = 0.9
    assert live.invoke("hello", session_id="b").connection == "new"
    clock.now = 1.0
    assert live.invoke("hello", session_id="c").connection == "old"


def test_a_call_without_a_conversation_follows_a_change_too(router, clock):
    live, elsewhere = router(stages=[1.0]), router(stages=[1.0])
    elsewhere.pause()
    assert live.invoke("hello").connection == "new"
    clock.now = 1.0
    assert live.invoke("hello").connection == "old"


def test_a_conversation_that_the_vendor_named_stays_with_it(router):
    live = router(stages=[1.0])
    named = live.invoke("hello").session_id
    live.pause()
    assert live.invoke("and", session_id=named).connection == "new"
    at_old = live.invoke("hello").session_id
    live.resume()
    assert live.invoke("and", session_id=at_old).connection == "old"


def test_a_new_process_knows_the_conversations_of_the_one_before(router):
    live = router(stages=[1.0])
    named = live.invoke("hello").session_id
    live.rollback("enough")
    live.close()
    assert router(stages=[1.0]).invoke("and", session_id=named).connection == "new"


def test_calls_without_a_conversation_are_shared_by_chance(router):
    live = router(stages=[0.5])
    went = [live.invoke("hello").connection for _ in range(60)]
    assert 12 < went.count("new") < 48


def test_an_invocation_is_routed_by_its_session(router):
    live = router(stages=[1.0])
    result = live.invoke(Invocation(target="support", text="hello", session_id="a"))
    assert (result.connection, result.session_id) == ("new", "a")
    with pytest.raises(ConfigurationError, match="not 'billing'"):
        live.invoke(Invocation(target="billing", text="hello"))


def test_a_candidate_that_fails_is_rolled_back_for_all_processes(router, caplog, clock):
    live, elsewhere = router(stages=[1.0]), router(stages=[1.0])
    live.new.always = BROKEN
    with caplog.at_level(logging.WARNING, "agentbridge"):
        for number in range(10):
            with pytest.raises(ProviderError):
                live.invoke("hello", session_id=f"s-{number}")
    assert live.state.status == "rolled back"
    assert live.state.reason == "10 of 10 calls of the candidate failed, and 0 of 0 of the primary"
    assert [record.getMessage() for record in caplog.records] == [
        f"the router of 'support' is rolled back: {live.state.reason}"
    ]
    clock.now = 1.0
    assert elsewhere.invoke("hello", session_id="n").connection == "old"


def test_a_candidate_that_fails_as_often_as_the_primary_stays(router):
    live = router(stages=[0.5])
    live.new.always = live.old.always = BROKEN
    for session in SESSIONS:
        with pytest.raises(ProviderError):
            live.invoke("hello", session_id=session)
    assert live.state.status == "running"


def test_without_a_gate_nothing_is_rolled_back(router):
    live = router(stages=[1.0], gate=None)
    live.new.always = BROKEN
    for session in SESSIONS[:20]:
        with pytest.raises(ProviderError):
            live.invoke("hello", session_id=session)
    assert live.state.status == "running"


def test_a_callers_mistake_is_not_the_candidates(router):
    live = router(stages=[1.0], gate=LiveGate(min_calls=1, max_failure_increase=0.01))
    with pytest.raises(ConfigurationError):
        live.invoke("hello", session_id="a", nonsense=1)
    assert live.state.status == "running"


def test_what_the_candidate_cannot_carry_is_its_failure(router):
    live = router(stages=[1.0], gate=LiveGate(min_calls=1, max_failure_increase=0.01))
    with pytest.raises(UnsupportedFeatureError):
        live.invoke("hello", session_id="a", user_id="u")
    assert live.state.status == "rolled back"


def test_resuming_judges_by_new_calls_alone(router):
    live = router(stages=[0.5, 1.0])
    live.advance()
    live.new.always = BROKEN
    for number in range(10):
        with pytest.raises(ProviderError):
            live.invoke("hello", session_id=f"s-{number}")
    live.resume()
    live.new.always = None
    vendors_of(live, [f"n-{number}" for number in range(40)])
    assert (live.state.status, live.state.stage) == ("running", 0.5)


def test_a_failure_is_raised_unless_told_otherwise(router):
    live = router(stages=[1.0])
    live.new.always = BUSY
    with pytest.raises(UnavailableError):
        live.invoke("hello", session_id="a")
    assert live.old.asked == []


def test_the_primary_is_asked_where_the_candidate_surely_did_not_run_and_keeps_the_conversation(router):
    live = router(stages=[1.0], on_candidate_failure="primary")
    live.new.special = [BUSY]
    result = live.invoke("hello", session_id="a")
    assert (result.connection, [tried.connection for tried in result.tried]) == ("old", ["new"])
    assert live.invoke("and", session_id="a").connection == "old"


def test_the_primary_is_not_asked_where_the_candidate_may_have_run(router):
    live = router(stages=[1.0], on_candidate_failure="primary")
    live.new.special = [BROKEN]
    with pytest.raises(ProviderError):
        live.invoke("hello", session_id="a")
    assert live.old.asked == []
    assert live.invoke("hello", session_id="a").connection == "new"


def test_the_primary_is_not_asked_in_the_middle_of_a_conversation(router):
    live = router(stages=[1.0], on_candidate_failure="primary")
    live.invoke("hello", session_id="a")
    live.new.special = [BUSY]
    with pytest.raises(UnavailableError):
        live.invoke("and", session_id="a")
    assert live.old.asked == []


def test_after_a_rollback_the_primary_takes_what_the_candidate_refuses(router):
    live, elsewhere = router(stages=[1.0], on_candidate_failure="primary"), router(stages=[1.0])
    live.invoke("hello", session_id="a")
    elsewhere.invoke("again", session_id="a")
    live.rollback("moving back")
    elsewhere.state  # noqa: B018 (read anew)
    live.new.always = BUSY
    assert live.invoke("and", session_id="a").connection == "old"
    assert elsewhere.invoke("and", session_id="a").connection == "old"


def test_a_conversation_of_which_nothing_ran_has_not_begun(router):
    live = router(stages=[1.0])
    live.new.special = [BUSY]
    with pytest.raises(UnavailableError):
        live.invoke("hello", session_id="a")
    live.rollback("busy")
    assert live.invoke("hello", session_id="a").connection == "old"


def test_where_nobody_answers_the_last_error_is_raised(router):
    live = router(stages=[1.0], on_candidate_failure="primary")
    live.new.always = live.old.always = BUSY
    with pytest.raises(UnavailableError) as caught:
        live.invoke("hello", session_id="a")
    assert [tried.connection for tried in caught.value.tried] == ["new"]


def test_a_restart_goes_on_where_it_was_with_the_stages_of_the_code(router):
    live = router(stages=[0.1, 0.5])
    live.advance()
    again = router(stages=[0.2, 0.5, 0.8])
    assert (again.state.stage, again.state.stages) == (0.5, (0.2, 0.5, 0.8))
    assert again.advance().share == 0.8


def test_a_ledger_is_taken_as_well_as_its_path(open_live, path):  # noqa: F811
    with Ledger(path) as ledger:
        live = open_live("Router", ledger, agent="support", primary="old", candidate="new", stages=[1.0])
        assert live.invoke("hello", session_id="a").connection == "new"
        assert ledger.counts().total == 0


def test_another_move_takes_another_ledger(router):
    router()
    with pytest.raises(ConfigurationError, match="routes 'support' from 'old' to 'new'"):
        router(primary="new", candidate="old")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stages": []}, "stages are shares"),
        ({"stages": [0.5, 0.1]}, "stages are shares above 0 that grow"),
        ({"stages": [0, 1]}, "stages are shares above 0 that grow"),
        ({"stages": [2]}, "a stage must be a share from 0 to 1, not 2"),
        ({"on_candidate_failure": "ignore"}, "'raise' or 'primary', not 'ignore'"),
        ({"candidate": "nowhere"}, "nowhere"),
    ],
)
def test_an_argument_that_makes_no_sense_is_named(router, options, message):
    with pytest.raises(ConfigurationError, match=message):
        router(**options)


def test_where_the_ledger_cannot_be_written_new_conversations_go_to_the_primary(router, path, monkeypatch, caplog):
    monkeypatch.setattr("agentbridge.migrate.routing._PATIENCE", 0)
    live = router(stages=[1.0])
    begun = live.invoke("hello", session_id="a").connection
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        assert live.invoke("hello", session_id="b").connection == "old"
        assert live.invoke("hello", session_id="a").connection == begun == "new"
    finally:
        other.close()
    assert "cannot be written down" in caplog.text
    assert live.invoke("hello", session_id="b").connection == "old"


def test_where_the_ledger_cannot_be_read_a_conversation_is_not_guessed(router):
    live = router(stages=[1.0])
    live.face._routes()._file.close()
    with pytest.raises(ConfigurationError, match="whom this conversation belongs to"):
        live.invoke("hello", session_id="a")


def test_who_was_first_says_whom_a_conversation_belongs_to(path):
    with RouterFile(path) as one, RouterFile(path) as other:
        assert one.assign("support", "a", "new") == "new"
        assert other.assign("support", "a", "old") == "new"


def test_a_rollback_that_was_decided_on_an_older_state_changes_nothing(path):
    with RouterFile(path) as file:
        file.begin(STATE)
        file.change("support", advanced, 1.0)
        assert file.change("support", rolled_back, 2.0, only=1).status == "running"
        assert file.change("support", rolled_back, 2.0, only=2).status == "rolled back"


def test_a_forked_child_routes_by_a_file_of_its_own(router):
    live = router(stages=[1.0])
    live.invoke("hello", session_id="a")
    if (child := os.fork()) == 0:
        code = 1
        try:
            live._both._open = live._both.world != "async"
            code = 0 if live.invoke("hello", session_id="b").connection == "new" else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    live.pause()
    assert live.invoke("and", session_id="b").connection == "new"


@given(session=st.text(max_size=20), small=st.floats(0, 1), big=st.floats(0, 1))
def test_a_bigger_share_has_all_of_the_smaller(session, small, big):
    small, big = sorted([small, big])
    at_small, at_big = (belongs(attrs.evolve(STATE, stage=stage), session) for stage in (small, big))
    assert (at_small, at_big) != ("new", "old")


def test_nothing_new_goes_to_a_candidate_that_is_paused_or_rolled_back():
    for state in (paused(STATE), rolled_back(STATE)):
        assert belongs(attrs.evolve(state, stage=1.0), "a") == "old"


def test_the_stages_one_after_the_other():
    assert [advanced(STATE).stage, advanced(advanced(STATE)).stage] == [0.5, 1.0]
    with pytest.raises(ConfigurationError, match="at its last stage, 100%"):
        advanced(attrs.evolve(STATE, stage=1.0))


def test_a_pause_keeps_the_stage_and_a_rollback_begins_anew():
    at_half = attrs.evolve(STATE, stage=0.5)
    assert (paused(at_half).share, resumed(paused(at_half)).share) == (0.0, 0.5)
    assert (rolled_back(at_half).share, resumed(rolled_back(at_half)).share) == (0.0, 0.1)


@pytest.mark.parametrize(
    ("change", "state", "message"),
    [
        (advanced, paused(STATE), "is paused; resume it first"),
        (advanced, rolled_back(STATE), "is rolled back; resume it first"),
        (paused, rolled_back(STATE), "is rolled back, so nothing new"),
        (resumed, STATE, "is running"),
    ],
)
def test_what_makes_no_sense_in_a_state_is_refused(change, state, message):
    with pytest.raises(ConfigurationError, match=message):
        change(state)


@pytest.mark.parametrize(
    ("vendor", "begun", "status", "ask", "target"),
    [
        ("old", False, "running", True, "support@old"),
        ("new", False, "running", False, "support@new"),
        ("new", False, "running", True, "support@new,old"),
        ("new", True, "running", True, "support@new"),
        ("new", True, "paused", True, "support@new"),
        ("new", True, "rolled back", True, "support@new,old"),
        ("new", True, "rolled back", False, "support@new"),
    ],
)
def test_who_is_asked(vendor, begun, status, ask, target):
    assert target_of(attrs.evolve(STATE, status=status), vendor, begun=begun, ask_primary=ask) == target


def test_the_memory_of_all_is_no_conversation_and_belongs_to_nobody(router):
    live = router(stages=[0.5])
    for _ in range(10):  # Flowise has no such memory, and refuses the call
        with pytest.raises(UnsupportedFeatureError):
            live.invoke("hello", session_id=SHARED)
    with RouterFile(live.face._routes()._file.path) as file:
        assert file.vendor("support", SHARED) is None
    assert live.face._session(None, {"session_id": SHARED}) is None
