"""Scripted bridges answer as they are told, and all but the vendors' words is the real code, in both worlds."""

from __future__ import annotations

import asyncio

import pytest

from agentbridge import (
    AgentBridgeError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    ExecutionError,
    Fault,
    FaultKind,
    HttpResponse,
    Interrupt,
    InvalidRequestError,
    Invocation,
    InvocationError,
    InvocationFinished,
    MalformedResponseError,
    NotFoundError,
    Pending,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ReasoningDelta,
    ResponseTimeoutError,
    Result,
    RetryPolicy,
    Source,
    SourcesFound,
    Started,
    StreamInterruptedError,
    TextDelta,
    Timeouts,
    ToolCall,
    ToolCalled,
    ToolExecutionError,
    TransportError,
    UnavailableError,
    UnknownTargetError,
    UnsupportedFeatureError,
)
from agentbridge.testing import Delayed, Streamed, scripted

ONCE = RetryPolicy(attempts=1)
SUPPORT = {
    "connections": {"flowise-eu": {"provider": "flowise", "api_key_command": ["false"]}},
    "agents": {
        "support": {
            "default": "flowise-eu",
            "on": {"flowise-eu": {"agent": "abc", "template": "{vendor}: {text}"}, "flowgent": {"agent": "def"}},
        }
    },
}


class Play:
    """A scripted bridge of either world behind blocking methods."""

    def __init__(self, world, answers, **options):
        self.world = world
        self.bridge = scripted(answers, asynchronous=world == "async", **options)

    def __getattr__(self, name):
        value = getattr(self.bridge, name)
        if self.world == "sync" or name not in {"invoke", "submit", "wait", "poll", "recover", "resume", "call"}:
            return value

        async def awaited(*arguments, **fields):
            return await value(*arguments, **fields)

        return lambda *arguments, **fields: asyncio.run(awaited(*arguments, **fields))

    def streamed(self, *arguments, seen, **fields):
        if self.world == "sync":
            with self.bridge.stream(*arguments, **fields) as events:
                seen.extend(events)
            return events.result

        async def iterate():
            async with self.bridge.stream(*arguments, **fields) as events:
                async for event in events:
                    seen.append(event)
            return events.result

        return asyncio.run(iterate())


@pytest.fixture(params=["sync", "async"])
def play(request):
    return lambda answers, **options: Play(request.param, answers, **options)


def raised(ask, kind=AgentBridgeError):
    with pytest.raises(kind) as caught:
        ask()
    return caught.value


def test_a_text_is_the_answer_of_an_agent_that_no_configuration_knows(play):
    result = play({"support": "Hello"}).invoke("support", "My login fails")
    assert (result.text, result.output, result.agent, result.attempts) == ("Hello", "Hello", "support", 1)


@pytest.mark.parametrize("key", ["support@flowgent", "support", "flowgent:def", "def", "*"])
def test_an_answer_is_found_by_the_target_the_agent_or_the_star(play, key):
    result = play({key: "found"}, config=SUPPORT).invoke("support@flowgent", "hi")
    assert (result.text, result.provider, result.agent) == ("found", "flowgent", "def")


def test_the_nearest_name_wins(play):
    bridge = play({"*": "star", "support": "agent", "support@flowgent": "place"}, config=SUPPORT)
    said = [bridge.invoke(target, "hi", inputs=inputs).text for target, inputs in (
        ("support@flowgent", {}), ("support", {"vendor": "Acme"}), ("flowgent:xyz", {}),
    )]  # fmt: skip
    assert said == ["place", "agent", "star"]


def test_a_target_that_is_not_scripted_is_named_with_what_is(play):
    error = raised(lambda: play({"support": "hi", "flowise:abc": "hi"}).invoke("suport", "hi"), UnknownTargetError)
    assert str(error) == (
        "nothing is scripted for 'suport' (scripted: 'support', 'flowise:abc'). Did you mean 'support'?"
        " Give it an answer, or give one for '*'"
    )


def test_with_a_configuration_an_agent_that_it_does_not_have_is_unknown_as_in_production(play):
    error = raised(lambda: play({"*": "hi"}, config=SUPPORT).invoke("suport", "hi"), UnknownTargetError)
    assert str(error).startswith("no agent 'suport' (there: support). Did you mean 'support'?")


