"""Parts of a call without a network: the parser of streams, a large answer, the events of a stream one by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

from agentbridge import Bridge, HttpResponse, TextDelta
from agentbridge.sse import SSEParser
from benchmarks.server import ANSWER, token_events
from benchmarks.worker import Work

from .common import QUESTION, check, check_count
from .memory import Pieces, Streaming
from .ours import connections

_READ = 64 * 1024  # bytes that a read of a socket gives at most
_SENTENCE = "the agent reads a flow and calls the tool with café “quotes” état données answer search vector store. "


@contextmanager
def parser(tokens: int) -> Iterator[Work]:
    """Bytes in, events out, without their JSON."""
    stream = b"".join(token_events(tokens))
    reads = [stream[start : start + _READ] for start in range(0, len(stream), _READ)]

    def do() -> None:
        parse = SSEParser()
        check_count(sum(len(parse.feed(read)) for read in reads), tokens + 3)

    do()
    yield Work(tokens, do)


def large_answer(size: int = 1_000_000) -> bytes:
    """An answer of about this many bytes, most of it the reasoning of agents."""
    node = {
        "agentName": "Worker",
        "messages": [_SENTENCE * 4, _SENTENCE * 6],
        "instructions": _SENTENCE * 2,
        "usedTools": [{"tool": "search", "toolInput": {"input": _SENTENCE, "k": 4}, "toolOutput": _SENTENCE * 5}],
        "sourceDocuments": [{"pageContent": _SENTENCE * 8, "metadata": {"source": "doc.pdf", "loc": {"from": 1}}}],
        "state": {"count": 1, "ok": True},
        "nodeName": "agentAgentflow",
    }
    count = size // len(json.dumps(node, ensure_ascii=False).encode())
    return json.dumps({**ANSWER, "agentReasoning": [node] * count}, ensure_ascii=False).encode()


class _Constant:
    """A transport that has the answer already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def send(self, _: object) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/json"}, self._content)

    def sleep(self, seconds: float) -> None:
        """Nobody waits."""

    def close(self) -> None:
        """Nothing is open."""


@contextmanager
def answer(count: int) -> Iterator[Work]:
    """A large answer becomes a Result."""
    with Bridge(
        config={}, connections=connections("http://vendor.invalid"), transport=_Constant(large_answer())
    ) as bridge:

        def do() -> None:
            for _ in range(count):
                check(bridge.invoke("flowise:hello", QUESTION).text)

        do()
        yield Work(count, do)


@contextmanager
def json_loads(count: int) -> Iterator[Work]:
    """The same answer is decoded, and no more."""
    content = large_answer()

    def do() -> None:
        for _ in range(count):
            check(json.loads(content)["text"])

    do()
    yield Work(count, do)


@contextmanager
def event_delay(tokens: int) -> Iterator[Work]:
    """Each event arrives in two reads: `late` is the most reads that were made after the one that completed an event."""

    def do() -> Mapping[str, float]:
        sent = token_events(tokens)
        body = Pieces([half for event in sent for half in (event[:9], event[9:])])
        late = []
        with (
            httpx.Client(transport=Streaming(body)) as client,
            Bridge(config={}, connections=connections("http://vendor.invalid"), http_client=client) as bridge,
            bridge.stream("flowise:hello", QUESTION) as events,
        ):
            for event in events:
                if isinstance(event, TextDelta):
                    number = int(event.text.removeprefix(" token"))
                    late.append(body.given - 2 * (number + 2))  # `start` came before the first token
        check_count(len(late), tokens)
        return {"late": max(late)}

    yield Work(tokens, do)
