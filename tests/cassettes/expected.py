"""What each cassette must become, typed by hand from the vendors' pages. Imports nothing of agentbridge.

The table of failures in docs/errors.md is generated from this file (tests/cassettes/table.py).
"""

from __future__ import annotations

from typing import Any

ORDER = {"text": "Hello, I have a question about my order", "session_id": "thread_123456"}
ANDRES = {"inputs": {"name": "Andres", "lastName": "Lopez"}, "user_id": "9hhsOa6pGHes5BCDpCDeLD2i0kw2"}
SUMMARISE = {
    "inputs": {"varInputNode_1769719132696_0.4717": "Summarise the key points from this document."},
    "session_id": "MySession_Oct",
}
CALLS: dict[str, dict[str, Any]] = {
    "fluxprompt": {"target": "fluxprompt:a176fb62-dc8c-485c-bf25-9bf9139a5c1a", **SUMMARISE},
    "promptitude": {"target": "promptitude:flow-1", **ANDRES},
    "flowgent": {"target": "flowgent:66a72b17-cb03-4397-ab2a-1eef13847737", **ORDER},
}
"""The call of every documented cassette of a vendor; the calls of Flowise's recorded ones stand in calls.py."""

JOKE = "Why did the developer need glasses? Because he couldn't C#!"
WRAPPED = "Error: predictionsServices.buildChatflow - "


def row(
    error: str,
    status: int,
    code: str | None,
    message: str,
    *,
    retryable: bool = False,
    may_have_run: bool = False,
    **more: Any,
) -> dict[str, Any]:
    return {
        "error": error,
        "status": status,
        "code": code,
        "message": message,
        "retryable": retryable,
        "may_have_run": may_have_run,
        **more,
    }


FAILURES: dict[str, dict[str, Any]] = {
    # FluxPrompt: vendor docs, "Async flow execution"
    "fluxprompt/node-failed": row(
        "ExecutionError", 400, None, 'Node "Summarise" failed: model refused', may_have_run=True
    ),
    "fluxprompt/error-in-200": row(
        "ExecutionError", 200, None, 'Node "Summarise" failed: model refused', may_have_run=True
    ),
    "fluxprompt/crashed-in-200": row("ExecutionError", 200, None, "Worker stopped", may_have_run=True),
    "fluxprompt/refused-key-in-200": row("AuthenticationError", 200, "401", "Unauthorized"),
    "fluxprompt/crashed": row("ExecutionError", 500, None, "Worker stopped", may_have_run=True, partial=""),
    "fluxprompt/polled-error": row(
        "ExecutionError",
        200,
        None,
        "Your flow stopped at a system limit: 50,000 steps",
        may_have_run=True,
        pending="0f8fad5b-d9cb-469f-a165-70867728950e",
    ),
    "fluxprompt/polled-unknown": row(
        "NotFoundError",
        404,
        None,
        "Execution not found",
        may_have_run=True,
        pending="0f8fad5b-d9cb-469f-a165-70867728950e",
    ),
    "fluxprompt/refused-key": row("AuthenticationError", 401, "401", "Unauthorized"),
    "fluxprompt/no-output": row("MalformedResponseError", 200, None, "unreadable answer", may_have_run=True),
    # Promptitude: help page "/flows", Result Object
    "promptitude/error-in-200": row("ProviderError", 200, "500", "The flow could not be executed", may_have_run=True),
    "promptitude/error-flag-in-200": row(
        "ExecutionError", 200, "200", "The flow could not be executed", may_have_run=True
    ),
    "promptitude/code-in-200": row("QuotaExceededError", 200, "402", "Monthly generations used up"),
    "promptitude/code-as-text-in-200": row("RateLimitError", 200, "429", "Too many requests", retryable=True),
    "promptitude/refused-key-in-200": row("AuthenticationError", 200, "401", "Invalid API key"),
    "promptitude/refused-key": row("AuthenticationError", 401, "401", "Invalid API key"),
    "promptitude/quota": row("QuotaExceededError", 402, "402", "Monthly generations used up"),
    "promptitude/busy": row("RateLimitError", 429, "429", "Too many requests", retryable=True),
    "promptitude/unknown-flow-in-200": row("NotFoundError", 200, "404", "Flow not found"),
    "promptitude/unknown-flow": row("NotFoundError", 404, "404", "Flow not found"),
    "promptitude/server-error": row("ProviderError", 500, "500", "Internal error", may_have_run=True),
    "promptitude/no-results": row("MalformedResponseError", 200, None, "unreadable answer", may_have_run=True),
    # FlowGent: API reference, "Chat" and "Usage"
    "flowgent/no-credits": row("QuotaExceededError", 402, "402", "No credits available"),
    "flowgent/no-credits-in-200": row("QuotaExceededError", 200, "402", "No credits available"),
    "flowgent/busy": row(
        "UnavailableError",
        503,
        "503",
        "Service temporarily unavailable: AI provider is currently experiencing high traffic",
        retryable=True,
    ),
    "flowgent/busy-in-200": row(
        "UnavailableError",
        200,
        "503",
        "Service temporarily unavailable: AI provider is currently experiencing high traffic",
        retryable=True,
    ),
    "flowgent/internal": row(
        "ProviderError", 500, "500", "An unexpected error occurred while processing your request", may_have_run=True
    ),
    "flowgent/internal-in-200": row(
        "ProviderError", 200, "500", "An unexpected error occurred while processing your request", may_have_run=True
    ),
    "flowgent/no-key": row(
        "AuthenticationError",
        401,
        None,
        "Please provide an API key in the Authorization header: API key is required",
    ),
    "flowgent/no-key-in-200": row(
        "AuthenticationError",
        200,
        None,
        "Please provide an API key in the Authorization header: API key is required",
    ),
    "flowgent/refused-key": row("AuthenticationError", 401, None, "The provided API key is not valid: Invalid API key"),
    "flowgent/refused-key-in-200": row(
        "AuthenticationError", 200, None, "The provided API key is not valid: Invalid API key"
    ),
    "flowgent/denied": row(
        "PermissionDeniedError", 403, None, "This agent does not belong to your organisation: Access denied"
    ),
    "flowgent/denied-in-200": row(
        "PermissionDeniedError", 200, None, "This agent does not belong to your organisation: Access denied"
    ),
    "flowgent/no-agent-id": row(
        "InvalidRequestError", 400, None, "agent_id is required and must be a non-empty string"
    ),
    "flowgent/no-agent-id-in-200": row(
        "InvalidRequestError", 200, None, "agent_id is required and must be a non-empty string"
    ),
    "flowgent/server-error": row("ProviderError", 500, None, "Internal server error", may_have_run=True),
    "flowgent/server-error-in-200": row("ProviderError", 200, None, "Internal server error", may_have_run=True),
    "flowgent/tool-failed": row(
        "ToolExecutionError",
        200,
        None,
        "tool 'find_order' failed: CRM timed out",
        may_have_run=True,
        partial="I could not look it up.",
    ),
    "flowgent/acknowledged": row(
        "InvocationError", 200, None, "accepted, but the answer comes by callback", may_have_run=True
    ),
    "flowgent/no-answer": row("MalformedResponseError", 200, None, "unreadable answer", may_have_run=True),
    # Flowise: recorded from a real server, facts 7.1 and 7.4
    "flowise/refused-key": row("AuthenticationError", 500, "500", WRAPPED + "Unauthorized"),
    "flowise/function-threw": row(
        "ExecutionError",
        500,
        "500",
        WRAPPED + "Error: NodeVM Execution Error: Error: boom: deliberate failure",
        may_have_run=True,
    ),
    "flowise/model-refused": row(
        "ExecutionError",
        500,
        "500",
        "401 Unauthorized \u2013 check your API key and ensure it has access to the requested model.",
        may_have_run=True,
    ),
    "flowise/not-a-flow-id": row("InvalidRequestError", 400, "400", "Invalid Chatflow ID"),
    "flowise/unknown-flow": row(
        "NotFoundError", 404, "404", "Chatflow 00000000-0000-4000-8000-000000000000 not found in the database!"
    ),
    "flowise/tool-failed": row(
        "ToolExecutionError",
        200,
        None,
        "tool 'fail_tool' failed: NodeVM Execution Error: Error: tool exploded",
        may_have_run=True,
        partial="The tool said: NodeVM Execution Error: Error: tool exploded",
    ),
    "flowise/output-parser-failed": row("MalformedResponseError", 200, None, "unreadable answer", may_have_run=True),
}


