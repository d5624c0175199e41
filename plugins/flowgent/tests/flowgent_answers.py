"""Answers of FlowGent as S003 and the older page show them, and what is read of one."""

from __future__ import annotations

import json

from agentbridge import HttpResponse
from agentbridge_flowgent import FlowGent

QUESTION = {"role": "user", "content": "Hello, I have a question about my order"}
ANSWER = {"role": "assistant", "content": "I'd be happy to help with your order."}
METADATA = {
    "id": "meta_xyz789",
    "model": "gpt-4",
    "timestamp": "2024-03-21T14:30:00Z",
    "tool_calls": {},
    "execution_time": 2500,
    "used_credits": 1,
    "thread_id": "thread_123456",
}
TRAFFIC = "AI provider is currently experiencing high traffic"


def success(*history, metadata=METADATA, status=200):
    inner = {"agent_id": "agent_123abc", "conversation_history": list(history), "metadata": metadata}
    return {"statusCode": status, "body": inner}


def read(body, status=200):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return FlowGent().read(HttpResponse(status, {"Content-Type": "application/json"}, content))


def tool_call(call_id="call_1", name="lookup", **more):
    return {"type": "tool-call", "toolCallId": call_id, "toolName": name, "args": {"order": 7}, **more}


def tool_result(result, call_id="call_1", name="lookup", **more):
    part = {"type": "tool-result", "toolCallId": call_id, "toolName": name, "result": result, **more}
    return {"id": "msg_2", "role": "tool", "content": [part]}


def assistant(*parts):
    return {"id": "msg_1", "role": "assistant", "content": list(parts)}


def text(value):
    return {"type": "text", "text": value}
