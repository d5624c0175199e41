"""What FluxPrompt posts to a callback URL: node callbacks, consolidated ones, and what clients saw in the wild."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentbridge import Fault, FaultKind, HttpRequest, Result
from agentbridge_fluxprompt import FluxPrompt

ITEM = {"text": "hi", "outputId": "outputObjectNode_1", "timestamp": "3/14/2026, 1:48:21 AM"}
ID = "8f1c8d0e-8f0e-4a6c-9d68-0a5b8a1b1c1d"


def read(body: Any) -> Result | Fault | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return FluxPrompt().read_callback(HttpRequest("POST", "https://me.example/x", content=content))


ANSWERS = {
    "a node's text": ({"text": "hi"}, "hi"),
    "a node's text with what stands beside it in the envelope": (ITEM, "hi"),
    "not JSON": (b"hi", "hi"),
    "a JSON text": ("hi", "hi"),
    "consolidated, with text": ({"success": True, "output": "hi"}, "hi"),
    "consolidated, with items": ({"success": True, "executionId": ID, "output": [ITEM]}, "hi"),
    "consolidated, as the envelope": ({"status": "success", "data": {"message": [ITEM]}}, "hi"),
    "consolidated, as a poll": ({"executionId": ID, "status": "completed", "output": "hi"}, "hi"),
}


@pytest.mark.parametrize(("body", "text"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_read_in_each_of_its_forms(body, text):
    assert read(body).text == text


def test_a_consolidated_answer_brings_the_run_and_what_it_used():
    result = read({"success": True, "executionId": ID, "output": "hi", "tokensUsed": 42, "durationMs": 4000})
    assert (result.id, result.usage.total_tokens, result.usage.duration_ms) == (ID, 42, 4000)


@pytest.mark.parametrize(
    "body",
    [
        b"", b" \n", {"text": ""}, {"text": " "}, {"text": None}, "", {}, None,
        {"executionId": ID, "status": "in_progress"}, {"executionId": ID, "status": "in_progress", "output": "half"},
    ],
)  # fmt: skip
def test_a_callback_without_a_text_is_no_answer_yet(body):
    assert read(body) is None


@pytest.mark.parametrize(
    "body",
    [
        {"success": False, "error": "Your flow stopped at a system limit: 50,000 steps"},
        {"success": False, "error": "Your flow stopped at a system limit: 50,000 steps", "text": "so far"},
        {"success": "false", "error": "Your flow stopped at a system limit: 50,000 steps", "output": "so far"},
        {"error": "Your flow stopped at a system limit: 50,000 steps", "text": "so far"},
        {"error": "Your flow stopped at a system limit: 50,000 steps", "output": "so far"},
        {"status": "error", "data": {"message": "Your flow stopped at a system limit: 50,000 steps"}},
        {
            "executionId": ID,
            "status": "failed",
            "output": "",
            "errorMessage": "Your flow stopped at a system limit: 50,000 steps",
        },
        {
            "executionId": ID,
            "status": "completed",
            "output": {"status": "error", "data": {"message": "Your flow stopped at a system limit: 50,000 steps"}},
        },
        {"executionId": ID, "status": "error", "errorMessage": "Your flow stopped at a system limit: 50,000 steps"},
    ],
)
def test_a_failure_is_one_in_each_of_its_forms(body):
    fault = read(body)
    assert (fault.kind, fault.message) == (FaultKind.EXECUTION, "Your flow stopped at a system limit: 50,000 steps")


@pytest.mark.parametrize(
    "body", [[], 7, b"<html>gone</html>", {"success": True}, {"success": True, "output": []}, {"other": 1}]
)
def test_what_proves_nothing_is_unreadable(body):
    with pytest.raises(ValueError, match=r".*"):
        read(body)


@pytest.mark.parametrize(
    ("body", "result"),
    [
        (b'"hi"', Result(text="hi", output="hi")),
        (b'{"text": "hi"}', Result(text="hi", output="hi")),
        (b"caf\xe9", Result(text="caf\ufffd", output="caf\ufffd", warnings=("the callback is no JSON",))),
        (b'{"status": "success", "executionId": "e-1", "data": {"message": [{"text": "hi"}]}}',
         Result(text="hi", output="hi", id="e-1")),
        (b'{"executionId": "e-1", "status": "stopped", "output": "hi"}', Result(text="hi", output="hi", id="e-1")),
        (b'{"executionId": "e-1", "status": "completed", "output": "hi", "errorMessage": "x"}',
         Result(text="hi", output="hi", id="e-1")),
        (b'{"executionId": "e-1", "output": "hi", "errorMessage": "x"}', Result(text="hi", output="hi", id="e-1")),
        (b'{"executionId": "e-1", "status": "stopped", "output": "hi", "errorMessage": " ceiling "}',
         Fault(FaultKind.EXECUTION, "ceiling", "stopped", partial=Result(text="hi", output="hi", id="e-1"))),
    ],
)  # fmt: skip
def test_a_callback_is_all_that_it_says_and_nothing_else(body, result):
    assert FluxPrompt().read_callback(HttpRequest("POST", "https://me.example/x", content=body)) == result


@pytest.mark.parametrize("page", [b" \n<!DOCTYPE html><p>", b" \n<HTML>"])
def test_a_page_that_is_posted_is_no_text_of_a_node(page):
    with pytest.raises(ValueError, match=r".*"):
        FluxPrompt().read_callback(HttpRequest("POST", "https://me.example/x", content=page))
