"""`agentbridge invoke` and `prepare`: what they print, what they send, and how they end."""

from __future__ import annotations

import json
import shlex
import signal

import pytest

from agentbridge import Bridge, Result

from .conftest import spawn

CANARY = "canary-5f1d0c77-key"


def sent(emulators):
    """The body of the last request that reached Flowise's emulator."""
    return json.loads(emulators.emulators["flowise"].seen[-1].body)


def test_answer_is_all_of_stdout(called):
    done = called("invoke", "flowise:ok", "hello")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "Echo: hello\n", "")


def test_json_is_the_result(called):
    done = called("invoke", "flowise:tool-error", "hello", "--tool-errors", "report", "--json")
    result = Result.from_dict(json.loads(done.stdout))
    assert done.exit_code == 0
    assert result.text == "The tool said: Error: tool exploded"
    assert result.tool_calls[0].error == "Error: tool exploded"
    assert json.loads(json.dumps(result.to_dict())) == json.loads(done.stdout)


@pytest.mark.parametrize("stdin", ["from stdin", "from stdin\n", "from stdin\r\n", "\ufefffrom stdin\n"])
def test_text_from_stdin(called, stdin):
    assert called("invoke", "flowise:ok", "-", stdin=stdin.encode()).stdout == "Echo: from stdin\n"


def test_stdin_keeps_all_but_the_last_newline(called):
    assert called("invoke", "flowise:ok", "-", stdin="a\nb\n\n").stdout == "Echo: a\nb\n"


def test_stdin_that_is_no_text(called):
    done = called("invoke", "flowise:ok", "-", stdin=b"\xff\xfe")
    assert done.exit_code == 2
    assert "stdin is not UTF-8 text" in done.stderr


def test_inputs_in_all_spellings(called, emulators, tmp_path):
    (tmp_path / "mail.txt").write_text("Dear ä=b\n", "utf-8")
    arguments = ["-i", "name=Andres", "-i", "url=https://x/?a:=b", "-i", "n:=[1, null]", "-i", "mail=@mail.txt"]
    done = called("invoke", "flowise:ok", *arguments, "-i", "empty=", "-i", 'at:="@x"')
    assert done.exit_code == 0
    assert sent(emulators)["form"] == {
        "name": "Andres",
        "url": "https://x/?a:=b",
        "n": [1, None],
        "mail": "Dear ä=b\n",
        "empty": "",
        "at": "@x",
    }


def test_session_options_and_attachments(called, emulators, tmp_path):
    (tmp_path / "notes.txt").write_text("noted")
    (tmp_path / "a=b.txt").write_text("odd")
    files = ["-f", "notes.txt", "-f", "a=b.txt", "--link", "https://x.example/?q=1"]
    options = ["--option", 'flowise.overrideConfig={"temperature": 0}', "--session", "s-1"]
    done = called("invoke", "flowise:ok", "hello", *files, *options)
    assert done.exit_code == 0, done.stderr
    body = sent(emulators)
    assert [(upload["name"], upload["data"]) for upload in body["uploads"]] == [
        ("notes.txt", "noted"),
        ("a=b.txt", "odd"),
        ("https://x.example/?q=1", "https://x.example/?q=1"),
    ]
    assert body["overrideConfig"] == {"temperature": 0, "sessionId": "s-1"}


@pytest.mark.parametrize("attachment", [("-f", "report=notes.txt"), ("--link", "report=https://x.example/?q=1")])
def test_attachment_of_an_input(called, tmp_path, attachment):
    (tmp_path / "notes.txt").write_text("noted")
    done = called("invoke", "flowise:ok", "hello", *attachment)
    assert done.exit_code == 1
    assert "Leave out input='report'" in done.stderr


def test_portable_agent(called):
    done = called("invoke", "support@flowise", "My login fails", "-i", "vendor=Acme")
    assert done.stdout == "Echo: Acme: My login fails\n"


