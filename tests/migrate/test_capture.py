"""Production is captured as samples: whole conversations, without secrets, and never in a caller's way."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import resource
import threading
import time

import attrs
import pytest

from agentbridge import (
    SHARED,
    ConfigurationError,
    File,
    HttpResponse,
    Invocation,
    InvocationError,
    Message,
    QuotaExceededError,
    Result,
)
from agentbridge.migrate import EMAILS, PHONES, Capture, read_samples
from agentbridge.observing.observations import InvocationFinished, InvocationStarted, RequestSent
from agentbridge.testing import MemoryTransport

KEY = "canary-key-5511aa77"
JSON = {"content-type": "application/json"}
CONNECTIONS = {
    "flowgent": {"provider": "flowgent", "api_key": KEY},
    "fluxprompt": {"provider": "fluxprompt", "api_key": KEY},
}


def answer(text="hello", thread="t-1"):
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": text}]
    body = {"conversation_history": turns, "metadata": {"thread_id": thread, "used_credits": 2}}
    return HttpResponse(200, JSON, json.dumps({"statusCode": 200, "body": body}).encode())


def captured(path, **settings):
    return Capture(path / "samples.jsonl", **settings)


def samples(path):
    return list(read_samples(path / "samples.jsonl"))


@pytest.fixture
def bridge_with(open_bridge, request):
    world = request.node.callspec.params["open_bridge"]

    def make(capture, *answers):
        transport = MemoryTransport(answers)
        given = transport.asynchronous() if world == "async" else transport
        return open_bridge(config={}, connections=CONNECTIONS, observers=[capture], transport=given)

    return make


def test_a_call_becomes_a_sample(bridge_with, tmp_path):
    with captured(tmp_path) as capture:
        bridge_with(capture, answer()).invoke("flowgent:7", "hi", session_id="t-1", metadata={"who": "me"})
    (sample,) = samples(tmp_path)
    assert sample.invocation == Invocation(target="flowgent:7", text="hi", session_id="t-1", metadata={"who": "me"})
    assert (sample.answer.outcome, sample.answer.text, sample.answer.credits) == ("completed", "hello", 2)
    assert (sample.session, sample.answer.result.agent, capture.written) == ("t-1", "7", 1)
    assert sample.time > 1_700_000_000


def test_a_stream_becomes_a_sample(bridge_with, tmp_path):
    with captured(tmp_path) as capture:
        bridge_with(capture, answer()).stream("flowgent:7", "hi", seen=[])
    assert [sample.answer.text for sample in samples(tmp_path)] == ["hello"]


def test_an_error_becomes_a_sample_and_reaches_its_caller(bridge_with, tmp_path):
    refused = HttpResponse(200, JSON, b'{"statusCode": 402, "body": {"error": "No credits available"}}')
    with captured(tmp_path) as capture, pytest.raises(QuotaExceededError):
        bridge_with(capture, refused).invoke("flowgent:7", "hi")
    (sample,) = samples(tmp_path)
    assert (sample.answer.outcome, sample.answer.code, sample.answer.standing) == (
        "QuotaExceededError",
        "402",
        "remains",
    )


def test_a_first_turn_belongs_to_the_conversation_that_its_answer_names(bridge_with, tmp_path):
    with captured(tmp_path) as capture:
        bridge = bridge_with(capture, answer(thread="t-9"))
        bridge.invoke("flowgent:7", "hi")
        bridge.invoke("flowgent:7", "and?", session_id="t-9")
    assert [(sample.session, sample.invocation.session_id) for sample in samples(tmp_path)] == [
        ("t-9", None), ("t-9", "t-9"),
    ]  # fmt: skip


def test_the_memory_that_all_share_is_no_conversation(bridge_with, tmp_path):
    done = HttpResponse(200, JSON, b'{"status": "success", "data": {"message": [{"text": "x"}]}}')
    with captured(tmp_path) as capture:
        bridge_with(capture, done).invoke("fluxprompt:f", inputs={"a": "b"}, session_id=SHARED)
    assert samples(tmp_path)[0].session is None


def test_no_secret_gets_into_the_file(bridge_with, tmp_path):
    refused = HttpResponse(401, JSON, json.dumps({"error": f"Invalid API key {KEY}"}).encode())
    with captured(tmp_path) as capture:
        bridge = bridge_with(capture, answer(f"you sent {KEY}"), refused)
        bridge.invoke("flowgent:7", f"my key is {KEY}", metadata={"k": KEY}, messages=(Message("user", KEY),))
        with pytest.raises(InvocationError):
            bridge.invoke("flowgent:7", "hi", options={"flowgent": {"deep": [{"k": KEY}]}})
    text = (tmp_path / "samples.jsonl").read_text()
    assert capture.written == 2
    assert KEY not in text
    assert "my key is ***" in text


def test_submitted_and_resumed_runs_are_not_captured(tmp_path):
    with captured(tmp_path) as capture:
        for kind in ("submit", "wait", "poll", "recover", "resume", "call"):
            _one(capture, kind=kind)
    assert (capture.written, capture.lost) == (0, 0)


def _one(capture, session=None, number=0, kind="invoke", result=True, **said):
    """A call as a bridge tells of it."""
    seen = {"id": f"call-{number}", "time": 5.0, "kind": kind, "provider": "p", "connection": "c", "agent": "a"}
    invocation = Invocation(target="c:a", **{"text": "hi", "session_id": session, **said})
    capture(InvocationStarted(**seen, url="https://x.invalid", session_id=session, invocation=invocation))
    came = Result(text="x", output="x", response=HttpResponse(200, {}, b"evidence")) if result else None
    capture(InvocationFinished(**seen, duration=1.0, attempts=1, result=came, closed=not result))


def test_a_stream_that_was_left_is_kept_without_an_answer(tmp_path):
    with captured(tmp_path) as capture:
        _one(capture, kind="stream", result=False)
    assert samples(tmp_path)[0].answer is None


def test_a_conversation_is_captured_whole_or_not_at_all(tmp_path):
    with captured(tmp_path, sample=0.3) as capture:
        for number in range(2000):
            _one(capture, f"s-{number % 500}", number)
    sessions = [sample.session for sample in samples(tmp_path)]
    assert {sessions.count(session) for session in sessions} == {4}
    assert 100 < len(set(sessions)) < 200


def test_calls_without_session_are_sampled_one_by_one_and_by_the_seed(tmp_path):
    chosen = {}
    for seed in (None, 1, 1, 2):
        path = tmp_path / str(len(chosen)) / str(seed)
        path.mkdir(parents=True)
        with captured(path, sample=0.5, seed=seed) as capture:
            for number in range(100):
                _one(capture, None, number)
        found = {sample.id for sample in samples(path)}
        assert found == chosen.setdefault(seed, found)
        assert 25 < len(found) < 75
    assert len({frozenset(found) for found in chosen.values()}) == 3


@pytest.mark.parametrize(("share", "kept"), [(0, 0), (1, 50)])
def test_the_ends_of_the_share_are_none_and_all(tmp_path, share, kept):
    with captured(tmp_path, sample=share) as capture:
        for number in range(50):
            _one(capture, f"s-{number}", number)
    assert len(samples(tmp_path)) == kept


def test_chosen_keys_and_patterns_are_scrubbed_everywhere(tmp_path):
    with captured(tmp_path, scrub=["phone", EMAILS, PHONES]) as capture:
        _one(
            capture, text="write to ann@example.com or call +31 20 123 4567, order 1234567",
            inputs={"phone": "1", "deep": [{"phone": 2, "to": "bob@example.org"}]}, metadata={"phone": "3"},
            options={"c": {"phone": "4"}}, messages=(Message("user", "I am carl@example.net"),),
        )  # fmt: skip
    said = samples(tmp_path)[0].invocation
    assert said.text == "write to *** or call ***, order 1234567"
    assert said.inputs == {"phone": "***", "deep": [{"phone": "***", "to": "***"}]}
    assert (said.metadata, said.options) == ({"phone": "***"}, {"c": {"phone": "***"}})
    assert said.messages == (Message("user", "I am ***"),)


def test_sessions_of_scrubbed_names_are_still_told_apart(tmp_path):
    with captured(tmp_path, scrub=[EMAILS]) as capture:
        for number, who in enumerate(("ann@example.com", "bob@example.com", "ann@example.com")):
            _one(capture, who, number, user_id=who)
    first, second, third = samples(tmp_path)
    assert first.session == third.session == first.invocation.session_id == first.invocation.user_id
    assert first.session != second.session
    assert "example.com" not in (tmp_path / "samples.jsonl").read_text()


def test_the_content_of_a_large_file_is_not_kept(tmp_path):
    files = (File("small.txt", b"x" * 10), File("large.txt", b"x" * 11), File("disk.txt", path="disk.txt"))
    with captured(tmp_path, max_file=10) as capture:
        _one(capture, files=files)
    kept = samples(tmp_path)[0].invocation.files
    assert kept == (files[0], attrs.evolve(files[1], content=None), files[2])


def test_threads_write_whole_lines(tmp_path):
    with captured(tmp_path) as capture:
        workers = [
            threading.Thread(target=lambda part=part: [_one(capture, "s", f"{part}-{n}") for n in range(50)]) for part in range(8)
        ]  # fmt: skip
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert len({sample.id for sample in samples(tmp_path)}) == capture.written == 400


def _append(path, part):
    with captured(path) as capture:
        for number in range(50):
            _one(capture, "s", f"{part}-{number}", text="x" * 20_000)


def test_processes_append_to_one_file(tmp_path):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_append, args=(tmp_path, part)) for part in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len({sample.id for sample in samples(tmp_path)}) == 200


def test_only_the_owner_reads_the_file(tmp_path):
    captured(tmp_path).close()
    assert (tmp_path / "samples.jsonl").stat().st_mode & 0o077 == 0


def test_what_cannot_be_written_is_counted_and_leaves_the_call_alone(bridge_with, tmp_path, caplog):
    with captured(tmp_path) as capture:
        bridge = bridge_with(capture, answer())
        assert bridge.invoke("flowgent:7", "hi", metadata={"n": float("nan")}).text == "hello"
        assert bridge.invoke("flowgent:7", "hi").text == "hello"
    assert (capture.written, capture.lost, len(samples(tmp_path))) == (1, 1, 1)
    assert "the observer Capture raised ValueError" in caplog.text


@contextlib.contextmanager
def full_at(size):
    """A file takes so many bytes, as on a full disk: what does not fit is left out of the write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("is_restarted", [False, True])
