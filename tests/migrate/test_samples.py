"""Samples and answers: what is kept of a call, and what it says about making the call again."""

from __future__ import annotations

import json

import pytest
from moving import bridge_to

from agentbridge import (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    ExecutionError,
    Fault,
    FaultKind,
    HttpResponse,
    InvalidRequestError,
    Invocation,
    InvocationError,
    NotFoundError,
    ResponseTimeoutError,
    Result,
    UnavailableError,
    UnsupportedFeatureError,
    Usage,
)
from agentbridge.migrate import Answer, Ledger, Sample, draft, plan, read_samples, write_samples

ASKED = Invocation(target="support@fluxprompt", text="Where is my parcel?", inputs={"vendor": "ACME"}, session_id="s-1")
RESULT = Result(text="On its way.", output={"a": 1}, usage=Usage(credits=2.5), response=HttpResponse(200, {}, b"{}"))


def _fault(*, may_have_run: bool) -> Fault:
    return Fault(FaultKind.UNAVAILABLE, "busy", may_have_run=may_have_run, partial=RESULT)


def test_an_answer_keeps_the_result_without_the_bytes_it_was_read_from():
    answer = Answer.of(RESULT, 1.5)
    assert (answer.outcome, answer.text, answer.credits, answer.elapsed) == ("completed", "On its way.", 2.5, 1.5)
    assert answer.result.response == HttpResponse(0)


def test_an_error_keeps_its_line_its_status_and_what_did_arrive():
    error = ExecutionError(
        "tool broke", provider="flowgent", response=HttpResponse(200), fault=_fault(may_have_run=True)
    )
    answer = Answer.of(error)
    assert (answer.outcome, answer.status, answer.text) == ("ExecutionError", 200, "On its way.")
    assert "tool broke" in answer.message
    assert not answer.ok


@pytest.mark.parametrize(
    ("error", "standing"),
    [
        (ExecutionError("x", fault=_fault(may_have_run=True)), "final"),
        (InvalidRequestError("x", fault=_fault(may_have_run=False)), "final"),
        (UnsupportedFeatureError("files", "no place"), "final"),
        (ConnectionFailedError("x", fault=_fault(may_have_run=False)), "remains"),
        (AuthenticationError("x", fault=_fault(may_have_run=False)), "remains"),
        (NotFoundError("x", fault=_fault(may_have_run=False)), "remains"),
        (NotFoundError("x", fault=_fault(may_have_run=True)), "final"),
        (ConfigurationError("x"), "remains"),
        (UnavailableError("x", fault=_fault(may_have_run=False)), "remains"),
        (UnavailableError("x", fault=_fault(may_have_run=True)), "unknown"),
        (ResponseTimeoutError("x", fault=_fault(may_have_run=True)), "unknown"),
        (InvocationError("accepted, but cannot be polled", fault=_fault(may_have_run=True)), "unknown"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_what_surely_did_not_run_remains_and_what_may_have_run_is_unknown(error, standing):
    assert Answer.of(error).standing == standing


def test_samples_go_through_a_file_unchanged(tmp_path):
    samples = [
        Sample(id="1", invocation=ASKED, answer=Answer.of(RESULT), session="s-1", time=5.0),
        Sample(id="2", invocation=Invocation(target="a:b")),
    ]
    assert write_samples(tmp_path / "samples.jsonl", samples) == 2
    assert list(read_samples(tmp_path / "samples.jsonl")) == samples


def test_a_line_says_only_what_is_not_the_default(tmp_path):
    write_samples(tmp_path / "samples.jsonl", [Sample(id="2", invocation=Invocation(target="a:b"))])
    line = (tmp_path / "samples.jsonl").read_text()
    assert json.loads(line) == {"schema_version": 1, "id": "2", "invocation": {"target": "a:b"}}


def test_only_the_owner_reads_a_file_of_samples(tmp_path):
    write_samples(tmp_path / "samples.jsonl", [])
    assert (tmp_path / "samples.jsonl").stat().st_mode & 0o077 == 0


def test_a_line_that_is_no_sample_is_named(tmp_path):
    (tmp_path / "samples.jsonl").write_text('\n{"schema_version": 1, "id": "1", "invocaton": {}}\n')
    with pytest.raises(
        ConfigurationError, match=r"samples\.jsonl, line 2: this is no sample: Sample has no field 'invocaton'"
    ):
        list(read_samples(tmp_path / "samples.jsonl"))


def test_a_file_that_is_not_there_is_a_configuration_error(tmp_path):
    with pytest.raises(ConfigurationError, match=r"nowhere\.jsonl cannot be read"):
        list(read_samples(tmp_path / "nowhere.jsonl"))


def test_a_last_line_that_was_torn_in_a_crash_is_left_out(tmp_path):
    whole = Sample(id="1", invocation=ASKED)
    write_samples(tmp_path / "samples.jsonl", [whole, Sample(id="2", invocation=ASKED)])
    with (tmp_path / "samples.jsonl").open("r+") as file:
        file.truncate((tmp_path / "samples.jsonl").stat().st_size - 9)
    assert list(read_samples(tmp_path / "samples.jsonl")) == [whole]


def test_the_name_of_a_file_does_not_stand_for_its_samples(tmp_path):
    with bridge_to(None) as bridge, Ledger(tmp_path / "move.ledger") as ledger:
        for take in (
            lambda: plan("s.jsonl", bridge, "flowgent"),
            lambda: draft("s.jsonl", "flowgent", bridge),
            lambda: ledger.add("s.jsonl"),
            lambda: write_samples(tmp_path / "out.jsonl", "s.jsonl"),
        ):
            with pytest.raises(ConfigurationError, match=r"'s\.jsonl' names a file; give read_samples\('s\.jsonl'\)"):
                take()


def test_a_recording_is_no_file_of_samples_and_the_command_that_makes_some_is_named(tmp_path):
    (tmp_path / "log.csv").write_text("Question,Ticket\nhi,1\n")
    with pytest.raises(
        ConfigurationError, match="line 1: this is no sample: .*`agentbridge migrate import` makes samples"
    ):
        list(read_samples(tmp_path / "log.csv"))
