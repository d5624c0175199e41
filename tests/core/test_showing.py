"""How values are shown: short, without secrets, and with nothing that steers a terminal or a notebook."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from agentbridge import (
    AsyncBridge,
    Bridge,
    ConfigurationError,
    Connection,
    Fault,
    FaultKind,
    HttpResponse,
    Interrupt,
    Invocation,
    Pending,
    RateLimitError,
    Result,
    Usage,
)
from agentbridge.migrate import Ledger
from agentbridge.testing import MemoryTransport, scripted

CANARY = "canary-5f1d0c77-key"
CONTROLS = "\x1b]8;;http://x\x07\x9b\x00\x7f\u202e\u2066"


def test_a_result_shows_what_it_has_and_no_more():
    assert repr(Result(text="hi", output="hi")) == "Result(text='hi', output='hi')"
    full = Result(
        text="x" * 9_999, output="", provider="flowise", id="r-1", response=HttpResponse(200, {}, b"x" * 9_999)
    )
    assert repr(full).startswith("Result(text='xxx")
    assert len(repr(full)) < 600


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Invocation(target="support", text="hi"), "Invocation(target='support', text='hi')"),
        (Usage(credits=1.5), "Usage(credits=1.5)"),
        (Result(text="hi", output=1, response=HttpResponse(200, {}, b"evidence")), "Result(text='hi', output=1)"),
        (
            RateLimitError("slow  down", provider="flowise", response=HttpResponse(429)),
            "RateLimitError('[flowise] slow down (HTTP 429)')",
        ),
        (Pending("poll", "run-1", connection="a"), "Pending(kind='poll', id='run-1', connection='a')"),
        (
            Connection("flowise", api_key=CANARY, headers={"x": CANARY}, proxy=f"http://u:{CANARY}@p"),
            "Connection(provider='flowise')",
        ),
        (MemoryTransport([HttpResponse(200)]), "<MemoryTransport of 1 answers; 0 sent>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_show_what_is_not_as_by_default(value, shown):
    assert repr(value) == shown


def test_bridges_streams_and_what_they_hold_say_what_they_are(tmp_path):
    connections = {"flowise": Connection("flowise", "http://127.0.0.1:9", api_key=CANARY)}
    with Bridge({}, connections=connections) as bridge:
        assert repr(bridge) == "<Bridge: flowise>"
        assert repr(bridge.stream("flowise:abc", "hi")) == "<Stream: not open>"
        assert repr(bridge.providers["flowise"]) == "<Flowise: 'flowise'>"
        assert CANARY not in f"{bridge.connections!r} {bridge.providers!r} {bridge.prepare('flowise:abc', 'hi')!r}"
    assert repr(AsyncBridge({}, connections=connections).stream("flowise:abc", "hi")) == "<AsyncStream: not open>"
    with Ledger(tmp_path / "move.ledger") as ledger:
        assert repr(ledger) == f"<Ledger: {tmp_path / 'move.ledger'}>"


def test_a_stream_says_whether_it_is_open():
    with scripted({"*": "hi"}) as bridge, bridge.stream("support", "hi") as events:
        assert repr(events) == "<Stream: open>"
        list(events)
        assert repr(events) == "<Stream: at its end>"


def test_a_receiver_and_an_emulator_say_what_they_are_and_no_secret(tmp_path):
    from agentbridge.callbacks import CallbackReceiver
    from agentbridge.emulator.serving import load_emulator
    from agentbridge_flowise import Flowise

    receiver = CallbackReceiver("https://me.example", store=tmp_path / "c.sqlite", secret="a secret of sixteen")
    assert repr(receiver) == "<CallbackReceiver at https://me.example>"
    assert repr(load_emulator(Flowise())).endswith("0 requests seen>")


@pytest.mark.parametrize("field", ["sessionid", "retri", "fallbac"])
def test_a_wrong_field_of_a_call_is_answered_with_the_one_that_was_meant(field):
    with scripted({"*": "hi"}) as bridge, pytest.raises(ConfigurationError, match="Did you mean '"):
        bridge.invoke("support", "hi", **{field: 1})


def test_a_wrong_setting_of_a_wait_is_answered_with_the_one_that_was_meant():
    with scripted({"*": "hi"}) as bridge, pytest.raises(ConfigurationError, match="Did you mean 'timeouts'?"):
        bridge.wait(Pending("poll", "r", connection="a", agent="b"), timeout=3)


def test_a_notebook_shows_the_answer_and_a_line_of_facts():
    usage = Usage(credits=2, total_tokens=30, model="m_1")
    said = Result(
        text="# Hi\n\nSee `a < b`", output="", provider="flowise", connection="flowise", agent="abc", usage=usage
    )
    assert said._repr_markdown_() == "# Hi\n\nSee `a < b`\n\n*flowise:abc · 2 credits · 30 tokens · m\\_1 · 0.00 s*"


def test_a_notebook_shows_what_a_paused_run_asks_and_what_a_reader_should_know():
    paused = Result(
        text="",
        output=None,
        provider="f",
        connection="eu",
        interrupt=Interrupt("Send it?", ("yes", "no")),
        warnings=("odd",),
    )
    assert paused._repr_markdown_() == "Send it?\n\n*eu (f): · 0.00 s*\n\n*waits for yes or no*\n\n*warning: odd*"


def test_a_notebook_shows_an_error_with_what_did_arrive():
    partial = Result(text="so *far*", output="")
    fault = Fault(FaultKind.RATE_LIMITED, "slow", retry_after=7, retryable=True, may_have_run=False, partial=partial)
    error = RateLimitError("slow_down <b>", provider="flowgent", fault=fault)
    assert error._repr_markdown_() == (
        "**RateLimitError**: \\[flowgent\\] slow\\_down \\<b\\>\n\n"
        "*retryable: True · may have run: False · retry after 7 s*\n\nso *far*"
    )


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("<script>alert(1)</script>", "&lt;script>alert(1)&lt;/script>"),
        ("![x](https://x.example/leak?a=b)", r"!\[x](https://x.example/leak?a=b)"),
        ("```html\n<b>![\n```", "```html\n<b>![\n```"),
        ("```\nnever closed <b>", "```\nnever closed &lt;b>"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("abc\u202edcba", "abc\\u202edcba"),
    ],
)
def test_what_a_vendor_sends_does_nothing_in_a_notebook(sent, shown):
    assert Result(text=sent, output="")._repr_markdown_().startswith(shown)


@given(st.text(st.sampled_from(CONTROLS + "a`<!["), max_size=30))
def test_no_control_character_reaches_a_notebook(text):
    result = Result(text=text, output="", id=text, warnings=(text,), interrupt=None, agent=text)
    fault = Fault(FaultKind.UNKNOWN, text, partial=result)
    shown = result._repr_markdown_() + RateLimitError(text, fault=fault)._repr_markdown_()
    assert not set(shown) & set("\x1b\x07\x9b\x00\x7f\u202e\u2066")