def test_after_a_line_that_was_written_in_part_the_next_one_is_whole_and_the_part_is_named(tmp_path, is_restarted):
    path = tmp_path / "samples.jsonl"
    with captured(tmp_path) as first:
        with full_at(40), pytest.raises(OSError, match="in part"):
            _one(first, number=1)
        with captured(tmp_path) if is_restarted else first as capture:
            _one(capture, number=2)
            _one(capture, number=3)
    with pytest.raises(ConfigurationError, match="line 1: this is no sample: .*; delete the line"):
        samples(tmp_path)
    path.write_text(path.read_text().partition("\n")[2])
    assert [sample.id for sample in samples(tmp_path)] == ["call-2", "call-3"]


def test_after_its_end_nothing_is_kept_and_nothing_fails(tmp_path):
    capture = captured(tmp_path)
    capture.close()
    _one(capture)
    assert (capture.written, capture.lost) == (0, 0)


def test_calls_that_are_over_leave_nothing_behind(tmp_path):
    with captured(tmp_path) as capture:
        _one(capture)
        seen = {"id": "x", "time": 5.0, "kind": "invoke", "provider": "p", "connection": "c", "agent": "a"}
        capture(RequestSent(**seen, attempt=1, poll=False, request=None))
        assert capture._begun == {}


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"sample": 1.5}, "a share from 0 to 1"),
        ({"sample": -1}, "a share"),
        ({"scrub": [3]}, "names and compiled patterns"),
    ],
)
def test_wrong_arguments_are_configuration_errors(tmp_path, settings, why):
    with pytest.raises(ConfigurationError, match=why):
        captured(tmp_path, **settings)