def test_bindings_are_applied_and_the_call_is_kept_as_it_was_described(play):
    bridge = play({"support": "hi"}, config=SUPPORT)
    bridge.invoke("support", "My login fails", inputs={"vendor": "Acme"})
    assert bridge.prepare("support", "x", inputs={"vendor": "Acme"}).request.json["question"] == "Acme: x"
    assert bridge.calls == [Invocation(target="support", text="My login fails", inputs={"vendor": "Acme"})]


def test_an_input_that_the_binding_does_not_map_is_refused_as_in_production(play):
    bridge = play({"support": "hi"}, config=SUPPORT)
    error = raised(lambda: bridge.invoke("support", "hi", inputs={"vendr": "Acme"}), UnsupportedFeatureError)
    assert "Did you mean 'vendor'?" in str(error)
    assert bridge.calls == []


def test_what_an_installed_vendor_cannot_carry_is_refused_as_in_production(play):
    error = raised(lambda: play({"*": "hi"}).invoke("promptitude:f", inputs={"a": "b"}, session_id="s"))
    assert (type(error), error.feature) == (UnsupportedFeatureError, "session_id")


def test_a_result_comes_with_what_it_says_and_what_the_core_knows(play):
    said = Result(text="hi", output={"a": 1}, id="r-1", session_id="s-9", sources=[Source("doc")])
    result = play({"flowise:abc": said}).invoke("flowise:abc", "hi")
    assert (result.id, result.session_id, result.sources, result.raw) == ("r-1", "s-9", (Source("doc"),), {"a": 1})
    assert (result.provider, result.connection, result.agent) == ("flowise", "flowise", "abc")


def test_the_evidence_of_a_result_is_its_own_where_it_has_one(play):
    response = HttpResponse(200, {"x-run": "7"}, b'{"whole": true}')
    result = play({"*": Result(text="hi", output="hi", response=response)}).invoke("support", "hi")
    assert (result.raw, result.response.headers) == ({"whole": True}, {"x-run": "7"})


ERRORS = {
    AuthenticationError: (401, False, False),
    PermissionDeniedError: (403, False, False),
    NotFoundError: (404, False, False),
    InvalidRequestError: (400, False, False),
    RateLimitError: (429, True, False),
    QuotaExceededError: (402, False, False),
    UnavailableError: (503, True, False),
    ExecutionError: (200, False, True),
    ToolExecutionError: (200, False, True),
    ProviderError: (500, False, True),
    MalformedResponseError: (200, False, True),
    TransportError: (None, True, True),
    ConnectionFailedError: (None, True, False),
    ResponseTimeoutError: (None, True, True),
    StreamInterruptedError: (None, False, True),
    DeadlineExceededError: (None, False, True),
}


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_made_by_its_message_is_raised_with_the_facts_of_its_class(play, kind):
    error = raised(lambda: play({"*": kind("said so")}).invoke("flowise:abc", "hi", retry=ONCE), InvocationError)
    assert type(error) is kind
    assert (error.status, error.retryable, error.may_have_run) == ERRORS[kind]
    assert error.message.startswith("said so")
    assert (error.provider, error.agent, error.attempts, error.request.method) == ("flowise", "abc", 1, "POST")


def test_an_error_is_raised_with_its_own_evidence(play):
    partial = Result(text="half", output="half")
    fault = Fault(FaultKind.EXECUTION, "node 3 failed", code="E7", may_have_run=False, partial=partial)
    scripted_error = ExecutionError(
        "node 3 failed", fault=fault, response=HttpResponse(200, {}, b'{"error": "node 3"}')
    )
    error = raised(lambda: play({"*": scripted_error}).invoke("support", "hi"), ExecutionError)
    assert (error.code, error.status, error.may_have_run, error.partial.text) == ("E7", 200, False, "half")
    assert error.response.json() == {"error": "node 3"}


@pytest.mark.parametrize("refusal", [ConfigurationError("mend it"), UnsupportedFeatureError("files", "it has none")])
def test_an_error_of_before_anything_is_sent_is_raised_as_it_is(play, refusal):
    bridge = play({"*": refusal})
    for _ in range(2):
        assert str(raised(lambda: bridge.invoke("support", "hi"), type(refusal))) == str(refusal)