def answer(text: str, **more: Any) -> dict[str, Any]:
    return {"text": text, "status": "completed", "warnings": (), **more}


ANSWERS: dict[str, dict[str, Any]] = {
    "fluxprompt/answer": answer("Three key points.", output="Three key points.", session_id="MySession_Oct"),
    "fluxprompt/two-outputs": answer("First.\n\nSecond."),
    "fluxprompt/blank": answer("", warnings=("empty answer",)),
    "fluxprompt/polled": answer(
        "Three key points.",
        id="0f8fad5b-d9cb-469f-a165-70867728950e",
        usage={"total_tokens": 120, "cost": 0.004, "duration_ms": 59000},
        slept=[2.0, 2.0],
    ),
    "fluxprompt/polled-envelope": answer("Three key points."),
    "promptitude/answer": answer(JOKE, output=JOKE, id="Z2gV2otfCKIt17t76KFJ", session_id=None),
    "promptitude/list": answer("one\ntwo", output=["one", "two"]),
    "promptitude/object": answer('{\n  "joke": "' + JOKE + '"\n}', output={"joke": JOKE}),
    "flowgent/answer": answer(
        "I'd be happy to help with your order. Could you please provide your order number?",
        id="meta_xyz789",
        session_id="thread_123456",
        usage={"credits": 1, "model": "gpt-4"},
        tools=[],
    ),
    "flowgent/older-answer": answer(
        "Your order is on its way.",
        id="msg_3",
        usage={"credits": 2},
        tools=[("find_order", {"id": 7}, {"status": "shipped"}, None)],
    ),
    "flowgent/body-as-text": answer(
        "I'd be happy to help with your order. Could you please provide your order number?", session_id="thread_123456"
    ),
    "flowise/answer": answer(
        "You said: hello | session=s-answer | chat=451d5832-2e5d-5144-b45b-5696175bf245", session_id="s-answer"
    ),
    "flowise/llm": answer("Echo: hello"),
    "flowise/history": answer("system:You are a test model. | user:my name is Ann | assistant:hi Ann | user:HISTORY"),
    "flowise/form": answer('form got: {"name":"Ann","age":"5"} input=name: Ann\nage: 5'),
    "flowise/text-file": answer(
        "system:You are a test model. | user:<doc name='note.txt'>The secret word is plum.</doc>\\n\\n\\n\\nHISTORY"
    ),
    "flowise/output-parser": answer('{\n  "title": "T",\n  "score": 7\n}', output={"title": "T", "score": 7}),
    "flowise/agentflow-v1": answer("Echo: hello"),
    "flowise/paused": answer("\n\nProceed with: launch?", status="waiting_for_input", session_id="s-paused"),
    "flowise/blank": answer(" ", warnings=("empty answer",)),
}