def test_what_is_dropped_is_said(called):
    refused = called("invoke", "flowise:ok", "hello", "--user", "u-1")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("UnsupportedFeatureError: flowise cannot carry 'user_id'")
    done = called("invoke", "flowise:ok", "hello", "--user", "u-1", "--on-unsupported", "drop")
    assert (done.exit_code, done.stdout) == (0, "Echo: hello\n")
    assert done.stderr == "dropped: user_id, which the vendor cannot carry\n"


def test_warnings_are_said(called):
    done = called("invoke", "flowise:blank", "hello")
    assert done.exit_code == 0
    assert done.stderr.startswith("warning: ")


def test_pause_prints_its_question(called):
    done = called("invoke", "flowise:paused", "delete it")
    assert (done.exit_code, done.stdout) == (0, "Proceed with: delete it?\n")
    waits, resume = done.stderr.splitlines()
    assert waits == "the run waits for input (proceed or reject)"
    assert resume.startswith("to resume: printf %s '{")
    assert resume.endswith("}' | agentbridge resume - proceed")


def test_the_command_that_a_pause_prints_resumes_it(called):
    told = called("invoke", "flowise:paused", "delete it").stderr.splitlines()[1]
    document = shlex.split(told)[4]
    done = called("resume", "-", "proceed", stdin=document)
    assert (done.exit_code, done.stdout) == (0, "approved: \n")


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (("flowise:tool-error", "hi"), "ToolExecutionError"),
        (("flowise:unauthorized", "hi"), "AuthenticationError"),
        (("flowise:not-found", "hi"), "NotFoundError"),
        (("nowhere:x", "hi"), "UnknownTargetError"),
        (("", "hi"), "UnknownTargetError"),
        (("sup\nport", "hi"), "UnknownTargetError"),
        (("flowise:ok",), "ConfigurationError"),
        (("flowise:ok", "hi", "-f", "missing.txt"), "ConfigurationError"),
        (("flowise:ok", "-i", "x=@missing.txt"), "ConfigurationError"),
        (("flowise:ok", "hi", "--option", "flowwise.x=1"), "ConfigurationError"),
        (("flowgent:html", "hi"), "MalformedResponseError"),
        (("flowgent:slow", "hi", "--timeout", "0.2"), "DeadlineExceededError"),
    ],
)
def test_error_is_one_line_and_1(called, arguments, name):
    done = called("invoke", *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"{name}: ")


def test_an_answer_that_did_not_come_is_found_again_by_what_is_printed_instead(called):
    lost = called("invoke", "flowise:late", "hi", "--timeout", "0.2")
    assert lost.exit_code == 1
    assert "`agentbridge recover -` asks for it" in lost.stderr
    assert "bridge.recover" not in lost.stderr
    assert len(lost.stderr.splitlines()) == 1
    found = called("recover", "-", stdin=lost.stdout)
    if found.exit_code == 3:  # it still ran
        found = called("recover", "-", stdin=found.stdout)
    assert (found.exit_code, found.stdout) == (0, "Echo: hi\n")


def test_an_error_in_json_says_what_it_knows_and_is_recovered_from(called):
    lost = called("invoke", "flowise:late", "hi", "--timeout", "0.2", "--json")
    said = json.loads(lost.stdout)
    assert lost.exit_code == 1
    known = {"type": "error", "error": "DeadlineExceededError", "status": None, "may_have_run": True, "attempts": 1}
    assert known.items() <= said.items()
    assert {"message", "kind", "retryable", "retry_after", "pending"} <= set(said)
    assert called("wait", "-", stdin=lost.stdout).stdout == "Echo: hi\n"


@pytest.mark.parametrize("target", ["flowise", "nowhere:x"])
def test_an_error_before_anything_is_sent_is_json_too(called, target):
    said = json.loads(called("invoke", target, "hi", "--json").stdout)
    assert said["error"] == "UnknownTargetError"
    assert target.partition(":")[0] in said["message"]


