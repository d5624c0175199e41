"""The exchange without a clock and without I/O: what it asks for, given what it is told."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, strategies as st

from agentbridge import (
    Fault,
    FaultKind,
    HttpRequest,
    HttpResponse,
    Pending,
    Result,
    RetryPolicy,
    Timeouts,
    ToolCall,
    errors,
    fault_from_status,
)
from agentbridge.body import encode
from agentbridge.commands import Happened, Send
from agentbridge.exchange import run
from agentbridge.exchange.plans import RunPlan
from agentbridge.verdict import Asked
from agentbridge.wire import NoAnswer, Sleep

OK = HttpResponse(200, {}, b'{"text": "hi"}')
START = HttpRequest("POST", "https://vendor.invalid/run", json={})
POLL = HttpRequest("GET", "https://vendor.invalid/run/1")


def read(response: HttpResponse) -> Any:
    """A vendor of our own: 202 is pending, an `error` in a 2xx is a fault with that status inside."""
    if response.status == 202:
        return Pending("poll", "run-1", after=2.0)
    if not response.ok:
        return fault_from_status(response.status)
    body = response.json()
    if "error" in body:
        return fault_from_status(body["error"], "inner", code=body["error"])
    return Result(
        text=body["text"], output=body["text"], tool_calls=tuple(ToolCall(**call) for call in body.get("tools", ()))
    )


def plan(**changes: Any) -> RunPlan:
    fields: dict[str, Any] = {
        "asked": Asked(provider="vendor", connection="account", agent="a-1", request=START),
        "send": Send(START, START.url, encode(START)),
        "timeouts": Timeouts(),
        "retry": RetryPolicy(),
        "luck": lambda: 1.0,
        "read": read,
        "build_poll": lambda _: Send(POLL, POLL.url, encode(POLL)),
        "tool_errors": "raise",
    }
    return RunPlan(**{**fields, **changes})


class Played:
    """An exchange played against a list of answers; a tuple is an answer that took so many seconds."""

    def __init__(self, answers: list[Any], **changes: Any) -> None:
        self.sent: list[str] = []
        self.slept: list[float] = []
        self.now = 100.0
        self.result: Any = None
        self.error: Any = None
        steps = run(plan(**changes), self.now)
        waiting = iter(answers)
        try:
            command = next(steps)
            while True:
                command = steps.send(self._perform(command, waiting))
        except StopIteration as stop:
            self.result = stop.value
        except errors.AgentBridgeError as error:
            self.error = error

    def _perform(self, command: Any, waiting: Any) -> Happened:
        if isinstance(command, Sleep):
            self.slept.append(command.seconds)
            self.now += command.seconds
            return Happened(self.now, 0.0)
        self.sent.append(command.request.method)
        answer = next(waiting)
        if isinstance(answer, tuple):
            answer, seconds = answer
            self.now += seconds
        return Happened(self.now, 0.0, answer)


def inner(status: int) -> HttpResponse:
    return HttpResponse(200, {}, b'{"error": %d}' % status)


def test_an_answer_is_filled_in_by_the_core_once():
    asked = attrs.evolve(plan().asked, session_id="s-1", dropped=("user_id",))
    played = Played([(OK, 1.5)], asked=asked)
    result = played.result
    assert (result.provider, result.connection, result.agent, result.session_id) == ("vendor", "account", "a-1", "s-1")
    assert (result.dropped, result.attempts, result.elapsed) == (("user_id",), 1, 1.5)
    assert result.response == attrs.evolve(OK, request=START)


def test_a_busy_vendor_inside_a_200_is_retried_like_a_503():
    for busy in (HttpResponse(503), inner(503)):
        played = Played([busy, busy, OK])
        assert (played.result.attempts, played.sent, played.slept) == (3, ["POST"] * 3, [0.5, 1.0])


@pytest.mark.parametrize(
    "answer",
    [
        HttpResponse(502), HttpResponse(504), HttpResponse(500), HttpResponse(408), HttpResponse(425), HttpResponse(522),
        inner(500), inner(502), HttpResponse(200), HttpResponse(200, {}, b"<html>"), NoAnswer("timeout"), NoAnswer("lost"),
    ],
)  # fmt: skip
def test_nothing_that_may_have_run_is_sent_again(answer):
    played = Played([answer])
    assert played.sent == ["POST"]
    assert (played.error.may_have_run, played.error.attempts) == (True, 1)


@pytest.mark.parametrize(
    "answer", [HttpResponse(400), HttpResponse(401), HttpResponse(403), HttpResponse(302), inner(402)]
)
def test_what_will_not_get_better_is_not_tried_again(answer):
    played = Played([answer])
    assert (played.sent, played.error.retryable, played.error.may_have_run) == (["POST"], False, False)


def test_retry_unsafe_sends_again_what_may_have_run():
    assert Played([HttpResponse(502), OK], retry=RetryPolicy(retry_unsafe=True)).result.attempts == 2


def test_an_idempotent_request_is_sent_again_though_it_may_have_run():
    send = attrs.evolve(plan().send, request=attrs.evolve(START, idempotent=True))
    assert Played([NoAnswer("lost"), OK], send=send).result.attempts == 2


def test_what_may_have_run_once_stays_so_whatever_a_later_answer_says():
    played = Played([HttpResponse(502), HttpResponse(401)], retry=RetryPolicy(retry_unsafe=True))
    assert (type(played.error), played.error.may_have_run) == (errors.AuthenticationError, True)


@given(statuses=st.lists(st.sampled_from([503, 429]), min_size=1, max_size=8), attempts=st.integers(1, 6))
def test_attempts_are_exactly_the_requests_sent(statuses, attempts):
    played = Played([*(HttpResponse(status) for status in statuses), OK], retry=RetryPolicy(attempts=attempts))
    outcome = played.result or played.error
    assert outcome.attempts == len(played.sent) == min(attempts, len(statuses) + 1)


def test_retry_after_is_waited_for_and_a_longer_one_than_the_cap_is_raised():
    waited = Played([HttpResponse(429, {"Retry-After": "7"}), OK])
    assert waited.slept == [7.0]
    raised = Played([HttpResponse(429, {"Retry-After": "31"})])
    assert (raised.slept, raised.error.retry_after) == ([], 31.0)


def test_full_jitter_scales_the_delay_by_luck():
    assert Played([HttpResponse(503), OK], luck=lambda: 0.25).slept == [0.125]


def test_an_accepted_run_is_polled_and_its_start_never_sent_again():
    pending = HttpResponse(202)
    played = Played([pending, pending, HttpResponse(503), NoAnswer("lost"), OK])
    assert (played.sent, played.result.attempts) == (["POST", "GET", "GET", "GET", "GET"], 1)
    assert played.slept[:2] == [2.0, 2.0]


def test_a_failing_poll_says_that_the_run_may_have_run_and_which_it_was():
    error = Played([HttpResponse(202), HttpResponse(404)], asked=attrs.evolve(plan().asked, session_id="s-1")).error
    assert (type(error), error.may_have_run, error.attempts) == (errors.NotFoundError, True, 1)
    pending = error.pending
    assert (pending.id, pending.connection, pending.agent, pending.session_id) == ("run-1", "account", "a-1", "s-1")


def test_a_polled_run_that_never_ends_is_a_timeout_after_the_answer_limit():
    played = Played([HttpResponse(202)] * 100, timeouts=Timeouts(answer=9))
    assert (type(played.error), played.now) == (errors.ResponseTimeoutError, 109.0)
    assert (played.error.may_have_run, played.error.pending.id) == (True, "run-1")


def test_retry_after_on_a_pending_answer_sets_the_wait():
    assert Played([HttpResponse(202, {"Retry-After": "7"}), OK]).slept == [7.0]
    assert Played([HttpResponse(202, {"Retry-After": "0"}), OK]).slept == [0.2]
    assert Played([HttpResponse(202, {"Retry-After": "1e300"}), OK]).slept == [300.0]


def test_total_bounds_polls_and_names_the_run_to_pick_up():
    played = Played([HttpResponse(202)] * 100, timeouts=Timeouts(total=5))
    assert (type(played.error), played.now) == (errors.DeadlineExceededError, 105.0)
    assert (played.error.pending.id, played.error.may_have_run) == ("run-1", True)


def test_total_bounds_retries_and_the_true_reason_is_raised():
    played = Played([HttpResponse(503, {"Retry-After": "10"})], timeouts=Timeouts(total=5))
    assert (type(played.error), played.slept) == (errors.UnavailableError, [])


def test_no_attempt_begins_after_the_total_time():
    played = Played([(HttpResponse(503), 4.0), (HttpResponse(503), 4.0), OK], timeouts=Timeouts(total=5))
    assert played.sent == ["POST", "POST"]


def test_an_acknowledgement_of_a_callback_is_never_read_as_an_answer():
    error = Played([OK], read=lambda _: Pending("callback")).error
    assert type(error) is errors.InvocationError
    assert (error.pending.kind, error.may_have_run, error.attempts, error.status) == ("callback", True, 1, 200)


def test_a_failed_tool_inside_a_200_is_raised_with_the_answer_that_came_with_it():
    answer = HttpResponse(200, {}, b'{"text": "hm", "tools": [{"name": "crm", "error": "timeout"}]}')
    error = Played([answer]).error
    assert (type(error), error.partial.text, error.status) == (errors.ToolExecutionError, "hm", 200)
    partial = error.partial
    assert (partial.provider, partial.agent, partial.attempts, partial.response.status) == ("vendor", "a-1", 1, 200)
    assert Played([answer], tool_errors="report").result.tool_calls[0].error == "timeout"


@pytest.mark.parametrize("blank", [b'{"text": " "}', b'{"text": ""}'])
def test_blank_text_with_proof_is_an_answer_with_a_warning(blank):
    assert Played([HttpResponse(200, {}, blank)]).result.warnings == ("empty answer",)


def test_two_calls_that_are_given_the_same_answer_share_nothing_of_its_json():
    same = HttpResponse(200, {}, b'{"text": "hi", "list": []}')
    first, second = (Played([same]).result.response for _ in range(2))
    first.json()["list"].append(1)
    assert second.json()["list"] == []


@pytest.mark.parametrize("value", [None, "text", 7, {"text": "hi"}, Result(text=None, output=None)])
def test_a_plugin_that_returns_no_result_is_never_believed(value):
    assert type(Played([OK], read=lambda _: value).error) is errors.MalformedResponseError


@pytest.mark.parametrize("value", [Result(text="hi", output="hi"), Pending("poll", "x")])
@pytest.mark.parametrize("status", [199, 301, 400, 500, 503])
def test_a_success_is_believed_on_a_2xx_only(value, status):
    error = Played([HttpResponse(status)] * 3, read=lambda _: value).error
    assert (isinstance(error, errors.ProviderError), error.status) == (True, status)


def test_what_read_raises_is_chained_by_its_type_alone():
    def quoting(_: HttpResponse) -> Any:
        raise ValueError("input was: the key of somebody")

    error = Played([OK], read=quoting).error
    assert type(error) is errors.MalformedResponseError
    assert str(error.__cause__).startswith("read() raised ValueError at test_exchange.py:")
    assert "somebody" not in str(error.__cause__)


def test_an_unreadable_error_page_is_still_its_status():
    error = Played(
        [HttpResponse(502, {"content-type": "text/html"}, b"<html>oops</html>")], read=lambda r: r.json()
    ).error
    assert (type(error), error.status, error.response.content) == (errors.UnavailableError, 502, b"<html>oops</html>")
    assert "<html>oops" in str(error)


def test_a_fault_may_say_more_than_its_kind_implies():
    fault = Fault(FaultKind.EXECUTION, "try again", retryable=True, may_have_run=False)
    assert Played([OK, OK, OK], read=lambda _: fault).error.attempts == 3
