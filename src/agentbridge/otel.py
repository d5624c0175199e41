"""Spans of OpenTelemetry for calls, by its semantic conventions for generative AI. Needs the extra `otel`.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-agent-spans.md, in development
there: names may change with it. What the conventions have no name for begins with `agentbridge.`.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ._version import __version__
from .errors import ConfigurationError, InvocationError
from .model import Invocation, Message, Result, Usage
from .observing.observations import InvocationFinished, InvocationStarted, Observation, RetryScheduled

try:
    from opentelemetry import trace
except ImportError:
    raise ConfigurationError("agentbridge.otel needs the extra 'otel': pip install 'agentbridge-core[otel]'") from None

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider

_MOST = 10_000  # spans that are kept open
_RUNS = ("invoke", "stream", "submit", "resume")
_PORTS = {"http": 80, "https": 443, "smtp": 587, "smtps": 465}


class OpenTelemetryObserver:
    """Makes one span of each call: `Bridge(observers=[OpenTelemetryObserver()])`.

    Its parent is the span that is current when the call starts; it is never made current itself. `tracer_provider` None
    takes the global one. `capture_content` adds what was said and answered, as JSON, without secrets.
    """

    def __init__(self, tracer_provider: TracerProvider | None = None, *, capture_content: bool = False) -> None:
        self._tracer = trace.get_tracer("agentbridge", __version__, tracer_provider)
        self._capture_content = capture_content
        self._open: OrderedDict[str, Span] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, seen: Observation) -> None:
        """Begin a span, add to it, or end it."""
        if isinstance(seen, InvocationStarted):
            self._begin(seen)
        elif isinstance(seen, RetryScheduled):
            self._retry(seen)
        elif isinstance(seen, InvocationFinished):
            self._finish(seen)

    def _begin(self, seen: InvocationStarted) -> None:
        attributes = _known_at_first(seen)
        if self._capture_content and seen.invocation is not None:
            attributes["gen_ai.input.messages"] = _json(_input(seen.invocation))
        span = self._tracer.start_span(_name(seen), kind=trace.SpanKind.CLIENT, attributes=attributes)
        self._keep(seen.id, span)

    def _keep(self, call: str, span: Span) -> None:
        """Keep it until its end, which comes; but where it did not, in so many calls, it is not waited for."""
        with self._lock:
            self._open[call] = span
            lost = self._open.popitem(last=False)[1] if len(self._open) > _MOST else None
        if lost is not None:
            lost.end()

    def _retry(self, seen: RetryScheduled) -> None:
        with self._lock:
            span = self._open.get(seen.id)
        if span is not None:
            facts: dict[str, Any] = {
                "agentbridge.attempt": seen.attempt,
                "agentbridge.delay": seen.delay,
                "error.type": seen.error,
            }
            span.add_event("agentbridge.retry", facts)

    def _finish(self, seen: InvocationFinished) -> None:
        with self._lock:
            span = self._open.pop(seen.id, None)
        if span is None:
            return
        try:
            span.set_attributes(_known_at_last(seen))
            if seen.error is not None:
                span.set_status(trace.StatusCode.ERROR, str(seen.error) if self._capture_content else None)
            elif self._capture_content and isinstance(seen.result, Result):
                span.set_attribute("gen_ai.output.messages", _json([_output(seen.result)]))
        finally:
            span.end()


def _name(seen: InvocationStarted) -> str:
    if seen.operation is not None:
        return f"call {seen.operation}"
    verb = "invoke_agent" if seen.kind in _RUNS else seen.kind
    return f"{verb} {_portable(seen) or seen.agent}".rstrip()


def _portable(seen: InvocationStarted) -> str | None:
    """The name of the portable agent that was called."""
    if seen.invocation is None or ":" in seen.invocation.target:
        return None
    return seen.invocation.target.partition("@")[0]


def _known_at_first(seen: InvocationStarted) -> dict[str, Any]:
    parts = urlsplit(seen.url)
    return _given(
        {
            "gen_ai.operation.name": "invoke_agent" if seen.kind in _RUNS else None,
            "gen_ai.provider.name": seen.provider,
            "gen_ai.agent.id": seen.agent or None,
            "gen_ai.agent.name": _portable(seen),
            "gen_ai.conversation.id": seen.session_id,
            "server.address": parts.hostname,
            "server.port": parts.port or _PORTS.get(parts.scheme),
            "agentbridge.kind": seen.kind,
            "agentbridge.connection": seen.connection,
            "agentbridge.operation": seen.operation,
        }
    )


def _known_at_last(seen: InvocationFinished) -> dict[str, Any]:
    facts: dict[str, Any] = {"agentbridge.attempts": seen.attempts}
    if seen.closed:
        facts["agentbridge.closed"] = True
    if isinstance(seen.result, Result):
        facts |= _of_result(seen.result)
    if seen.error is not None:
        facts["error.type"] = type(seen.error).__name__
    if isinstance(seen.error, InvocationError):
        facts["http.response.status_code"] = seen.error.status
    return _given(facts)


def _of_result(result: Result) -> dict[str, Any]:
    usage = result.usage or Usage()
    return {
        "gen_ai.conversation.id": result.session_id,
        "gen_ai.response.id": result.id,
        "gen_ai.response.model": usage.model,
        "gen_ai.usage.input_tokens": usage.input_tokens,
        "gen_ai.usage.output_tokens": usage.output_tokens,
        "agentbridge.usage.credits": usage.credits,
        "agentbridge.usage.cost": usage.cost,
        "agentbridge.status": result.status,
        "http.response.status_code": result.response.status or None,
    }


def _given(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}


def _input(said: Invocation) -> list[dict[str, Any]]:
    """What was said, oldest first. Files are left out."""
    now = [_text(said.text)] if said.text is not None else []
    if said.inputs:
        now.append({"type": "inputs", "inputs": said.inputs})
    return [*map(_message, said.messages), *([{"role": "user", "parts": now}] if now else [])]


def _output(result: Result) -> dict[str, Any]:
    calls = [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in result.tool_calls
    ]
    return {"role": "assistant", "parts": [*calls, _text(result.text)], "finish_reason": "stop"}


def _message(message: Message) -> dict[str, Any]:
    return {"role": message.role, "parts": [_text(message.text)]}


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "content": text}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