def test_what_was_no_run_is_not_recovered(called):
    refused = called("invoke", "flowise:unauthorized", "hi", "--json")
    done = called("recover", "-", stdin=refused.stdout)
    assert done.exit_code == 1
    assert done.stderr.startswith("ConfigurationError: this is no run: ")


def test_a_stream_is_printed_as_it_comes(called, monkeypatch):
    pieces = []
    monkeypatch.setattr("agentbridge.cli.invoke.say_piece", pieces.append)
    assert called("invoke", "flowise:ok", "where is it", "--stream").exit_code == 0
    assert pieces == ["Echo:", " where", " is", " it", "\n"]


@pytest.mark.parametrize("target", ["flowise:ok", "flowgent:ok"])
def test_a_streamed_answer_is_all_of_stdout(called, target):
    done = called("invoke", target, "where is it", "--stream")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "Echo: where is it\n", "")


def test_a_stream_that_broke_off_names_its_run_beside_its_text(called):
    done = called("invoke", "flowise:late", "hi", "--stream", "--timeout", "0.5")
    assert (done.exit_code, done.stdout) == (1, "Echo:\n")
    line, document = done.stderr.split("\n", 1)
    assert line.startswith("DeadlineExceededError: ")
    assert called("wait", "-", stdin=document).stdout == "Echo: hi\n"


def test_a_streamed_pause_asks_its_question(called):
    done = called("invoke", "flowise:paused", "delete it", "--stream")
    assert (done.exit_code, done.stdout.strip()) == (0, "Proceed with: delete it?")


def test_a_stream_is_no_json(called):
    assert called("invoke", "flowise:ok", "hi", "--stream", "--json").exit_code == 2


