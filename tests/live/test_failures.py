"""Failures of calls: each is raised as what it is."""

from __future__ import annotations

import socket

import pytest

from agentbridge import RetryPolicy, Timeouts, errors

WRAPPED = "Error: predictionsServices.buildChatflow - "
MODEL_KEY = "401 Unauthorized \u2013 check your API key and ensure it has access to the requested model."
UNKNOWN = "00000000-0000-4000-8000-000000000000"

RAN = {
    "a function throws": ("agentflow_throw", "hello", "Error: NodeVM Execution Error: Error: boom: deliberate failure"),
    "the model refuses the question": (
        "agentflow_llm",
        "FAIL400",
        "Error in LLM node: 400 This model's maximum context length is 10 tokens.",
    ),
    "the model's connection breaks": ("agentflow_llm", "DROP this", "Error in LLM node: terminated"),
    "a tool throws": ("agentflow_failtool", "usefail", "Error in Agent node: NodeVM Execution Error: Error: tool exploded"),
    "a chatflow's model refuses the question": ("chatflow_llmchain", "FAIL400", "400 This model's maximum context length is 10 tokens."),
    "a first agentflow's model refuses the question": ("agentflow_v1_sequential", "FAIL400", "400 This model's maximum context length is 10 tokens."),
    "post-processing's flow throws": ("agentflow_postprocess", "THROW", "boom in a flow that cannot stream"),
    "the questions to follow cannot be made": ("agentflow_followup_broken", "hello", "fetch failed"),
    "a flow wants a webhook": ("agentflow_webhook_sync", "hello", "webhook"),
}  # fmt: skip


@pytest.mark.parametrize("name", RAN)
def test_a_run_that_failed_is_an_execution_error(live, name):
    flow, text, message = RAN[name]
    with pytest.raises(errors.ExecutionError) as caught:
        live.invoke(flow, text)
    error = caught.value
    assert type(error) is errors.ExecutionError
    assert error.message.startswith(WRAPPED)
    assert message in error.message
    assert (error.status, error.retryable, error.may_have_run, error.attempts) == (500, False, True, 1)


@pytest.mark.parametrize("flow", ["agentflow_llm", "chatflow_llmchain"])
def test_a_refusal_of_the_models_key_is_not_about_the_callers_key(live, flow):
    with pytest.raises(errors.ExecutionError) as caught:
        live.invoke(flow, "FAIL401")
    assert (caught.value.message, caught.value.may_have_run) == (MODEL_KEY, True)


@pytest.mark.parametrize("whose", ["nobody's", "a wrong one", "another one of the workspace"])
def test_a_refused_key_is_an_authentication_error(connect, server, whose):
    key = {"nobody's": None, "a wrong one": "not-a-key", "another one of the workspace": server.other_api_key}[whose]
    with pytest.raises(errors.AuthenticationError) as caught:
        connect(api_key=key).invoke("agentflow_keyed", "hello")
    error = caught.value
    assert error.message.startswith(WRAPPED + "Unauthorized")
    assert ("FLOWISE_API_KEY" in error.message) is (key is None)
    assert (error.status, error.retryable, error.may_have_run) == (500, False, False)
    assert key is None or key not in repr(error) + str(error) + repr(vars(error))


def test_a_wrong_key_is_not_looked_at_where_a_flow_needs_none(connect):
    assert connect(api_key="not-a-key").invoke("agentflow_llm", "hello").text == "Echo: hello"


def test_an_unknown_flow_is_not_found(live):
    with pytest.raises(errors.NotFoundError) as caught:
        live.invoke(UNKNOWN, "hello")
    error = caught.value
    assert error.message == f"Chatflow {UNKNOWN} not found in the database!"
    assert (error.status, error.may_have_run) == (404, False)


def test_an_id_that_is_none_is_an_invalid_request(live):
    with pytest.raises(errors.InvalidRequestError) as caught:
        live.invoke("not-a-flow-id", "hello")
    assert (caught.value.status, caught.value.message) == (400, "Invalid Chatflow ID")