def test_of_a_list_each_request_gets_one_and_the_last_stays(play):
    bridge = play({"support": ["one", "two"]})
    assert [bridge.invoke("support", "hi").text for _ in range(3)] == ["one", "two", "two"]


@pytest.mark.parametrize(
    "more",
    [
        {"fault": Fault(FaultKind.RATE_LIMITED, "slow down", retry_after=7)},
        {"response": HttpResponse(429, {"retry-after": "7"}, b"")},
        {
            "fault": Fault(FaultKind.RATE_LIMITED, "slow down", retry_after=7),
            "response": HttpResponse(429, {"retry-after": "9"}, b""),
        },
    ],
)
def test_a_busy_vendor_is_asked_again_by_the_real_retries_without_sleeping(play, more):
    busy = RateLimitError("slow down", **more)
    bridge = play({"support": [busy, "at last"]})
    result = bridge.invoke("support", "hi")
    assert (result.text, result.attempts, result.elapsed, bridge.slept) == ("at last", 2, 7.0, [7.0])
    assert len(bridge.calls) == 1


def test_fallback_asks_the_next_vendor(play):
    bridge = play({"support@flowgent": UnavailableError("busy"), "support@flowise": "here"})
    result = bridge.invoke("support@flowgent,flowise", "hi", retry=ONCE)
    assert (result.text, result.provider, [one.connection for one in result.tried]) == ("here", "flowise", ["flowgent"])
    assert bridge.calls.texts == ["hi"]


def test_a_function_answers_what_it_is_asked(play):
    bridge = play({"*": lambda invocation: f"{invocation.target} says {invocation.text.upper()}"})
    assert bridge.invoke("support", "hi").text == "support says HI"


def test_a_function_may_raise_an_error_of_the_tree_which_is_retried_like_any(play):
    def answer(invocation):
        asked.append(invocation)
        if len(asked) == 1:
            raise UnavailableError("busy")
        return Delayed(2, "done")

    asked = []
    result = play({"*": answer}).invoke("support", "hi")
    assert (result.text, result.attempts, len(asked)) == ("done", 2, 2)


def test_a_mistake_in_a_function_comes_out_as_it_is(play):
    raised(lambda: play({"*": lambda invocation: {}["nothing"]}).invoke("support", "hi"), KeyError)
    raised(lambda: play({"*": lambda invocation: 7}).invoke("support", "hi"), ConfigurationError)


def test_a_delay_takes_time_by_the_clock_of_the_bridge_alone(play):
    assert play({"*": Delayed(3_000, "slow")}).invoke("support", "hi", timeouts=Timeouts(answer=None)).elapsed == 3_000


@pytest.mark.parametrize(
    ("timeouts", "kind", "elapsed"),
    [(Timeouts(answer=5), ResponseTimeoutError, 5), (Timeouts(total=4, answer=5), DeadlineExceededError, 4)],
)
def test_a_delay_beyond_a_timeout_is_that_timeout(play, timeouts, kind, elapsed):
    bridge = play({"*": Delayed(10, "slow")})
    error = raised(lambda: bridge.invoke("support", "hi", timeouts=timeouts), kind)
    assert error.may_have_run
    assert bridge.bridge._stage.now() == elapsed


def test_a_stream_yields_its_pieces_and_ends_in_a_result(play):
    tool = ToolCall("search", {"q": "login"})
    seen = []
    told = Streamed("Hel", Delayed(2, "lo"), ReasoningDelta("hm"), ToolCalled(tool), SourcesFound((Source("doc"),)))
    result = play({"support": told}).streamed("support", "hi", seen=seen)
    assert seen[:-1] == [
        Started(), TextDelta("Hel"), TextDelta("lo"), ReasoningDelta("hm"), ToolCalled(tool), SourcesFound((Source("doc"),))
    ]  # fmt: skip
    assert (result.text, result.tool_calls, result.sources, result.elapsed) == ("Hello", (tool,), (Source("doc"),), 2)
    assert not result.synthetic


