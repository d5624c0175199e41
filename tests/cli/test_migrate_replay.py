"""`agentbridge batch`, and the commands of a ledger."""

from __future__ import annotations

import json

import pytest

from agentbridge import Invocation, Result
from agentbridge.migrate import Answer, Ledger, Sample


@pytest.fixture
def questions(tmp_path):
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps({"text": f"question {number}"}) + "\n" for number in range(5)))
    return path


@pytest.fixture
def ledger(tmp_path):
    """Three calls of the support agent, answered by the old vendor; nothing was replayed."""
    path = tmp_path / "move.ledger"
    with Ledger(path) as ledger:
        for number in range(3):
            said = Invocation(target="support", text=f"question {number}", inputs={"vendor": "ACME"})
            answer = Answer.of(Result(text="old", output="old"))
            ledger.add([Sample(id=f"s{number}", invocation=said, answer=answer)])
    return path


def _unknown(path):
    with Ledger(path) as ledger:
        ledger.claim("candidate", 1)
        ledger.begin("candidate")


def test_a_batch_answers_each_line(called, questions, tmp_path):
    found = called("batch", questions, "--target", "flowise:ok", "--out", tmp_path / "out.jsonl")
    assert found.exit_code == 0
    assert found.stdout.startswith("5 calls in ")
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 5


def test_a_batch_that_is_stopped_says_so_and_exits_with_3(called, questions, tmp_path):
    ask = ("batch", questions, "--target", "flowise:ok", "--out", tmp_path / "out.jsonl")
    stopped = called(*ask, "--max-calls", 2)
    assert stopped.exit_code == 3
    assert "stopped: the budget of 2 calls is used up" in stopped.stderr
    assert "3 remain; the same command goes on with them" in stopped.stderr
    assert called(*ask).exit_code == 0


def test_a_batch_that_ctrl_c_ends_exits_with_3_and_goes_on(called, questions, tmp_path, monkeypatch):
    ask = ("batch", questions, "--target", "flowise:ok", "--out", tmp_path / "out.jsonl")

    def interrupted(self, arm):
        yield self.conversation(arm, 1)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "conversations", interrupted)
        stopped = called(*ask)
    assert (stopped.exit_code, "stopped: it was interrupted" in stopped.stderr) == (3, True)
    assert called(*ask).exit_code == 0


