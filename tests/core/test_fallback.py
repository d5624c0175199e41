"""The next vendor where the first one could not: in both worlds, for calls, streams and submitted runs."""

from __future__ import annotations

import gc
import pickle
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import attrs
import httpx
import pytest
import servers
from test_pending import Later
from test_sessions import waiting
from vendor import Talking, Tiny

from agentbridge import (
    Agent,
    Binding,
    Bridge,
    ConfigurationError,
    Connection,
    HttpResponse,
    InvocationError,
    Limits,
    Pending,
    Registry,
    RequestSent,
    Result,
    RetryPolicy,
    Timeouts,
    Tried,
    UnknownTargetError,
    UnsupportedFeatureError,
    errors,
)
from agentbridge.callbacks import CallbackReceiver
from agentbridge.events import Completed, Started, TextDelta
from agentbridge.testing import MemoryTransport

KEY = "canary-key-7f3a"
OK = servers.answer("200 OK", b'{"text": "hi"}')
BUSY = servers.answer("503 Busy", b'{"message": "busy"}')
NEVER_RAN = {
    "refused": servers.answer("401 No", b'{"message": "no"}'),
    "unknown": servers.answer("404 No", b'{"message": "no"}'),
    "too many": servers.answer("429 No", b'{"message": "no"}', "Retry-After: 300"),
    "busy": BUSY,
}
MAY_HAVE_RUN = {
    "failed": servers.answer("500 No", b'{"message": "no"}'),
    "gave up": servers.answer("502 No", b'{"message": "no"}'),
    "unreadable": servers.answer("200 OK", b"{}"),
    "cut off": servers.half_a_body,
    "lost": servers.hang_up,
    "silent": servers.silence,
}
QUICK = RetryPolicy(attempts=2, first_delay=0)


def piped(*events: str) -> servers.Script:
    """A stream of these events, to its end."""
    body = "".join(f"data: {event}\n\n" for event in events).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n"
    return lambda connection, _: connection.sendall(head.encode() + body)


def registry() -> Registry:
    found = Registry(())
    for provider in (Tiny(), Talking(), Later()):
        found.register(provider)
    return found


def vendors(provider: str, *urls: str, **options: Any) -> dict[str, Any]:
    """Arguments of a Bridge whose agent "support" is at the vendors "one", "two" ... in this order."""
    names = ["one", "two", "three"][: len(urls)]
    connections = {name: Connection(provider, url, KEY) for name, url in zip(names, urls, strict=True)}
    agent = Agent(on={name: Binding(agent=f"agent-{name}") for name in names}, default=names)
    settings = {"retry": QUICK, "timeouts": Timeouts(answer=0.4), **options}
    return {"config": {}, "connections": connections, "agents": {"support": agent}, "registry": registry(), **settings}


@pytest.fixture
def serve() -> Iterator[Any]:
    with ExitStack() as stack:
        yield lambda *scripts: [stack.enter_context(servers.serving(script)) for script in scripts]


# what never ran is tried at the next


@pytest.mark.parametrize("script", NEVER_RAN.values(), ids=NEVER_RAN)
def test_a_run_that_never_began_goes_to_the_next_vendor(open_bridge, serve, script):
    one, two = serve(script, OK)
    bridge = open_bridge(**vendors("tiny", one.url, two.url))
    result = bridge.invoke("support", "hello")
    assert (result.text, result.connection, result.agent) == ("hi", "two", "agent-two")
    assert len(two.requests) == 1
    assert result.attempts == len(one.requests) + 1


def test_a_vendor_that_cannot_be_reached_is_passed_over(open_bridge, serve):
    (two,) = serve(OK)
    bridge = open_bridge(**vendors("tiny", "http://127.0.0.1:9", two.url))
    result = bridge.invoke("support", "hello")
    (tried,) = result.tried
    assert (tried.connection, tried.agent, tried.error, tried.status) == (
        "one",
        "agent-one",
        "ConnectionFailedError",
        None,
    )
    assert "127.0.0.1:9" in tried.message


def test_the_result_tells_what_was_tried_before(open_bridge, serve):
    one, two, three = serve(BUSY, NEVER_RAN["refused"], OK)
    bridge = open_bridge(**vendors("tiny", one.url, two.url, three.url))
    result = bridge.invoke("support", "hello")
    assert result.tried == (
        Tried("one", "agent-one", "UnavailableError", "[tiny] busy (HTTP 503, 2 attempts)", 503, 2),
        Tried("two", "agent-two", "AuthenticationError", "[tiny] no (HTTP 401, 3 attempts)", 401, 1),
    )
    assert Result.from_dict(result.to_dict()).tried == pickle.loads(pickle.dumps(result)).tried == result.tried