def test_a_stream_may_end_in_a_result_of_its_own(play):
    told = Streamed("Hel", "lo", Result(text="Hello.", output="Hello.", id="m-1"))
    result = play({"*": told}).streamed("support", "hi", seen=[])
    assert (result.text, result.id) == ("Hello.", "m-1")


def test_what_was_streamed_once_can_be_scripted_as_it_is(play):
    first, again = [], []
    play({"*": Streamed("a", "b")}).streamed("support", "hi", seen=first)
    play({"*": Streamed(*first)}).streamed("support", "hi", seen=again)
    assert [type(event) for event in again] == [type(event) for event in first]
    assert again[-1].result.text == "ab"


def test_an_answer_that_is_no_stream_is_streamed_from_the_finished_answer(play):
    seen = []
    result = play({"*": "Hello"}).streamed("support", "hi", seen=seen)
    assert (seen[:2], result.synthetic) == ([Started(), TextDelta("Hello")], True)


def test_who_does_not_stream_gets_a_stream_whole(play):
    result = play({"*": Streamed("Hel", Delayed(2, "lo"))}).invoke("support", "hi")
    assert (result.text, result.elapsed) == ("Hello", 2)


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        (StreamInterruptedError("gone"), StreamInterruptedError),
        (TransportError("gone"), StreamInterruptedError),
        (ResponseTimeoutError("silent"), ResponseTimeoutError),
        (ExecutionError("node 3 failed"), ExecutionError),
    ],
)
def test_a_stream_that_breaks_off_has_the_text_so_far(play, end, kind):
    seen = []
    error = raised(lambda: play({"*": Streamed("Hel", end)}).streamed("support", "hi", seen=seen), kind)
    assert (seen, error.partial.text) == ([Started(), TextDelta("Hel")], "Hel")
    whole = raised(lambda: play({"*": Streamed("Hel", end)}).invoke("support", "hi", retry=ONCE), type(end))
    assert whole.partial.text == "Hel"


@pytest.mark.parametrize(
    ("timeouts", "kind"),
    [
        (Timeouts(idle=5), ResponseTimeoutError),
        (Timeouts(content=5), ResponseTimeoutError),
        (Timeouts(total=5), DeadlineExceededError),
    ],
)
def test_a_stream_that_pauses_for_too_long_is_ended_by_the_real_timeouts(play, timeouts, kind):
    told = Streamed("Hel", Delayed(9, "lo"))
    error = raised(lambda: play({"*": told}).streamed("support", "hi", seen=[], timeouts=timeouts), kind)
    assert error.partial.text == "Hel"


def test_a_stream_that_fails_before_its_content_is_tried_again(play):
    seen = []
    result = play({"*": [UnavailableError("busy"), Streamed("a", "b")]}).streamed("support", "hi", seen=seen)
    assert (result.text, result.attempts, seen[0]) == ("ab", 2, Started())


def test_a_failed_tool_is_an_error_or_reported_by_the_real_rule(play):
    said = Result(text="no", output="no", tool_calls=[ToolCall("search", error="down")])
    bridge = play({"*": said})
    assert raised(lambda: bridge.invoke("support", "hi"), ToolExecutionError).partial.text == "no"
    assert bridge.invoke("support", "hi", tool_errors="report").tool_calls[0].error == "down"


def test_a_run_that_is_accepted_is_polled_to_its_end(play):
    bridge = play({"support": [Pending("poll", "run-1", after=5), Pending("poll", "run-1"), "done"]})
    result = bridge.invoke("support", "hi")
    assert (result.text, bridge.slept, len(bridge.calls)) == ("done", [5, 2], 1)


def test_a_run_is_submitted_and_waited_for(play):
    bridge = play({"support": [Pending("poll", "run-1"), Pending("poll", "run-1"), "done"]})
    pending = bridge.submit("support", "hi")
    assert (pending.id, pending.result) == ("run-1", None)
    assert bridge.poll(Pending.from_dict(pending.to_dict())).id == "run-1"
    assert bridge.wait(pending).text == "done"


def test_a_lost_answer_is_recovered_where_the_vendor_lets_it_be_found(play):
    bridge = play({"flowise:abc": [ResponseTimeoutError("silent"), "found"]})
    error = raised(lambda: bridge.invoke("flowise:abc", "hi", retry=ONCE), ResponseTimeoutError)
    assert bridge.recover(error).text == "found"


