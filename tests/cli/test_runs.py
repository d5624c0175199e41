"""`agentbridge submit`, `wait` and `callbacks`: runs that outlive the command that started them."""

from __future__ import annotations

import json

import pytest

from agentbridge.callbacks import serve


@pytest.fixture
def submitted(called, tmp_path):
    """Submits, and writes what was printed into a file, as a shell would."""

    def submit(*arguments):
        done = called("submit", *arguments)
        assert done.exit_code == 0, done.output
        path = tmp_path / "run.json"
        path.write_text(done.stdout)
        return path

    return submit


def test_a_run_is_submitted_and_waited_for_by_its_document(submitted, called):
    run = submitted("flowise:ok", "hello there")
    assert json.loads(run.read_text())["provider"] == "flowise"
    assert called("wait", run).stdout == "Echo: hello there\n"
    assert json.loads(called("wait", run, "--json").stdout)["text"] == "Echo: hello there"


def test_the_document_can_come_from_a_pipe(submitted, called):
    run = submitted("flowise:chatflow", "hello there")
    assert called("wait", "-", stdin=run.read_text()).stdout == "Echo: hello there\n"


def test_a_run_that_goes_on_is_handed_back_with_3(submitted, called, tmp_path):
    run = submitted("flowise:late", "hello there")
    done = called("wait", run, "--once")
    assert (done.exit_code, done.stderr) == (3, "the run goes on\n")
    again = tmp_path / "again.json"
    again.write_text(done.stdout)
    assert called("wait", again, "--once").stdout == "Echo: hello there\n"


def test_a_run_that_is_recovered_is_asked_for_once(submitted, called):
    run = submitted("flowise:late", "hello there")
    done = called("recover", run)
    assert (done.exit_code, done.stderr) == (3, "the run goes on\n")
    assert called("recover", "-", stdin=done.stdout).stdout == "Echo: hello there\n"


@pytest.mark.parametrize(
    ("decision", "said"),
    [(("proceed",), "approved: \n"), (("reject", "--feedback", "not this"), "rejected: not this\n")],
)
def test_a_paused_run_is_resumed_by_its_json(called, tmp_path, decision, said):
    paused = tmp_path / "paused.json"
    paused.write_text(called("invoke", "flowise:paused", "delete it", "--json").stdout)
    done = called("resume", paused, *decision)
    assert (done.exit_code, done.stdout) == (0, said)


def test_a_decision_that_the_run_does_not_wait_for(called, tmp_path):
    paused = called("invoke", "flowise:paused", "delete it", "--json").stdout
    done = called("resume", "-", "maybe", stdin=paused)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "this run waits for 'proceed' or 'reject', not 'maybe'" in done.stderr


def test_what_is_no_paused_run_is_said_to_be_none(called):
    done = called("resume", "-", "proceed", stdin="{}")
    assert done.stderr.startswith("ConfigurationError: this is no paused run: ")


def test_a_run_that_failed_is_an_error_like_any_other(submitted, called):
    run = submitted("flowise:late-failed", "hello there")
    called("wait", run, "--once")
    done = called("wait", run)
    assert done.exit_code == 1
    assert done.stderr.startswith("ExecutionError: [flowise] Error in LLM node")


def test_a_vendor_that_answers_at_once_is_not_submitted_to(called):
    done = called("submit", "promptitude:ok", "-i", "a=b")
    assert done.exit_code == 1
    assert done.stderr == "UnsupportedFeatureError: promptitude cannot carry 'submit': it answers at once. Use invoke\n"


@pytest.mark.parametrize("document", ["", "{}", "[]", '{"schema_version": 1, "what": 2}', "\x00"])
def test_what_is_no_run_is_said_to_be_none(called, tmp_path, document):
    path = tmp_path / "run.json"
    path.write_text(document)
    done = called("wait", path)
    assert done.exit_code == 1
    assert done.stderr.startswith("ConfigurationError: this is no run: ")


def test_a_run_with_callbacks_is_waited_for_in_the_store_and_listed(called, run, tmp_path):
    store = tmp_path / "callbacks.sqlite"
    with serve(store) as receiver:
        sent = called("submit", "flowgent:ok", "hello", "--callbacks", receiver.public_url, "--store", store)
        path = tmp_path / "run.json"
        path.write_text(sent.stdout)
        assert called("wait", path, "--store", store, "--timeout", "10").stdout == "Echo: hello\n"
    listed = run("callbacks", "--store", store, "--list")
    assert "answer" in listed.stdout
    (delivery,) = json.loads(run("callbacks", "--store", store, "--list", "--json").stdout)
    assert (delivery["verdict"], delivery["status"]) == ("answer", 200)
    assert "conversation_history" in delivery["body"]


def test_a_callback_that_a_fault_rule_names_is_an_error(called, run, config, tmp_path):
    store, rules = tmp_path / "callbacks.sqlite", tmp_path / "rules.toml"
    rule = '[[connections.flowgent.faults]]\npath = "statusCode"\nequals = 200\nkind = "execution"\n'
    rules.write_text(f"{config.read_text()}\n{rule}")
    with serve(store) as receiver:
        sent = called("submit", "flowgent:ok", "hello", "--callbacks", receiver.public_url, "--store", store)
        path = tmp_path / "run.json"
        path.write_text(sent.stdout)
        done = run("wait", path, "--store", store, "--timeout", "10", "--config", rules)
    assert done.exit_code == 1
    assert done.stderr.startswith("ExecutionError: [flowgent] statusCode is 200")


def test_callbacks_are_received_by_the_rules_of_the_configuration(shell, config, tmp_path):
    config.write_text("[connections")
    code, _, said = shell("callbacks", "--config", config, "--store", tmp_path / "callbacks.sqlite", "--port", "0")
    assert code == 1
    assert "is not TOML" in said


def test_a_callback_that_does_not_come_is_an_error(called, tmp_path):
    store = tmp_path / "callbacks.sqlite"
    sent = called("submit", "flowgent:ok", "hello", "--callbacks", "https://elsewhere.invalid", "--store", store)
    path = tmp_path / "run.json"
    path.write_text(sent.stdout)
    assert called("wait", path, "--store", store, "--once").exit_code == 3
    done = called("wait", path, "--store", store, "--timeout", "0.01")
    assert done.exit_code == 1
    assert done.stderr.startswith("ResponseTimeoutError: [flowgent] no callback came within 0.01 s")


def test_a_store_that_is_not_there_is_not_made_by_listing(run, tmp_path):
    done = run("callbacks", "--store", tmp_path / "none.sqlite", "--list")
    assert done.exit_code == 1
    assert "there is no store" in done.stderr