@pytest.mark.parametrize("script", MAY_HAVE_RUN.values(), ids=MAY_HAVE_RUN)
def test_what_may_have_run_is_never_run_again_elsewhere(open_bridge, serve, script):
    one, two = serve(script, OK)
    bridge = open_bridge(**vendors("tiny", one.url, two.url))
    with pytest.raises(InvocationError) as caught:
        bridge.invoke("support", "hello")
    assert (caught.value.connection, caught.value.may_have_run, caught.value.tried) == ("one", True, ())
    assert (len(one.requests), two.requests) == (1, [])


def test_each_vendor_has_its_own_retries_and_attempts_are_all_that_were_sent(open_bridge, serve):
    found = serve(BUSY, BUSY, BUSY)
    bridge = open_bridge(**vendors("tiny", *(server.url for server in found), retry=RetryPolicy(3, first_delay=0)))
    with pytest.raises(errors.UnavailableError) as caught:
        bridge.invoke("support", "hello")
    assert [len(server.requests) for server in found] == [3, 3, 3]
    assert caught.value.attempts == 9
    assert [one.attempts for one in caught.value.tried] == [3, 3]


def test_the_error_at_the_end_is_the_last_ones_and_pickles_with_what_was_tried(open_bridge, serve):
    one, two = serve(BUSY, NEVER_RAN["unknown"])
    bridge = open_bridge(**vendors("tiny", one.url, two.url))
    with pytest.raises(errors.NotFoundError) as caught:
        bridge.invoke("support", "hello")
    assert (caught.value.connection, [tried.connection for tried in caught.value.tried]) == ("two", ["one"])
    assert pickle.loads(pickle.dumps(caught.value)).tried == caught.value.tried


def test_what_was_tried_holds_no_secret(open_bridge, serve):
    one, two = serve(servers.answer("401 No", f'{{"message": "bad key {KEY}"}}'.encode()), OK)
    result = open_bridge(**vendors("tiny", one.url, two.url)).invoke("support", "hello")
    assert "bad key ***" in result.tried[0].message
    assert KEY not in repr(result.to_dict())


# one total time


def played(open_bridge: Any, answers: list[HttpResponse], **options: Any) -> tuple[Any, MemoryTransport]:
    transport = MemoryTransport(answers)
    probe = open_bridge(config={})
    given = transport.asynchronous() if probe.world == "async" else transport
    return open_bridge(**vendors("tiny", "http://1.invalid", "http://2.invalid", transport=given, **options)), transport


WAIT_20 = HttpResponse(503, {"retry-after": "20"}, b'{"message": "busy"}')


def test_one_total_time_spans_all_vendors(open_bridge):
    bridge, transport = played(open_bridge, [WAIT_20], timeouts=Timeouts(total=30))
    with pytest.raises(errors.UnavailableError) as caught:
        bridge.invoke("support", "hello")
    assert (transport.slept, caught.value.attempts) == ([20.0], 3)  # the second one has no 20 s left
    assert {send.deadline for send in transport.sent} == {30.0}


def test_no_vendor_is_asked_after_the_total_time(open_bridge):
    def slow(_: Any) -> HttpResponse:
        transport.sleep(31)
        return HttpResponse(503, {}, b'{"message": "busy"}')

    bridge, transport = played(open_bridge, [slow], timeouts=Timeouts(total=30))
    with pytest.raises(errors.DeadlineExceededError) as caught:
        bridge.invoke("support", "hello")
    assert (len(transport.sent), caught.value.may_have_run, len(caught.value.tried)) == (1, False, 1)


def test_the_time_of_all_vendors_is_counted(open_bridge):
    ok = HttpResponse(200, {}, b'{"text": "hi"}')
    bridge, _ = played(open_bridge, [WAIT_20, WAIT_20, WAIT_20, ok])
    result = bridge.invoke("support", "hello")
    assert (result.connection, result.elapsed, result.attempts) == ("two", 40.0, 4)


# streams and submitted runs