def test_a_paused_run_is_resumed(play):
    pause = Result(
        text="",
        output=None,
        status="waiting_for_input",
        interrupt=Interrupt("Send it?", ("yes", "no")),
        session_id="s-1",
    )
    bridge = play({"support": [pause, "sent"]})
    paused = bridge.invoke("support", "write to Ann")
    assert paused.interrupt.question == "Send it?"
    assert bridge.resume(paused, "yes").text == "sent"
    assert bridge.calls[-1].options == {"scripted": {"decision": "yes", "feedback": None}}


def test_observers_are_told(play):
    told = []
    play({"*": "hi"}, observers=[told.append]).invoke("support", "hi")
    assert isinstance(told[-1], InvocationFinished)


def test_another_endpoint_of_a_vendor_is_refused_with_the_way_to_test_it(play):
    from agentbridge_flowise import Ping

    error = raised(lambda: play({"*": "hi"}).call(Ping()), ConfigurationError)
    assert "agentbridge_emulators" in str(error)


def test_many_calls_at_once_are_each_made_once():
    with scripted({"*": lambda invocation: invocation.text}) as bridge:
        calls = [Invocation(target="support", text=str(number)) for number in range(200)]
        outcomes = list(bridge.map(calls, concurrency=8, ordered=True))
    assert [outcome.result.text for outcome in outcomes] == [str(number) for number in range(200)]
    assert sorted(bridge.calls.texts, key=int) == [str(number) for number in range(200)]


def test_calls_are_found_by_target_and_by_agent():
    with scripted({"*": "hi"}) as bridge:
        for target in ("support", "support@flowise", "sales"):
            bridge.invoke(target, f"to {target}")
    assert bridge.calls.to("support").texts == ["to support", "to support@flowise"]
    assert bridge.calls.to("support@flowise").only.text == "to support@flowise"
    with pytest.raises(
        AssertionError, match="expected one call, and there were 3: 'support', 'support@flowise', 'sales'"
    ):
        _ = bridge.calls.only


def test_no_key_is_asked_for_and_no_environment_needed(play, monkeypatch):
    monkeypatch.delenv("FLOWISE_BASE_URL", raising=False)
    assert play({"flowise:abc": "hi"}).invoke("flowise:abc", "hi").text == "hi"
    assert play({"*": "hi"}, config=SUPPORT).invoke("flowise-eu:abc", "hi").provider == "flowise"


def test_a_vendor_whose_plugin_is_not_installed_is_scripted_all_the_same(play):
    result = play({"acme:abc": "hi"}).invoke("acme:abc", "hi", user_id="u", files=[], inputs={"a": 1})
    assert (result.text, result.connection, result.provider) == ("hi", "acme", "scripted")


@pytest.mark.parametrize(
    "answers",
    [
        {"support": 7},
        {"support": None},
        {"support": []},
        {"support": ["hi", {}]},
        {"support": RateLimitError},
        {"support": ValueError("x")},
        {"": "hi"},
        {7: "hi"},
        ["support"],
    ],
)
def test_what_is_no_answer_is_refused_when_the_bridge_is_made(answers):
    with pytest.raises(ConfigurationError):
        scripted(answers)


@pytest.mark.parametrize(
    "made",
    [
        lambda: Streamed("a", 7),
        lambda: Streamed(Result(text="", output=""), "a"),
        lambda: Streamed(ConfigurationError("x")),
        lambda: Delayed(-1, "x"),
        lambda: Delayed("x", 1),
    ],
)
def test_what_is_no_stream_or_no_delay_is_refused(made):
    with pytest.raises(ConfigurationError):
        made()


def test_a_scripted_bridge_says_what_is_scripted():
    with scripted({"support": "hi"}) as bridge:
        bridge.invoke("support", "hi")
        assert repr(bridge) == "<ScriptedBridge: 'support'; 1 calls>"


def test_scripting_needs_no_pytest():
    import subprocess
    import sys

    code = "import sys, agentbridge.testing as t; t.scripted({}); assert 'pytest' not in sys.modules, 'pytest'"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