def test_a_tool_that_failed_in_a_chatflow_is_a_tool_execution_error(live):
    with pytest.raises(errors.ToolExecutionError) as caught:
        live.invoke("chatflow_failtool", "usefail")
    error = caught.value
    assert error.message == "tool 'fail_tool' failed: NodeVM Execution Error: Error: tool exploded"
    assert error.partial.text == "The tool said: NodeVM Execution Error: Error: tool exploded"
    assert (error.status, error.may_have_run) == (200, True)


def test_a_tool_that_failed_in_a_chatflow_can_be_reported_instead(live):
    result = live.invoke("chatflow_failtool", "usefail", tool_errors="report")
    assert [call.error for call in result.tool_calls] == ["NodeVM Execution Error: Error: tool exploded"]


def test_an_output_parser_that_failed_is_no_answer(live):
    with pytest.raises(errors.MalformedResponseError) as caught:
        live.invoke("chatflow_json", "hello")
    assert (caught.value.status, caught.value.may_have_run) == (200, True)


def test_the_user_interfaces_page_is_no_answer(connect, server):
    with pytest.raises(errors.MalformedResponseError) as caught:
        connect(base_url=f"{server.base_url}/nowhere").invoke("agentflow_llm", "hello")
    assert "web page" in caught.value.message


def test_too_much_is_an_invalid_request(live):
    with pytest.raises(errors.InvalidRequestError) as caught:
        live.invoke("agentflow_direct", "x" * 51 * 1024 * 1024)
    assert caught.value.status == 413


def test_a_limit_of_calls_is_a_rate_limit_error(live):
    flow = f"agentflow_ratelimited_{live.world}"
    for _ in range(2):
        assert live.invoke(flow, "hello").text.startswith("You said: hello")
    with pytest.raises(errors.RateLimitError) as caught:
        live.invoke(flow, "hello")
    error = caught.value
    assert (error.status, error.message) == (429, "Slow down please")
    assert (error.retryable, error.may_have_run, error.attempts) == (True, False, 1)
    assert 0 < error.retry_after <= 600
    with pytest.raises(errors.RateLimitError):
        live.stream(flow, "hello", seen=[])


def test_silence_is_a_response_timeout(live):
    with pytest.raises(errors.ResponseTimeoutError) as caught:
        live.invoke("agentflow_llm", "WAIT2", timeouts=Timeouts(answer=0.5))
    assert (caught.value.may_have_run, caught.value.attempts) == (True, 1)


def test_the_total_time_is_kept(live):
    with pytest.raises(errors.DeadlineExceededError) as caught:
        live.invoke("agentflow_llm", "WAIT2", timeouts=Timeouts(total=0.5))
    assert caught.value.may_have_run


def test_nobody_there_is_a_failed_connection(connect):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    live = connect(base_url=f"http://127.0.0.1:{free}", retry=RetryPolicy(attempts=1))
    with pytest.raises(errors.ConnectionFailedError) as caught:
        live.invoke("agentflow_llm", "hello")
    assert not caught.value.may_have_run


def test_what_ran_and_failed_is_not_sent_twice(connect):
    live = connect(retry=RetryPolicy(attempts=3, first_delay=0))
    with pytest.raises(errors.ExecutionError) as caught:
        live.invoke("agentflow_llm", "DROP this", session_id=f"s-once-{live.world}")
    assert caught.value.attempts == 1


def test_a_text_beside_a_form_which_the_server_would_refuse_is_refused(live):
    with pytest.raises(errors.UnsupportedFeatureError):
        live.invoke("agentflow_form", "hello", inputs={"name": "Ann"})


def test_a_call_that_says_nothing_which_the_server_would_run_is_refused(live):
    with pytest.raises(errors.ConfigurationError):
        live.invoke("agentflow_llm")