def test_a_second_ctrl_c_exits_with_130(called, questions, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("agentbridge.migrate.replaying.Caller.settle", interrupted)
    assert called("batch", questions, "--target", "flowise:ok", "--out", tmp_path / "out.jsonl").exit_code == 130


@pytest.mark.parametrize("command", [("batch",), ("migrate", "replay")])
def test_the_help_has_the_exit_codes(run, command):
    found = run(*command, "--help").stdout
    assert "Exit codes: 0 no call remains" in found
    assert "130 a second Ctrl-C" in found


def test_a_batch_of_a_wrong_key_stops_before_it_has_tried_all(called, questions, tmp_path):
    ask = ("batch", questions, "--target", "canary:unauthorized", "--out", tmp_path / "out.jsonl")
    found = called(*ask, "--stop-after", 2, "--concurrency", 1)
    assert "stopped: 2 calls in a row got no answer" in found.stderr
    assert "canary-5f1d0c77-key" not in found.output + (tmp_path / "out.jsonl").read_text()


def test_a_replay_says_how_far_it_is(called, ledger):
    found = called("migrate", "replay", ledger, "--to", "flowise", "--json")
    assert found.exit_code == 0
    assert (json.loads(found.stdout)["made"], json.loads(found.stdout)["remaining"]) == (3, 0)


def test_the_status_counts_each_arm(called, run, ledger):
    called("migrate", "replay", ledger, "--to", "flowise")
    called("migrate", "replay", ledger, "--to", "flowise", "--arm", "baseline", "--max-calls", 1)
    found = json.loads(run("migrate", "status", ledger, "--json").stdout)
    assert {arm: counts["final"] for arm, counts in found.items()} == {"baseline": 1, "candidate": 3}


def test_the_status_of_a_vendor_that_tells_no_cost_has_none(called, run, ledger):
    called("migrate", "replay", ledger, "--to", "flowise")
    assert json.loads(run("migrate", "status", ledger, "--json").stdout)["candidate"]["credits"] is None
    header, row = run("migrate", "status", ledger).stdout.splitlines()
    assert (header.split()[-1], row.split()[-1]) == ("credits", "-")


def test_credits_of_an_arm_that_called_nobody_there_are_told_in_words(called, ledger):
    found = called("migrate", "credits", ledger, "--connection", "flowgent")
    assert (found.exit_code, found.stdout) == (0, "")
    assert "no call of the arm 'candidate' was made with the connection 'flowgent'" in found.stderr


def test_a_misspelt_arm_sends_nothing(called, ledger):
    found = called("migrate", "replay", ledger, "--to", "flowise", "--arm", "candidat")
    assert found.exit_code == 1
    assert "has no arm 'candidat' (baseline, candidate). Did you mean 'candidate'?" in found.stderr
    assert "--new-arm allows that" in found.stderr
    with Ledger(ledger) as book:
        assert book.counts("candidat").sends == 0


def test_a_new_arm_is_made_where_that_is_said_and_is_known_from_then_on(called, run, ledger):
    again = ("migrate", "replay", ledger, "--to", "flowise", "--arm", "candidate-2")
    assert called(*again, "--new-arm", "--max-calls", 1).exit_code == 3
    assert called(*again).stdout.startswith("2 calls in ")


@pytest.mark.parametrize(
    "command", [("compare",), ("report", "--html", "r.html"), ("unknown",), ("export", "out.parquet")]
)
def test_an_arm_that_is_not_there_is_named(run, ledger, command):
    name, *rest = command
    found = run("migrate", name, ledger, *rest, "--arm", "nope")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "has no arm 'nope' (baseline, candidate)." in found.stderr


def test_unknown_outcomes_are_listed_with_what_was_asked(run, ledger):
    _unknown(ledger)
    (found,) = json.loads(run("migrate", "unknown", ledger, "--json").stdout)
    assert (found["id"], found["asked"]) == ("s0", "question 0")
    assert found["message"] == "the process ended before it wrote down what came of this call"


def test_a_replay_with_unknown_outcomes_names_the_command_for_them(called, ledger):
    _unknown(ledger)
    found = called("migrate", "replay", ledger, "--to", "flowise")
    assert found.exit_code == 3
    assert f"agentbridge migrate unknown {ledger}" in found.stderr.replace("\n", "")
    assert "remain;" not in found.stderr


@pytest.mark.parametrize("decision", [("--resend", "s0"), ("--resend-all",)])
def test_what_is_resent_is_made_by_the_next_replay(called, run, ledger, decision):
    _unknown(ledger)
    assert run("migrate", "unknown", ledger, *decision).stderr == "1 will be sent again by the next replay\n"
    assert run("migrate", "unknown", ledger).stderr == "nothing is unknown\n"
    assert called("migrate", "replay", ledger, "--to", "flowise").stdout.startswith("3 calls in ")


def test_what_is_skipped_is_left_out(called, run, ledger):
    _unknown(ledger)
    assert run("migrate", "unknown", ledger, "--skip", "s0").stderr == "1 will be left out\n"
    assert called("migrate", "replay", ledger, "--to", "flowise").stdout.startswith("2 calls in ")


def test_a_decision_on_a_known_outcome_is_an_error(run, ledger):
    found = run("migrate", "unknown", ledger, "--resend", "s2")
    assert (found.exit_code, "'s2' is not of unknown outcome" in found.stderr) == (1, True)


def test_a_ledger_that_is_not_there_is_not_replayed_and_not_made(called, tmp_path):
    found = called("migrate", "replay", tmp_path / "mvoe.ledger", "--to", "flowise")
    assert found.exit_code == 2
    assert "there is no" in found.stderr
    assert not (tmp_path / "mvoe.ledger").exists()


def test_a_batch_does_not_write_over_its_questions(called, questions):
    before = questions.read_text()
    found = called("batch", questions, "--target", "flowise:ok", "--out", questions)
    assert found.exit_code == 1
    assert "would be written over what is read from it" in found.stderr
    assert questions.read_text() == before


@pytest.mark.parametrize("own", [(), ("--ledger", "own.ledger"), ("--ledger", "move.ledger")])
def test_a_batch_does_not_write_over_a_ledger(called, questions, ledger, own):
    found = called("batch", questions, "--target", "flowise:ok", "--out", ledger, *own)
    assert found.exit_code == 1
    assert "name another file" in found.stderr
    with Ledger(ledger) as book:
        assert book.counts().total == 3
