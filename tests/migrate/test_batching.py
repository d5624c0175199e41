"""A file of calls in, a file of answers out: in order, once each, and resumable."""

from __future__ import annotations

import json

import pytest
from moving import Flowise, bridge_to, json_answer, session_of

from agentbridge import ConfigurationError, RetryPolicy
from agentbridge.migrate import Budget, batch


@pytest.fixture
def source(tmp_path):
    def write(*lines):
        path = tmp_path / "in.jsonl"
        path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
        return path

    return write


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jsonl"


def _lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_each_line_is_answered_in_the_order_of_the_lines(source, out):
    path = source(*({"text": f"question {number}"} for number in range(30)))
    summary = batch(path, "flowise:W1", out, bridge_to(Flowise()))
    assert summary.made == 30
    assert [(line["id"], line["outcome"], line["result"]["text"]) for line in _lines(out)] == [
        (str(number + 1), "completed", f"re: question {number}") for number in range(30)
    ]


def test_a_line_may_name_itself_and_say_all_that_an_invocation_says(source, out):
    vendor = Flowise()
    path = source({"id": "a", "text": "hi", "session_id": "s-9", "options": {"flowise": {"uploads": []}}})
    batch(path, "flowise:W1", out, bridge_to(vendor))
    assert (_lines(out)[0]["id"], session_of(vendor.asked[0]), vendor.asked[0]["uploads"]) == ("a", "s-9", [])


def test_a_portable_agent_is_called_in_its_vendors_words(source, out):
    vendor = Flowise()
    batch(source({"text": "hi", "inputs": {"vendor": "ACME"}}), "support@flowise", out, bridge_to(vendor))
    assert vendor.asked[0]["question"] == "hi (ACME)"


def test_an_error_is_a_line_and_stops_no_other(source, out):
    path = source({"text": "one"}, {"text": "two"})
    batch(path, "flowise:W1", out, bridge_to(Flowise(json_answer(400, {"message": "bad"}))), concurrency=1)
    assert [line["outcome"] for line in _lines(out)] == ["InvalidRequestError", "completed"]


def test_what_was_stopped_goes_on_where_it_was(source, out):
    vendor = Flowise()
    path = source(*({"text": f"question {number}"} for number in range(10)))
    bridge = bridge_to(vendor)
    batch(path, "flowise:W1", out, bridge, budget=Budget(calls=4))
    assert sum(line["outcome"] == "remaining" for line in _lines(out)) == 6
    batch(path, "flowise:W1", out, bridge)
    assert {line["outcome"] for line in _lines(out)} == {"completed"}
    assert len({body["question"] for body in vendor.asked}) == len(vendor.asked) == 10


def test_what_may_have_run_is_said_to_be_unknown_and_not_repeated(source, out):
    vendor = Flowise(json_answer(504, {}))
    bridge = bridge_to(vendor, retry=RetryPolicy(attempts=1))
    path = source({"text": "hi"})
    for _ in range(2):
        batch(path, "flowise:W1", out, bridge)
    assert len(vendor.asked) == 1
    assert (_lines(out)[0]["outcome"], _lines(out)[0]["standing"]) == ("UnavailableError", "unknown")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 2: this is no invocation"),
        ("[1]", "it is written as an object"),
        ('{"txt": "hi"}', "Invocation has no field 'txt'"),
    ],
)
def test_a_line_that_cannot_be_read_is_named_before_anything_is_sent(source, out, line, words):
    vendor = Flowise()
    with pytest.raises(ConfigurationError, match=words):
        batch(source({"text": "hi"}, line), "flowise:W1", out, bridge_to(vendor))
    assert not vendor.asked


def test_two_lines_with_one_id_are_refused(source, out):
    path = source({"id": 1, "text": "hi"}, {"id": 1, "text": "ho"})
    with pytest.raises(ConfigurationError, match="has another sample '1'"):
        batch(path, "flowise:W1", out, bridge_to(Flowise()))


def test_the_answers_take_the_place_of_no_folder_and_no_questions(source, tmp_path):
    path = source({"text": "hi"})
    with pytest.raises(ConfigurationError, match="would be written over what is read from it"):
        batch(path, "flowise:W1", tmp_path / "." / "in.jsonl", bridge_to(Flowise()))
    with pytest.raises(ConfigurationError, match="is a folder"):
        batch(path, "flowise:W1", tmp_path, bridge_to(Flowise()))


def test_a_last_line_without_its_end_is_a_call_too(tmp_path, out):
    (tmp_path / "in.jsonl").write_text('{"text": "a"}\n{"text": "b"}')
    assert batch(tmp_path / "in.jsonl", "flowise:W1", out, bridge_to(Flowise())).made == 2