def test_a_stream_that_fails_before_its_content_goes_to_the_next_vendor_and_starts_once(open_bridge, serve):
    one, two = serve(piped("!busy"), piped("he", "llo", "[DONE]"))
    bridge, seen = open_bridge(**vendors("talking", one.url, two.url, retry=RetryPolicy(1))), []
    result = bridge.stream("support", "hello", seen=seen, session_id="s-1")
    assert [type(event) for event in seen] == [Started, TextDelta, TextDelta, Completed]
    assert (result.text, result.connection, result.tried[0].error) == ("hello", "two", "UnavailableError")
    assert seen[-1].result == result


@pytest.mark.parametrize("script", NEVER_RAN.values(), ids=NEVER_RAN)
def test_a_stream_that_is_refused_goes_to_the_next_vendor(open_bridge, serve, script):
    one, two = serve(script, piped("hi", "[DONE]"))
    bridge, seen = open_bridge(**vendors("talking", one.url, two.url)), []
    assert bridge.stream("support", "hello", seen=seen).connection == "two"
    assert [type(event) for event in seen] == [Started, TextDelta, Completed]


def test_a_stream_whose_first_vendor_answers_is_not_delayed_and_not_asked_twice(open_bridge, serve):
    one, two = serve(piped("hi", "[DONE]"), OK)
    bridge, seen = open_bridge(**vendors("talking", one.url, two.url)), []
    assert bridge.stream("support", "hello", seen=seen).tried == ()
    assert [type(event) for event in seen] == [Started, TextDelta, Completed]
    assert two.requests == []


def test_a_stream_that_gave_content_never_goes_to_another_vendor(open_bridge, serve):
    one, two = serve(piped("half", "!busy"), OK)
    bridge, seen = open_bridge(**vendors("talking", one.url, two.url)), []
    with pytest.raises(errors.UnavailableError) as caught:
        bridge.stream("support", "hello", seen=seen)
    assert [type(event) for event in seen] == [Started, TextDelta]
    assert (caught.value.partial.text, caught.value.may_have_run, two.requests) == ("half", True, [])


def test_a_stream_with_nothing_in_it_still_starts_before_it_completes(open_bridge, serve):
    one, two = serve(piped("[DONE]"), OK)
    bridge, seen = open_bridge(**vendors("talking", one.url, two.url)), []
    bridge.stream("support", "hello", seen=seen)
    assert [type(event) for event in seen] == [Started, Completed]


def test_a_stream_that_was_left_is_found_again_at_the_vendor_that_answers(serve):
    class Found(Talking):
        def recover(self, request):
            return Pending("poll", request.url)

    one, two = serve(BUSY, piped("he", "llo", "[DONE]"))
    options = vendors("talking", one.url, two.url)
    options["registry"] = Registry(())
    options["registry"].register(Found())
    with Bridge(**options) as bridge, bridge.stream("support", "hello") as events:
        next(events)
        assert (events.pending.connection, events.pending.id) == ("two", f"{two.url}/run/agent-two")


def test_a_submitted_run_goes_to_the_next_vendor_and_is_asked_for_there(open_bridge, serve):
    def accepting(connection: Any, over: Any) -> None:
        servers.answer("202 OK" if len(two.requests) == 1 else "200 OK", bodies[len(two.requests) - 1])(
            connection, over
        )

    bodies = [b'{"run": "r-1"}', b'{"text": "hi"}']
    one, two = serve(BUSY, accepting)
    bridge = open_bridge(**vendors("later", one.url, two.url))
    pending = bridge.submit("support", "hello")
    assert (pending.connection, pending.agent, pending.id) == ("two", "agent-two", "r-1")
    assert bridge.wait(pending).text == "hi"
    assert len(one.requests) == 2


def test_an_accepted_run_is_never_started_elsewhere(open_bridge, serve):
    def accepted_and_gone(connection: Any, over: Any) -> None:
        first = len(one.requests) == 1
        servers.answer("202 OK" if first else "404 Gone", b'{"run": "r-1", "failed": "x"}')(connection, over)

    one, two = serve(accepted_and_gone, OK)
    bridge = open_bridge(**vendors("later", one.url, two.url, timeouts=Timeouts(answer=5)))
    with pytest.raises(InvocationError) as caught:
        bridge.invoke("support", "hello")
    assert (caught.value.connection, caught.value.may_have_run, two.requests) == ("one", True, [])


# all are planned before anything is sent


