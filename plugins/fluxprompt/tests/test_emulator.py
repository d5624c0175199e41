"""The emulator through both bridges: what each of its scenarios becomes, and what it refuses."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from agentbridge import SHARED, File, Link, RetryPolicy, Timeouts, errors
from agentbridge.emulator import API_KEY
from agentbridge.transport.httpx import AsyncHttpxTransport, HttpxTransport
from agentbridge_fluxprompt import FluxPrompt
from agentbridge_fluxprompt.emulated_requests import DEFAULT_ANSWER

INPUTS = {"in-1": "hello"}
FAILURES = {
    "no-output": errors.MalformedResponseError,
    "error-in-200": errors.ExecutionError,
    "node-error": errors.ExecutionError,
    "crashed": errors.ExecutionError,
    "unauthorized": errors.AuthenticationError,
    "busy": errors.RateLimitError,
    "202-then-no-output": errors.MalformedResponseError,
    "202-then-error": errors.ExecutionError,
    "202-then-not-found": errors.NotFoundError,
    "html": errors.MalformedResponseError,
    "empty": errors.MalformedResponseError,
    "truncated": errors.MalformedResponseError,
    "bad-gateway": errors.UnavailableError,
    "redirect": errors.ProviderError,
    "slow": errors.ResponseTimeoutError,
}
ANSWERS = {"ok", "202-then-done", "202-then-text", "202-foreign-status-url"}
OTHERS = {"callback-repeated", "node-callbacks", "memory", "two-outputs", "blank", "202-then-blank"}
NEVER_RAN = {"unauthorized", "busy", "redirect"}


@pytest.fixture(autouse=True)
def slept(monkeypatch) -> list[float]:
    """How long both worlds would have waited: polls are not worth real time."""
    waits: list[float] = []

    async def wait(self: Any, seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(HttpxTransport, "sleep", lambda self, seconds: waits.append(seconds))
    monkeypatch.setattr(AsyncHttpxTransport, "sleep", wait)
    return waits


@pytest.fixture
def emulator(emulators):
    return emulators.emulators["fluxprompt"]


@pytest.fixture
def bridge(open_bridge, emulators):
    return open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=1))


@pytest.fixture
def base_url(emulators) -> str:
    return emulators.connections["fluxprompt"].base_url


def post(base_url: str, query: str = "flowId=ok", **more: Any) -> httpx.Response:
    """A request as no plugin would send it."""
    more.setdefault("headers", {"api-key": API_KEY})
    return httpx.post(f"{base_url}/flux/api-v2?{query}", trust_env=False, **more)


def test_every_scenario_is_tested_here(emulator):
    assert set(emulator.scenarios) == FAILURES.keys() | ANSWERS | OTHERS


@pytest.mark.parametrize("scenario", sorted(FAILURES))
def test_a_failing_scenario_is_raised_as_its_class(bridge, scenario):
    with pytest.raises(errors.InvocationError) as caught:
        bridge.invoke(
            f"fluxprompt:{scenario}", inputs=INPUTS, timeouts=Timeouts(answer=0.3 if scenario == "slow" else 30)
        )
    assert type(caught.value) is FAILURES[scenario]
    assert caught.value.may_have_run is (scenario not in NEVER_RAN)
    assert API_KEY not in f"{caught.value!s} {caught.value!r}"


@pytest.mark.parametrize("scenario", sorted(ANSWERS))
def test_an_answering_scenario_echoes_its_inputs(bridge, scenario):
    result = bridge.invoke(f"fluxprompt:{scenario}", inputs=INPUTS, session_id="s-1")
    assert (result.text, result.output, result.session_id) == ("Echo: in-1=hello", "Echo: in-1=hello", "s-1")
    assert (result.warnings, result.attempts, result.provider) == ((), 1, "fluxprompt")


def test_two_outputs_are_both_kept(bridge):
    result = bridge.invoke("fluxprompt:two-outputs", inputs=INPUTS)
    assert result.text == "Echo: in-1=hello\n\nThe second output."
    assert [item["outputId"] for item in result.output] == ["outputObjectNode_1", "outputObjectNode_2"]


@pytest.mark.parametrize("scenario", ["blank", "202-then-blank"])
def test_a_blank_answer_is_one_with_a_warning(bridge, scenario):
    result = bridge.invoke(f"fluxprompt:{scenario}", inputs=INPUTS)
    assert (result.text.strip(), result.warnings) == ("", ("empty answer",))


def test_everything_that_is_said_arrives(bridge, emulator):
    files = [File("a.pdf", b"%PDF-1", input="in-2"), Link("https://x.example/y", "Page", input="in-3")]
    result = bridge.invoke(
        "fluxprompt:ok", inputs={"in-1": {"n": 1}}, files=files, session_id="s 1&",
        options={"fluxprompt": {"typeOCR": "google_ocr_form_parse", "versionId": "v-1"}},
    )  # fmt: skip
    assert result.text == (
        'Echo: in-1={"n": 1} | in-2= [file a.pdf, 6 bytes] [OCR google_ocr_form_parse]'
        " | in-3= [link Page https://x.example/y]"
    )
    seen = emulator.seen[-1]
    assert parse_qs(seen.query) == {"flowId": ["ok"], "sessionId": ["s 1&"], "versionId": ["v-1"]}
    assert json.loads(seen.body)["variableInputs"][1]["files"][0]["base64"] == base64.b64encode(b"%PDF-1").decode()


def test_a_polled_run_has_its_id_and_usage(bridge, emulator, slept):
    emulator.seen.clear()
    result = bridge.invoke("fluxprompt:202-then-done", inputs=INPUTS)
    paths = [urlsplit(seen.path).path for seen in emulator.seen]
    assert [seen.method for seen in emulator.seen] == ["POST", "GET", "GET"]
    assert paths[1:] == [f"/fluxprompt/flux/executions/{result.id}"] * 2
    assert (result.usage.total_tokens, result.usage.cost, result.usage.duration_ms) == (42, 0.0021, 40000)
    assert slept == [2.0, 2.0]


def test_a_failed_poll_keeps_the_run(bridge):
    with pytest.raises(errors.ExecutionError) as caught:
        bridge.invoke("fluxprompt:202-then-error", inputs=INPUTS)
    error = caught.value
    assert (error.status, error.attempts, error.may_have_run, error.retryable) == (200, 1, True, False)
    assert error.pending.id == error.response.json()["executionId"]
    assert error.message == "Node 'Summarise' failed: the model refused"


def test_nothing_that_ran_is_sent_again(open_bridge, emulators, emulator):
    bridge = open_bridge(connections=emulators.connections, retry=RetryPolicy(attempts=3))
    for scenario in ("crashed", "node-error", "error-in-200", "no-output", "202-then-error", "202-then-not-found"):
        emulator.seen.clear()
        with pytest.raises(errors.InvocationError):
            bridge.invoke(f"fluxprompt:{scenario}", inputs=INPUTS)
        assert [seen.method for seen in emulator.seen].count("POST") == 1


def test_no_session_means_no_shared_memory(bridge):
    first, second = (bridge.invoke("fluxprompt:memory", inputs=INPUTS) for _ in range(2))
    assert first.session_id != second.session_id
    again = bridge.invoke("fluxprompt:memory", inputs=INPUTS, session_id=first.session_id)
    assert again.text == f"Echo: in-1=hello (call 2 of {first.session_id})"


def test_the_shared_memory_can_be_asked_for(bridge, emulator):
    result = bridge.invoke("fluxprompt:memory", inputs=INPUTS, session_id=SHARED)
    assert result.text.endswith("the memory that all callers share)")
    assert result.session_id == SHARED
    assert "sessionId" not in emulator.seen[-1].query


def test_a_copied_url_works_as_target_and_as_base_url(open_bridge, bridge, base_url):
    assert bridge.invoke(f"fluxprompt:{base_url}/flux/api-v2?flowId=ok", inputs=INPUTS).text == "Echo: in-1=hello"
    for rest in ("?flowId=202-then-done", "?flowId=node-error"):
        copied = {"provider": "fluxprompt", "base_url": f"{base_url}/flux/api-v2{rest}", "api_key": API_KEY}
        other = open_bridge(connections={"copied": copied})
        target = "copied:" if "done" in rest else "copied:ok"
        assert other.invoke(target, inputs=INPUTS).text == "Echo: in-1=hello"


def test_a_text_needs_a_binding(bridge):
    with pytest.raises(errors.UnsupportedFeatureError, match=r"agents\.NAME\.on\.fluxprompt"):
        bridge.invoke("fluxprompt:ok", "hello")


def test_invoke_does_not_wait_for_a_callback(bridge):
    with pytest.raises(errors.UnsupportedFeatureError, match="callback_url"):
        bridge.invoke("fluxprompt:ok", inputs=INPUTS, callback_url="https://me.example/cb")


def test_with_a_callback_the_acknowledgement_has_no_status(base_url):
    answer = post(base_url, "flowId=ok&callback_url=https://me.example/cb", json={"variableInputs": []})
    assert (answer.status_code, answer.json().keys()) == (202, {"executionId", "statusUrl"})
    done = httpx.get(answer.json()["statusUrl"], headers={"api-key": API_KEY}, trust_env=False)
    assert done.json()["status"] == "completed"


def test_a_flow_without_inputs_answers_its_default(base_url):
    answer = post(base_url, json={"variableInputs": []})
    assert answer.json()["data"]["message"][0]["text"] == DEFAULT_ANSWER


def item(**more: Any) -> dict[str, Any]:
    return {"variableInputs": [{"inputId": "a", "inputText": "x", **more}]}


FILE = {"name": "a.pdf", "base64": "JVBERg=="}
LINK = {"name": "Page", "url": "https://x.example/y"}


@pytest.mark.parametrize(
    "body",
    [
        {}, [], {"variableInputs": {}}, {"variableInputs": ["a"]}, {"variableInputs": [{}]}, {**item(), "x": 1},
        item(inputText=7), item(x=1), item(files=[FILE]), item(files=[FILE], isExtraction=False),
        item(files=[FILE], isExtraction="true"), item(files=[FILE], links=[LINK], isExtraction=True),
        item(typeOCR="x"), item(files=[{**FILE, "base64": "data:a;base64,JVBERg=="}], isExtraction=True),
        item(files=[{"name": "a"}], isExtraction=True), item(links=[{"name": "a", "url": "x.example"}]), item(links=[7]),
    ],
)  # fmt: skip
def test_the_emulator_refuses_a_wrong_body(base_url, body):
    answer = post(base_url, json=body)
    assert (answer.status_code, answer.json()["statusCode"]) == (400, 400)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400), ("flowId=", 400), ("flowId=ok&flowId=ok", 400), ("flowId=ok&user=1", 400), ("flowId=unknown", 404),
        ("flowId=ok&callback_url=x", 400), ("flowId=ok&callback_url=ftp://x", 400),
        ("flowId=ok&callback_url=http://x&callback_url=http://x", 400),
    ],
)  # fmt: skip
def test_the_emulator_refuses_a_wrong_query(base_url, query, status):
    assert post(base_url, query, json=item()).status_code == status


def test_the_emulator_refuses_a_body_of_another_type(base_url):
    headers = {"api-key": API_KEY}
    assert post(base_url, content=json.dumps(item()), headers=headers).status_code == 400
    assert post(base_url, content="{", headers={**headers, "content-type": "application/json"}).status_code == 400


@pytest.mark.parametrize("headers", [{}, {"api-key": "wrong-key"}, {"x-api-key": API_KEY}, {"authorization": API_KEY}])
def test_the_emulator_takes_its_key_in_one_header_only(base_url, headers):
    assert post(base_url, json=item(), headers=headers).status_code == 401
    assert httpx.get(f"{base_url}/flux/executions/x", headers=headers, trust_env=False).status_code == 401


def test_a_poll_of_no_uuid_is_an_invalid_request(base_url):
    answer = httpx.get(f"{base_url}/flux/executions/x", headers={"api-key": API_KEY}, trust_env=False)
    assert answer.status_code == 400


def test_the_emulator_forgets_old_runs(monkeypatch):
    from agentbridge_fluxprompt import emulated_memory, emulator

    monkeypatch.setattr(emulated_memory, "_KEPT", 2)
    vendor = emulator._Vendor()
    for number in range(5):
        vendor._remember(str(number), [])
    assert list(vendor.executions) == ["3", "4"]


def test_the_readme_names_every_scenario(emulator):
    from pathlib import Path

    readme = (Path(__file__).parents[1] / "README.md").read_text("utf-8")
    assert [name for name in emulator.scenarios if f"`{name}`" not in readme] == []
    assert [option for option in FluxPrompt.options if f"`{option}`" not in readme] == []
