"""The ledger: what is claimed is never forgotten, and what is finished never done again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from moving import conversations, sample

from agentbridge import ConfigurationError, Result, Usage
from agentbridge.migrate import Answer, Ledger
from agentbridge.migrate.routing import RouterFile

DONE = Answer.of(Result(text="yes", output="yes", usage=Usage(credits=2.0), session_id="new"), 1.0)
REMAINS = Answer(outcome="ConnectionFailedError", standing="remains")
UNKNOWN = Answer(outcome="ResponseTimeoutError", standing="unknown")


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "move.ledger") as ledger:
        yield ledger


def _first(ledger, arm="candidate"):
    return next(iter(ledger.conversations(arm)))[0]


def _made(ledger, answer, arm="candidate"):
    turn = _first(ledger, arm)
    assert ledger.claim(arm, turn.position)
    ledger.finish(arm, turn, answer)
    return turn


def test_samples_are_taken_in_once(ledger):
    samples = conversations(3, 2)
    assert (ledger.add(samples), ledger.add(samples)) == (6, 0)
    assert ledger.counts().total == 6


def test_another_sample_under_a_known_id_is_refused(ledger):
    ledger.add([sample(1)])
    with pytest.raises(ConfigurationError, match="has another sample 's1'; use a new ledger"):
        ledger.add([sample(1, "c1")])


def test_a_conversation_has_all_its_turns_in_order(ledger):
    ledger.add(conversations(2, 3))
    found = [[turn.sample.id for turn in turns] for turns in ledger.conversations("candidate")]
    assert found == [["s0", "s2", "s4"], ["s1", "s3", "s5"]]


def test_turns_that_arrive_later_join_their_conversation(ledger):
    ledger.add([sample(0, "c0"), sample(1)])
    ledger.add([sample(2, "c0")])
    assert [turn.sample.id for turn in next(ledger.conversations("candidate"))] == ["s0", "s2"]


def test_one_session_id_at_two_agents_is_two_conversations(ledger):
    ledger.add([sample(0, "c0"), sample(1, "c0", target="fluxprompt:F2")])
    assert [len(turns) for turns in ledger.conversations("candidate")] == [1, 1]


def test_a_call_is_claimed_by_one_only(ledger):
    ledger.add([sample(0)])
    position = _first(ledger).position
    assert [ledger.claim("candidate", position) for _ in range(2)] == [True, False]


def test_arms_know_nothing_of_each_other(ledger):
    ledger.add([sample(0)])
    _made(ledger, DONE)
    assert ledger.counts("baseline").remaining == 1
    assert ledger.claim("baseline", 1)


def test_what_is_finished_is_not_offered_again(ledger):
    ledger.add([sample(0), sample(1)])
    _made(ledger, DONE)
    assert [turns[0].sample.id for turns in ledger.conversations("candidate")] == ["s1"]


def test_what_did_not_run_is_offered_and_claimed_again(ledger):
    ledger.add([sample(0)])
    _made(ledger, REMAINS)
    assert ledger.counts().remaining == 1
    _made(ledger, DONE)
    assert (ledger.counts().final, ledger.counts().sends) == (1, 2)


def test_what_a_dead_process_claimed_is_unknown_and_not_offered(ledger):
    ledger.add([sample(0), sample(1)])
    ledger.claim("candidate", 1)
    assert ledger.begin("candidate") == 1
    assert [(turn.sample.id, turn.answer.outcome) for turn in ledger.unknown()] == [("s0", "Unknown")]
    assert [turns[0].sample.id for turns in ledger.conversations("candidate")] == ["s1"]


@pytest.mark.parametrize(("decision", "offered", "skipped"), [("resend", 1, 0), ("skip", 0, 1)])
def test_a_human_decides_on_an_unknown_outcome(ledger, decision, offered, skipped):
    ledger.add([sample(0)])
    _made(ledger, UNKNOWN)
    ledger.decide("candidate", ["s0"], decision)
    assert (len(list(ledger.conversations("candidate"))), ledger.counts().skipped) == (offered, skipped)


def test_a_decision_on_what_is_known_is_refused_and_nothing_is_changed(ledger):
    ledger.add([sample(0), sample(1)])
    _made(ledger, UNKNOWN)
    with pytest.raises(ConfigurationError, match="'s1' is not of unknown outcome"):
        ledger.decide("candidate", ["s0", "s1"], "resend")
    assert ledger.counts().unknown == 1


def test_the_new_session_of_an_old_one_stays_the_first(ledger):
    ledger.add(conversations(1, 2))
    _made(ledger, DONE)
    turn = ledger.conversation("candidate", 1)[1]
    ledger.claim("candidate", turn.position)
    ledger.finish("candidate", turn, Answer.of(Result(text="", output="", session_id="other")))
    assert ledger.session("candidate", sample(0, "c0").conversation) == "new"


def test_pairs_have_the_old_answer_the_new_one_and_the_old_vendors_second(ledger):
    ledger.add([sample(0), sample(1)])
    _made(ledger, DONE)
    _made(ledger, REMAINS)
    _made(ledger, DONE, "baseline")
    (pair,) = ledger.pairs()
    assert (pair.sample.answer.text, pair.candidate.text, pair.baseline.text) == ("answer 0", "yes", "yes")


def test_pairs_are_read_with_both_answers_a_page_at_a_time(ledger):
    ledger.add(sample(number) for number in range(250))
    for number in range(250):
        _made(ledger, DONE)
        if number % 2:
            _made(ledger, DONE, "baseline")
    asked = []
    ledger.database.set_trace_callback(asked.append)
    pairs = list(ledger.pairs())
    ledger.database.set_trace_callback(None)
    assert [pair.sample.id for pair in pairs] == [f"s{number}" for number in range(250)]
    assert sum(pair.baseline is not None for pair in pairs) == 125
    assert len(asked) == 3


def test_a_turn_says_when_it_was_sent(ledger):
    before = time.time()
    ledger.add([sample(0), sample(1)])
    _made(ledger, DONE)
    sent, unsent = ledger.turns()
    assert before <= sent.sent_at <= time.time()
    assert unsent.sent_at is None


def test_a_sample_that_is_not_there_has_no_position(ledger):
    ledger.add([sample(0)])
    assert ledger.position("s0") == 1
    with pytest.raises(ConfigurationError, match="has no sample 's9'"):
        ledger.position("s9")


def test_all_facts_of_a_move_are_read_at_once(ledger):
    ledger.set("b", {"deep": [1]})
    ledger.set("a", "x")
    assert ledger.settings() == {"a": "x", "b": {"deep": [1]}}


def test_credits_of_an_arm_are_summed(ledger):
    ledger.add([sample(0), sample(1)])
    _made(ledger, DONE)
    _made(ledger, DONE)
    assert ledger.counts().credits == 4.0


def test_settings_are_json_and_last(ledger, tmp_path):
    ledger.set("seed", {"value": 7})
    with Ledger(tmp_path / "move.ledger") as again:
        assert (again.setting("seed"), again.setting("nothing")) == ({"value": 7}, None)


def test_only_the_owner_reads_a_ledger(ledger):
    assert ledger.path.stat().st_mode & 0o077 == 0


def test_a_second_process_cannot_replay_at_the_same_time(ledger):
    script = (
        "import sys; from agentbridge import ConfigurationError; from agentbridge.migrate import Ledger\n"
        "try:\n    with Ledger(sys.argv[1]).alone(): print('alone')\n"
        "except ConfigurationError as error: print(error)"
    )
    ask = [sys.executable, "-c", script, os.fspath(ledger.path)]
    with ledger.alone():
        refused = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
    assert "another process works on the ledger" in refused
    assert subprocess.run(ask, capture_output=True, text=True, check=True).stdout == "alone\n"


def test_a_file_that_is_no_ledger_is_named(tmp_path):
    (tmp_path / "notes.txt").write_text("not a database, but long enough to be mistaken for one" * 20)
    with pytest.raises(ConfigurationError, match=r"notes\.txt cannot be used: file is not a database"):
        Ledger(tmp_path / "notes.txt")


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux which files are open")
@pytest.mark.parametrize("opened", [Ledger, RouterFile])
def test_a_file_that_is_no_ledger_is_let_go_of(tmp_path, opened):
    (tmp_path / "notes.txt").write_text("no database " * 100)
    with pytest.raises(ConfigurationError) as kept:  # with all that its frames hold
        opened(tmp_path / "notes.txt")
    files = [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    assert str(tmp_path / "notes.txt") not in files, kept


def test_a_ledger_of_a_later_version_is_refused(tmp_path):
    with sqlite3.connect(tmp_path / "late.ledger") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(ConfigurationError, match="is of version 99, this agentbridge reads 1"):
        Ledger(tmp_path / "late.ledger")


def test_no_sample_is_lost_where_many_are_taken_in_page_by_page(ledger):
    assert ledger.add(sample(number) for number in range(1001)) == 1001
    assert [int(turn.sample.id[1:]) for turn in ledger.turns()] == list(range(1001))


def test_of_many_threads_each_call_is_claimed_by_one(ledger):
    ledger.add(sample(number) for number in range(60))
    granted: list[int] = []
    start = threading.Barrier(8)

    def claim_all():
        start.wait()
        granted.extend(position for position in range(1, 61) if ledger.claim("candidate", position))

    threads = [threading.Thread(target=claim_all) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(granted) == list(range(1, 61))


def test_a_forked_child_writes_by_a_connection_of_its_own_though_others_write_meanwhile(ledger):
    ledger.add(sample(number) for number in range(20))
    over = threading.Event()

    def write():
        while not over.is_set():
            ledger.set("busy", True)

    writer = threading.Thread(target=write)
    writer.start()
    exit_codes = [
        _in_a_child(lambda position=position: ledger.claim("candidate", position)) for position in range(1, 21)
    ]
    over.set()
    writer.join()
    assert exit_codes == [0] * 20
    assert ledger.counts().claimed == 20


def _in_a_child(work):
    if (child := os.fork()) == 0:
        code = 1
        try:
            code = 0 if work() else 2
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_half_a_character_in_an_answer_is_kept(ledger):
    ledger.add([sample(1)])
    turn = _made(ledger, Answer.of(Result(text="half \ud83d", output="half \ud83d")))
    assert [one.answer.text for one in ledger.turns() if one.position == turn.position] == ["half \ud83d"]


def test_a_full_disk_is_an_error_of_ours_and_passes(ledger):
    ledger.database.execute("PRAGMA max_page_count=40")
    with pytest.raises(ConfigurationError, match="move.ledger cannot be used: database or disk is full"):
        ledger.add(sample(number, text="x" * 3000) for number in range(100))
    ledger.database.execute("PRAGMA max_page_count=4000")
    assert ledger.add([sample(1000)]) == 1


def test_a_transaction_that_cannot_be_ended_is_taken_back(ledger):
    def refuse(action, first, *_):
        return sqlite3.SQLITE_DENY if (action, first) == (sqlite3.SQLITE_TRANSACTION, "COMMIT") else sqlite3.SQLITE_OK

    ledger.database.set_authorizer(refuse)
    with pytest.raises(ConfigurationError, match="cannot be used"):
        ledger.set("seed", 1)
    ledger.database.set_authorizer(None)
    ledger.set("other", 2)
    assert (ledger.setting("seed"), ledger.setting("other")) == (None, 2)


def test_a_lock_that_cannot_be_made_is_an_error_of_ours(ledger):
    Path(f"{ledger.path}.lock").mkdir()
    with pytest.raises(ConfigurationError, match="unable to open"), ledger.alone():
        pass


def test_a_ledger_under_two_names_is_replayed_by_one_process(ledger, tmp_path):
    (tmp_path / "link.ledger").symlink_to(ledger.path)
    with (
        Ledger(tmp_path / "link.ledger") as other,
        ledger.alone(),
        pytest.raises(ConfigurationError, match="another process works on"),
        other.alone(),
    ):
        pass


def test_every_name_of_a_file_is_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Ledger(":memory:") as ledger:
        ledger.add([sample(1)])
    with Ledger(":memory:") as ledger:
        assert ledger.counts().total == 1


def test_a_child_that_went_to_another_folder_has_the_same_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with Ledger("move.ledger") as ledger:
        ledger.add([sample(1)])
        assert _in_a_child(lambda: os.chdir("elsewhere") or ledger.counts().total == 1) == 0


def test_threads_that_fork_at_once_do_not_wait_for_one_another(tmp_path):
    ledgers = [Ledger(tmp_path / f"{number}.ledger") for number in range(5)]
    over = threading.Event()

    def write():
        while not over.is_set():
            for ledger in ledgers:
                ledger.set("busy", True)

    def fork():
        for _ in range(20):
            _in_a_child(lambda: True)

    threads = [threading.Thread(target=work, daemon=True) for work in (write, fork, fork, fork)]
    for thread in threads:
        thread.start()
    for thread in threads[1:]:
        thread.join(30)
    over.set()
    threads[0].join(30)
    assert [thread.is_alive() for thread in threads] == [False] * 4
    for ledger in ledgers:
        ledger.close()
