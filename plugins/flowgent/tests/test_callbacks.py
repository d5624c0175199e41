"""What FlowGent posts to a callback URL: undocumented, read as the envelope of a direct answer (an inference)."""

from __future__ import annotations

import json

import pytest

from agentbridge import Fault, FaultKind, HttpRequest, Result
from agentbridge_flowgent import FlowGent

ANSWER = {"statusCode": 200, "body": {"conversation_history": [{"role": "assistant", "content": "hi"}]}}


def read(body) -> Result | Fault | None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return FlowGent().read_callback(HttpRequest("POST", "https://me.example/x", content=content))


def test_an_answer_is_read_like_a_direct_one():
    assert read(ANSWER).text == "hi"


def test_a_failure_inside_is_one():
    assert read({"statusCode": 402, "body": {"error": "No credits available"}}).kind is FaultKind.QUOTA_EXCEEDED


@pytest.mark.parametrize("body", [b"", b" ", {"message": "Request accepted", "status": "processing"}])
def test_an_acknowledgement_is_no_answer_yet(body):
    assert read(body) is None


def test_a_callback_without_a_body_is_no_answer_yet():
    assert FlowGent().read_callback(HttpRequest("POST", "https://me.example/x")) is None


@pytest.mark.parametrize("body", [b"<html>", {}, {"statusCode": 200, "body": {}}])
def test_what_proves_nothing_is_unreadable(body):
    with pytest.raises(ValueError, match=r".*"):
        read(body)