def test_what_the_second_vendor_cannot_carry_is_refused_before_the_first_is_asked(open_bridge, serve):
    one, two = serve(OK, OK)
    options = vendors("tiny", one.url, two.url)
    options["agents"] = {
        "support": Agent(
            on={"one": Binding(agent="a", template="{text} {x}"), "two": Binding(agent="b")},
            default=["one", "two"],
        )
    }
    with pytest.raises(
        UnsupportedFeatureError, match=r"inputs\['x'\].*this is 'two', candidate 2 of 2; fallback=False"
    ):
        open_bridge(**options).invoke("support", "hello", inputs={"x": "y"})
    assert one.requests == two.requests == []


def test_a_connection_of_the_chain_that_is_not_there_is_named(open_bridge, serve):
    (one,) = serve(OK)
    options = vendors("tiny", one.url)
    on = {"one": Binding(agent="a"), "won": Binding(agent="b")}
    options["agents"] = {"support": Agent(on=on, default=["one", "won"])}
    with pytest.raises(
        UnknownTargetError, match=r"no connection 'won' \(there: one\)\. Did you mean 'one'\?.*candidate 2"
    ):
        open_bridge(**options).invoke("support", "hello")
    assert one.requests == []


BAD_TARGETS = {
    "support@one,tow": (UnknownTargetError, r"agent 'support' is not bound to 'tow'.*Did you mean 'two'\?"),
    "support@one,": (UnknownTargetError, r"has no default: say which|not bound to ''"),
    "support@one,two,one": (ConfigurationError, r"target 'support@one,two,one' names 'one' twice"),
}


@pytest.mark.parametrize(("target", "expected"), BAD_TARGETS.items(), ids=BAD_TARGETS)
def test_a_wrong_chain_is_refused_before_anything_is_sent(open_bridge, target, expected):
    bridge, transport = played(open_bridge, [WAIT_20])
    with pytest.raises(expected[0], match=expected[1]):
        bridge.invoke(target, "hello")
    assert transport.sent == []


BAD_DEFAULTS = {
    "a name that is not bound": (["one", "tow"], r"default names 'tow', but there is no .*Did you mean 'two'\?"),
    "a name twice": (["one", "two", "one"], r"agents\.support\.default names 'one' twice"),
    "no name": ([], r"agents\.support\.default is empty"),
}


@pytest.mark.parametrize(("default", "message"), BAD_DEFAULTS.values(), ids=BAD_DEFAULTS)
@pytest.mark.parametrize("as_value", [True, False], ids=["Agent", "file"])
def test_a_wrong_default_is_refused_when_it_is_read(default, message, as_value):
    on = {"one": {"agent": "a"}, "two": {"agent": "b"}}
    with pytest.raises(ConfigurationError, match=message):
        if as_value:
            bound = {name: Binding(**binding) for name, binding in on.items()}
            Bridge({}, agents={"support": Agent(on=bound, default=default)})
        else:
            Bridge({"agents": {"support": {"default": default, "on": on}}})


def test_a_client_of_the_callers_and_a_proxy_of_the_second_vendor_is_refused_before_anything_is_sent(serve):
    one, two = serve(BUSY, OK)
    options = vendors("tiny", one.url, two.url)
    options["connections"]["two"] = attrs.evolve(options["connections"]["two"], proxy="http://127.0.0.1:9")
    del options["timeouts"]
    with httpx.Client() as client, Bridge(**options, http_client=client) as bridge:
        with pytest.raises(ConfigurationError, match="http_client's own business"):
            bridge.invoke("support", "hello")
    assert one.requests == []


# what else there is


def test_a_chain_can_be_said_by_the_target(open_bridge, serve):
    one, two = serve(OK, BUSY)
    bridge = open_bridge(**vendors("tiny", one.url, two.url))
    assert bridge.invoke("support@two, one", "hello").connection == "one"
    assert (len(two.requests), len(one.requests)) == (2, 1)


@pytest.mark.parametrize("way", ["invoke", "stream", "submit"])
def test_falling_back_can_be_turned_off_for_a_call(open_bridge, serve, way):
    one, two = serve(BUSY, OK)
    bridge = open_bridge(**vendors("later" if way == "submit" else "talking", one.url, two.url))
    extra = {"seen": []} if way == "stream" else {}
    with pytest.raises(errors.UnavailableError) as caught:
        getattr(bridge, way)("support", "hello", fallback=False, **extra)
    assert (caught.value.connection, caught.value.tried, two.requests) == ("one", (), [])


