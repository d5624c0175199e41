"""One failure means the same in whatever form it comes: as a status, in a 200, in a stream, as a callback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import servers

from agentbridge import Bridge, Connection, HttpResponse, InvocationError, Pending, RetryPolicy, errors
from agentbridge.callbacks import CallbackReceiver
from agentbridge.testing import MemoryTransport

ONCE = RetryPolicy(attempts=1)
RUN = "Error: predictionsServices.buildChatflow - "
HIGH = "AI provider is currently experiencing high traffic"

# vendor, what it says, its status, the forms it comes in -> class, retryable, may have run
TABLE: dict[str, tuple[str, str, int, tuple[str, ...], type[InvocationError], bool, bool]] = {
    "a refused key": (
        "flowise", RUN + "Unauthorized", 500, ("status", "in a 200", "stream"), errors.AuthenticationError, False, False,
    ),
    "no predictions left": (
        "flowise", RUN + "Predictions limit exceeded", 500, ("status", "in a 200", "stream"), errors.QuotaExceededError, False, False,
    ),
    "a run that failed": (
        "flowise", RUN + "Error: 429 rate limit of the model", 500, ("status", "in a 200", "stream"), errors.ExecutionError, False, True,
    ),
    "no credits": (
        "flowgent", "No credits available", 402, ("status", "in a 200", "callback"), errors.QuotaExceededError, False, False,
    ),
    "high traffic": ("flowgent", HIGH, 503, ("status", "in a 200", "callback"), errors.UnavailableError, True, False),
    "an error of theirs": ("flowgent", "Oops", 500, ("status", "in a 200", "callback"), errors.ProviderError, False, True),
}  # fmt: skip
CASES = [(name, form) for name, row in TABLE.items() for form in row[3]]


def body(vendor: str, message: str, status: int) -> bytes:
    said = {"statusCode": status, "success": False, "message": message}
    wrapped = {"statusCode": status, "body": {"message": message, "error": message}}
    return json.dumps(said if vendor == "flowise" else wrapped).encode()


def whole(vendor: str, answer: HttpResponse) -> None:
    connections = {vendor: Connection(vendor, "https://vendor.invalid", "any-key")}
    with Bridge({}, connections=connections, transport=MemoryTransport([answer]), retry=ONCE) as bridge:
        bridge.invoke(f"{vendor}:a-1", "hi")


def streamed(vendor: str, message: str) -> None:
    events = "".join(f"data:{json.dumps({'event': name, 'data': data})}\n\n" for name, data in _events(message))
    script = servers.answer("200 OK", events.encode(), content_type="text/event-stream")
    with servers.serving(script) as server:
        connections = {vendor: Connection(vendor, server.url, "any-key")}
        with Bridge({}, connections=connections, retry=ONCE) as bridge, bridge.stream(f"{vendor}:a-1", "hi") as seen:
            list(seen)


def _events(message: str) -> Iterator[tuple[str, Any]]:
    yield "error", message
    yield "end", "[DONE]"


def called_back(vendor: str, content: bytes, folder: Any) -> None:
    receiver = CallbackReceiver("https://me.example", store=folder / "callbacks.sqlite")
    address = receiver.address()
    pending = Pending("callback", provider=vendor, connection=vendor, agent="a-1", callback_id=address.id)
    receiver.expect(address, pending)
    receiver.take(address.id, {}, content)
    receiver.poll(pending)


@pytest.mark.parametrize(("name", "form"), CASES)
def test_a_failure_is_the_same_in_every_form(name, form, tmp_path):
    vendor, message, status, _, cls, retryable, may_have_run = TABLE[name]
    content = body(vendor, message, status)
    ways = {
        "status": lambda: whole(vendor, HttpResponse(status, {}, content)),
        "in a 200": lambda: whole(vendor, HttpResponse(200, {}, content)),
        "stream": lambda: streamed(vendor, message),
        "callback": lambda: called_back(vendor, content, tmp_path),
    }
    with pytest.raises(InvocationError) as caught:
        ways[form]()
    error = caught.value
    assert (type(error), error.retryable, error.may_have_run) == (cls, retryable, may_have_run)
    assert error.message == message
    assert error.status == {"status": status, "callback": None}.get(form, 200)