def test_a_file_that_cannot_be_written_is_told_before_the_first_call(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be written"):
        captured(tmp_path / "nowhere")


@pytest.mark.parametrize("number", ["+49 (30) 1234-567", "030 1234567", "(020) 123 4567"])
def test_telephone_numbers_are_found(number):
    assert PHONES.sub("***", f"call {number}, please") == "call ***, please"


@pytest.mark.parametrize("text", ["order 1234567", "2026-03-01", "1.05 EUR and 0.5", "id 4f0a12345678"])
def test_other_numbers_are_none(text):
    assert not PHONES.search(text)


def test_a_key_is_scrubbed_in_the_text_of_an_answer_that_is_json(tmp_path):
    with captured(tmp_path, scrub=["phone"]) as capture:
        _one(capture, text=' {"phone": "555 0100", "half": "\\ud83d", "name": "Jürgen"}')
        _one(capture, number=1, text='{"as": "it  was"}')
    first, second = samples(tmp_path)
    assert json.loads(first.invocation.text) == {"phone": "***", "half": "\ud83d", "name": "Jürgen"}
    assert second.invocation.text == '{"as": "it  was"}'


def test_patterns_are_scrubbed_in_keys_and_in_the_content_of_text_files(tmp_path):
    files = (File("mail.txt", b"an ann@example.com"), File("a.bin", b"\xff ann@example.com"))
    with captured(tmp_path, scrub=[EMAILS]) as capture:
        _one(capture, metadata={"ann@example.com": 1}, files=files)
    said = samples(tmp_path)[0].invocation
    assert said.metadata == {"***": 1}
    assert said.files == (File("mail.txt", b"an ***"), files[1])


@pytest.mark.parametrize("pattern", [EMAILS, PHONES])
@pytest.mark.parametrize("part", ["a", "a.", "0", "-0.", "+"])
def test_what_looks_for_people_takes_no_longer_for_long_words(pattern, part):
    text = part * (40_000 // len(part))
    began = time.process_time()
    pattern.sub("***", text)
    assert time.process_time() - began < 1


def test_half_a_character_is_kept_as_the_vendor_sent_it(tmp_path):
    with captured(tmp_path) as capture:
        _one(capture, text="half \ud83d")
    assert samples(tmp_path)[0].invocation.text == "half \ud83d"
