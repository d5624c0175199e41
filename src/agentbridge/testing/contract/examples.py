"""What the kit asks with and answers with: examples of fields, garbage, statuses, and words that errors are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

from ...errors import UnsupportedFeatureError
from ...model import Message
from ...wire import File, HttpResponse

CANARY = "canary-key-7f3a9c51"
OTHER_KEY = "other-canary-2b8e60d4"
FRESH_ID = "00000000-0000-4000-8000-000000000000"
OTHER_FRESH_ID = "11111111-1111-4111-8111-111111111111"

EXAMPLES: Mapping[str, Any] = {
    "text": "Text-5e1C: where is my order?",
    "messages": (Message("user", "Earlier-41dA: hello"), Message("assistant", "Earlier-9bF2: indeed")),
    "inputs": {"topic-3cA8": "Value-70eB: tides", "tone-e4D1": "Value-18fC: calm"},
    "files": (File("note.txt", b"Content-c2E9 of a file"),),
    "session_id": "Session-8aF3",
    "user_id": "User-b60C",
    "callback_url": "https://caller.invalid/callback-d7E5",
}
"""By Invocation field. The values are like no others, so that they are recognised wherever they arrive."""

OTHERS: Mapping[str, Any] = {
    "text": "Text-0d92: another one",
    "messages": (Message("user", "Earlier-77b1: good day"),),
    "inputs": {"topic-3cA8": "Value-f3a0: storms", "tone-e4D1": "Value-5529: harsh"},
    "files": (File("note.txt", b"Content-8b41 of another file"),),
    "session_id": "Session-44c7",
    "user_id": "User-19e2",
    "callback_url": "https://caller.invalid/callback-a0b6",
}
"""Other values of the same fields."""

SHAPES: Mapping[str, str] = {
    "text": '{"text": "What is new?"}',
    "messages": '{"messages": (Message("user", "hello"), Message("assistant", "hi"))}',
    "inputs": '{"inputs": {"topic": "tides"}}',
    "files": '{"files": (Link("https://..."),)}, or {"files": (File("a.pdf", b"..."),)}',
    "session_id": '{"session_id": "..."}',
    "user_id": '{"user_id": "..."}',
    "callback_url": '{"callback_url": "https://..."}',
}
"""By Invocation field, how an author gives an example of it."""


class RefusedExampleError(UnsupportedFeatureError):
    """A call that the kit makes up, and this provider refuses: its author gives a better one."""

    def __str__(self) -> str:
        shape = SHAPES.get(self.feature, "{'the field of the Invocation': ...}")
        return (
            f"build_request refused {self.feature!r} ({self.why}). Give one that the vendor carries: examples = {shape}"
        )


GARBAGE: Mapping[str, bytes] = {
    "nothing": b"",
    "blanks": b" \n",
    "an HTML page": b"<!DOCTYPE html><html><body>Sign in</body></html>",
    "half of a JSON document": b'{"status": "success", "data": {"mess',
    "an empty object": b"{}",
    "an empty list": b"[]",
    "null": b"null",
    "a number": b"17",
    "a string": b'"ok"',
    "NaN": b'{"text": NaN}',
    "not UTF-8": b"\xff\xfe\xfa",
    "deep nesting": b"[" * 100_000,
}
STATUSES = (301, 302, 400, 401, 402, 403, 404, 408, 409, 422, 425, 429, 500, 501, 502, 503, 504, 520, 529)

NEUTRAL = "seven geese crossed the river"
PROSE = (
    NEUTRAL,
    "it says: unauthorized, invalid API key",
    "it says: permission denied, forbidden",
    "it says: rate limit exceeded, too many requests, please try again",
    "it says: no credits left, quota exceeded, payment required",
    "it says: service unavailable, busy, timeout",
    "it says: not found, invalid request, internal server error, execution failed",
)
"""The words of every kind of error. Whoever searches messages for words falls for one of them."""


@attrs.frozen
class Answer:
    """One body that a vendor sends, with its HTTP status. `body` is sent as JSON unless it is bytes."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = attrs.field(factory=lambda: {"content-type": "application/json"})

    @property
    def response(self) -> HttpResponse:
        """The answer as a provider sees it."""
        return HttpResponse(self.status, self.headers, as_bytes(self.body))


def as_bytes(body: Any) -> bytes:
    """A body as it is sent: bytes as they are, all else as JSON."""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


Answers: TypeAlias = Answer | tuple[Answer, ...]
"""One exchange: an answer, or all of a run that is polled in their order."""


def as_tuple(answers: Answers) -> tuple[Answer, ...]:
    """The answers of one exchange, also where there is only one."""
    return answers if isinstance(answers, tuple) else (answers,)


def last(answers: Answers) -> Answer:
    """The answer that decides."""
    return as_tuple(answers)[-1]


def exchanged(answers: Answers, index: int, **changes: Any) -> Answers:
    """The exchange with one of its answers changed."""
    given = as_tuple(answers)
    place = index % len(given)
    return (*given[:place], attrs.evolve(given[place], **changes), *given[place + 1 :])


def expected(said: str | Mapping[str, Any]) -> dict[str, Any]:
    """What an example says of its Result, by field: its text, or more than that."""
    return {"text": said} if isinstance(said, str) else dict(said)
