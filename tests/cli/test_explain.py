"""`agentbridge explain`."""

from __future__ import annotations

import json

import pytest

CREDITS = json.dumps(
    {"statusCode": 402, "body": {"message": "No credits available", "error": "No credits available", "trace": "t"}}
)


@pytest.fixture
def reply(tmp_path):
    def write(content):
        path = tmp_path / "reply"
        path.write_text(content)
        return path

    return write


def test_a_reply_in_a_file_is_explained(run, reply):
    done = run("explain", reply(CREDITS), "--provider", "flowgent")
    assert (done.exit_code, done.stderr) == (0, "")
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0].startswith("decided by the provider: agentbridge_flowgent/endpoint.py:")
    assert lines[0].endswith(" _refused")
    assert "a caller gets an error, QuotaExceededError: [flowgent] No credits available (HTTP 200, code 402)" in lines
    assert {"retryable no", "may_have_run no", "nobody read body.trace"} <= set(lines)
    assert lines[-1] == "drift unknown field Answer.trace, 1 time"


def test_a_reply_on_stdin_is_explained_as_json(run):
    done = run("explain", "-", "--provider", "flowgent", "--json", stdin=CREDITS)
    found = json.loads(done.stdout)
    assert (found["decided_by"], found["unread"]) == ("provider", ["body.trace"])
    assert {"error": "QuotaExceededError", "code": "402", "retryable": False}.items() <= found["outcome"].items()


def test_a_page_is_explained(run, reply):
    done = run("explain", reply("<html>Sign in</html>"), "--provider", "flowise", "--status", "502")
    assert "decided by   the core: the HTTP status" in done.stdout
    assert "UnavailableError: [flowise] Bad Gateway" in done.stdout


def test_a_missing_proof_is_named(run):
    done = run("explain", "-", "--provider", "flowise", stdin="{}")
    assert "the proof is missing: Prediction.chatId" in done.stdout


def test_a_stream_is_explained(run):
    events = [{"event": "token", "data": "hi"}, {"event": "metadata", "data": {"chatId": "c"}}, {"event": "end"}]
    content = "".join(f"message:\ndata:{json.dumps(event)}\n\n" for event in events)
    done = run("explain", "-", "--provider", "flowise", stdin=content)
    assert "a caller     gets a Result, completed: flowise" in done.stdout
    assert "text          hi" in done.stdout


def test_the_headers_count(run):
    busy = json.dumps({"code": 429, "message": "slow down", "error": True})
    done = run("explain", "-", "--provider", "promptitude", "-H", "Retry-After: 7", "--json", stdin=busy)
    assert json.loads(done.stdout)["outcome"]["retry_after"] == 7.0


def test_a_connections_fault_rules_count(run, config):
    rule = '\n[[connections.canary.faults]]\npath = "text"\nmatches = "Sorry.*"\nkind = "unavailable"\n'
    config.write_text(config.read_text() + rule)
    body = json.dumps({"text": "Sorry, later", "chatId": "c"})
    done = run("explain", "-", "--connection", "canary", "--config", config, stdin=body)
    assert "decided by   a fault rule: fault rule 1" in done.stdout
    assert "UnavailableError: [flowise]" in done.stdout


@pytest.mark.parametrize("poll", [True, False])
def test_the_reply_to_a_poll_is_read_as_one(run, poll):
    done = run("explain", "-", "--provider", "flowise", "--json", *["--poll"] * poll, stdin="[]")
    assert json.loads(done.stdout)["outcome"]["type"] == ("pending" if poll else "error")


SECRETS = {
    "a header": 'headers = {X-Secret = "canary-of-a-test"}',
    "its proxy": 'proxy = "canary-of-a-test"',
    "a key that is read": 'api_key_file = "canary.key"',
}


@pytest.mark.parametrize("line", SECRETS.values(), ids=SECRETS)
def test_what_is_secret_of_a_connection_is_not_shown(run, tmp_path, line):
    (tmp_path / "canary.key").write_text("canary-of-a-test")
    config = tmp_path / "secret.toml"
    config.write_text(f'[connections.one]\nprovider = "flowise"\nbase_url = "https://one.invalid"\n{line}\n')
    body = json.dumps({"message": "you sent canary-of-a-test"})
    done = run("explain", "-", "--status", "401", "--connection", "one", "--config", config, stdin=body)
    assert "you sent ***" in done.stdout
    assert "canary" not in done.stdout


def test_a_reply_is_explained_although_the_key_cannot_be_read(run, tmp_path):
    config = tmp_path / "secret.toml"
    config.write_text('[connections.flowise]\nbase_url = "https://one.invalid"\napi_key_file = "nowhere.key"\n')
    body = json.dumps({"text": "hello", "chatId": "c"})
    assert "hello" in run("explain", "-", "--connection", "flowise", "--config", config, stdin=body).stdout


def test_it_must_be_said_whose_reply_it_is(run, called):
    assert run("explain", "-", stdin="{}").exit_code == 2
    assert "UnknownTargetError" in run("explain", "-", "--provider", "nope", stdin="{}").stderr
    assert "no connection 'nope'" in called("explain", "-", "--connection", "nope", stdin="{}").stderr
    assert run("explain", "-", "--provider", "flowise", "-H", "nonsense", stdin="{}").exit_code == 2


def test_a_vendors_text_does_not_steer_the_terminal(run):
    body = json.dumps({"text": "hi\x1b[31m", "chatId": "c", "\x1b[2J": 1})
    assert "\x1b" not in run("explain", "-", "--provider", "flowise", stdin=body).stdout