def test_what_turns_falling_back_off_is_a_bool(open_bridge):
    with pytest.raises(ConfigurationError, match="fallback takes True or False, not 'no'"):
        open_bridge(**vendors("tiny", "http://1.invalid")).invoke("support", "hello", fallback="no")


def test_each_vendor_is_reached_over_its_own_proxy(open_bridge, serve):
    (two,) = serve(OK)
    options = vendors("tiny", "http://127.0.0.1:8", two.url)
    options["connections"]["one"] = attrs.evolve(options["connections"]["one"], proxy="http://127.0.0.1:9")
    assert open_bridge(**options).invoke("support", "hello").connection == "two"


def test_prepare_shows_the_first_vendor_and_agents_show_them_all(open_bridge):
    bridge = open_bridge(**vendors("tiny", "http://1.invalid", "http://2.invalid"))
    assert bridge.prepare("support", "hello").request.url == "http://1.invalid/run/agent-one"
    assert bridge.bridge.agents["support"].default == ("one", "two")


def test_an_address_for_callbacks_is_for_one_vendor(open_bridge, tmp_path):
    class CallingBack(Later):
        accepts = Later.accepts | {"callback_url"}

        def read_callback(self, callback):
            return None

    options = vendors("later", "http://1.invalid", "http://2.invalid")
    options["registry"] = Registry(())
    options["registry"].register(CallingBack())
    bridge = open_bridge(**options)
    receiver = CallbackReceiver("https://me.example.com", store=tmp_path / "answers.db")
    with pytest.raises(ConfigurationError, match="callbacks= makes an address for one vendor"):
        bridge.submit("support", "hello", callbacks=receiver)


def test_the_places_of_a_vendor_that_could_not_are_given_back(serve):
    one, two = serve(BUSY, piped("he", "llo", "[DONE]"))
    options = vendors("talking", one.url, two.url)
    options["connections"]["one"] = attrs.evolve(options["connections"]["one"], limits=Limits(in_flight=1))
    with Bridge(**options) as bridge, bridge.stream("support", "hello", session_id="s-1") as events:
        next(events)
        assert waiting(bridge) == 1  # the session at the second one
        with pytest.raises(errors.UnavailableError):
            bridge.invoke("one:a", "hello", session_id="s-1")


def test_a_limit_that_leaves_no_room_is_a_reason_to_ask_the_next_vendor(open_bridge, serve):
    one, two = serve(OK, OK)
    options = vendors("tiny", one.url, two.url, timeouts=Timeouts(total=5))
    options["connections"]["one"] = attrs.evolve(options["connections"]["one"], limits=Limits(calls=1))
    bridge = open_bridge(**options)
    assert [bridge.invoke("support", "hello").connection for _ in range(2)] == ["one", "two"]
    assert len(one.requests) == 1


def test_a_stream_that_is_dropped_after_it_went_on_lets_go_of_what_it_holds(serve):
    one, two = serve(BUSY, piped("he", "llo", "[DONE]"))
    with Bridge(**vendors("talking", one.url, two.url)) as bridge:
        stream = bridge.stream("support", "hello", session_id="s-1")
        stream.__enter__()
        assert waiting(bridge) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # it was never closed, and that may be said
            del stream
            gc.collect()
        assert waiting(bridge) == 0


def test_observers_are_told_which_vendor_each_request_goes_to_in_one_call(open_bridge, serve):
    one, two = serve(BUSY, OK)
    seen: list[Any] = []
    options = vendors("tiny", one.url, two.url, retry=RetryPolicy(1), observers=[seen.append])
    options["connections"]["two"] = attrs.evolve(options["connections"]["two"], api_key="canary-key-two")
    bridge = open_bridge(**options)
    bridge.invoke("support", f"my keys are {KEY} and canary-key-two")
    sent = [observation for observation in seen if isinstance(observation, RequestSent)]
    assert [observation.request.url for observation in sent] == [f"{one.url}/run/agent-one", f"{two.url}/run/agent-two"]
    assert [type(observation).__name__ for observation in seen] == [
        "InvocationStarted", "RequestSent", "AnswerReceived", "RequestSent", "AnswerReceived", "InvocationFinished",
    ]  # fmt: skip
    assert [observation.connection for observation in seen] == ["one"] * 3 + ["two"] * 3
    assert len({observation.id for observation in seen}) == 1
    assert KEY not in repr(seen)
    assert "canary-key-two" not in repr(seen[3:])