def test_error_line_is_str_of_the_error(called, emulators):
    with Bridge({}, connections=emulators.connections) as bridge, pytest.raises(Exception) as caught:
        bridge.invoke("flowise:tool-error", "hi")
    assert called("invoke", "flowise:tool-error", "hi").stderr == f"ToolExecutionError: {caught.value}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing argument 'TARGET'"),
        (("flowise:ok", "hi", "-i", "novalue"), "'novalue' is not name=value"),
        (("flowise:ok", "hi", "-i", "=x"), "'=x' is not name=value"),
        (("flowise:ok", "hi", "-i", ":=1"), "':=1' is not name=value"),
        (("flowise:ok", "hi", "-i", "a=1", "-i", "a=2"), "'a' is given twice"),
        (("flowise:ok", "hi", "-i", "a:={oops"), "has no JSON behind the '='"),
        (("flowise:ok", "hi", "-i", "a:=NaN"), "has no JSON behind the '='"),
        (("flowise:ok", "hi", "--option", "flowise=1"), "is not provider.key=JSON"),
        (("flowise:ok", "hi", "--option", "flowise.a=b"), 'write flowise.a="b"'),
        (("flowise:ok", "hi", "--timeout", "0"), "--timeout"),
        (("flowise:ok", "hi", "--timeout", "inf"), "--timeout"),
        (("flowise:ok", "hi", "--tool-errors", "maybe"), "--tool-errors"),
        (("flowise:ok", "hi", "--nonsense"), "--nonsense"),
    ],
)
def test_wrong_usage_is_2(run, arguments, said):
    done = run("invoke", *arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in " ".join(done.stderr.split())


def test_missing_configuration(run):
    done = run("invoke", "flowise:ok", "hi", "--config", "none.toml")
    assert done.exit_code == 1
    assert done.stderr == "ConfigurationError: none.toml: cannot be read: No such file or directory\n"


@pytest.mark.parametrize("place", ["group", "command"])
def test_verbose_adds_the_evidence(called, place):
    arguments = ["invoke", "flowise:tool-error", "hi"]
    done = called("--verbose", *arguments) if place == "group" else called(*arguments, "--verbose")
    assert done.exit_code == 1
    first, *rest = done.stderr.splitlines()
    assert first.startswith("ToolExecutionError: ")
    facts = dict(line.split(maxsplit=1) for line in rest)
    assert facts["status"] == "200"
    assert (facts["retryable"], facts["may_have_run"], facts["attempts"]) == ("no", "yes", "1")
    assert facts["request"].startswith("POST http://127.0.0.1:")
    assert facts["request"].endswith("/api/v1/prediction/tool-error")
    assert facts["content-type"] == "application/json"
    assert facts["body"].startswith('{"text":"The tool said')
    assert facts["partial"] == "The tool said: Error: tool exploded"


def test_verbose_without_an_answer(called):
    done = called("invoke", "flowise:slow", "hi", "--timeout", "0.2", "-v")
    assert "\n  status        -\n" in done.stderr
    assert "body" not in done.stderr


def test_prepare_prints_curl_and_masks_the_key(called, emulators):
    before = len(emulators.emulators["flowise"].seen)
    done = called("prepare", "canary:ok", "it's")
    assert done.exit_code == 0
    assert done.stdout.startswith("curl -X POST http://127.0.0.1:")
    assert "-H 'Authorization: ***'" in done.stdout
    assert CANARY not in done.output
    assert len(emulators.emulators["flowise"].seen) == before


def test_prepare_json(called, tmp_path):
    (tmp_path / "notes.txt").write_text("noted")
    arguments = ["-f", "notes.txt", "--user", "u", "--on-unsupported", "drop", "--json"]
    done = called("prepare", "canary:ok", "hello", *arguments)
    parts = json.loads(done.stdout)
    assert set(parts) == {"method", "url", "headers", "json", "form", "content", "dropped", "warnings"}
    assert (parts["method"], parts["headers"], parts["dropped"]) == ("POST", {"Authorization": "***"}, ["user_id"])
    assert parts["url"].endswith("/api/v1/prediction/ok")
    assert parts["json"]["question"] == "hello"
    assert parts["json"]["uploads"][0]["data"] == "<notes.txt, text/plain>"
    assert CANARY not in done.output


@pytest.mark.parametrize("scenario", ["ok", "html", "tool-error", "unauthorized", "redirect"])
def test_no_key_in_anything_printed(called, scenario):
    for arguments in (["-v"], ["--json"], ["--json", "--tool-errors", "report"]):
        assert CANARY not in called("invoke", f"canary:{scenario}", "hi", *arguments).output


def test_lone_surrogates_are_printed_somehow(called, monkeypatch):
    answer = Result(text="a\ud800b", output="a\ud800b", warnings=("w\udfff",))
    monkeypatch.setattr(Bridge, "invoke", lambda *_, **__: answer)
    done = called("invoke", "flowise:ok", "hi")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "a?b\n", "warning: w?\n")
    done = called("invoke", "flowise:ok", "hi", "--json")
    assert Result.from_dict(json.loads(done.stdout)) == answer


def test_ctrl_c_is_130(called, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(Bridge, "invoke", interrupted)
    done = called("invoke", "flowise:ok", "hi")
    assert (done.exit_code, done.output) == (130, "")


@pytest.mark.parametrize("arguments", [["flowise:late", "hi"], ["flowise:late", "hi", "--stream"]])
def test_ctrl_c_says_how_the_run_is_found_again(config, emulators, called, arguments):
    process = spawn("invoke", *arguments)
    seen = emulators.emulators["flowise"].seen
    before = len(seen)
    while len(seen) == before:  # until the request is there
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"the run may go on: `agentbridge recover -` asks for it" in err
    document = out if out.startswith(b"{") else b"{" + err.partition(b"{")[2]
    assert called("wait", "-", stdin=document).stdout == "Echo: hi\n"


def test_bug_is_no_error_of_the_tree(called, monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(Bridge, "invoke", broken)
    with pytest.raises(ZeroDivisionError):
        called("invoke", "flowise:ok", "hi")


def test_help_teaches_by_example(run):
    done = run("invoke", "--help")
    assert done.exit_code == 0
    assert 'agentbridge invoke support@flowgent "My login fails" -i vendor=Acme\n' in done.stdout
