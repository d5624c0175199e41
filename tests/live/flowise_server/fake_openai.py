"""A stand-in for the models behind the flows, so that they answer at once, alike, and without an account.

    python fake_openai.py PORT_FILE

It listens on a free port of the loopback interface and writes the port into PORT_FILE. It speaks OpenAI's
`/v1/chat/completions` (whole, streamed, with tool calls) and `/v1/embeddings`, and Ollama's `/api/chat`.
What it answers depends on words in the last user message:

    FAIL400 FAIL401 ...  an HTTP error of that status
    DROP                 two words, then the connection breaks
    EMPTY                an empty answer
    UNICODE              line ends of all kinds, "data:" and an emoji
    THINK                reasoning before the answer
    SLOW<n>              the answer, spread over n seconds, the first word at once
    WAIT<n>              n seconds of silence first
    JSONOUT              a JSON object
    HISTORY              every message the model was sent, as role:text
    NOTOOL               plain text although a tool call was demanded
    usefail              a call of `fail_tool`, where that is offered
    calc 6*7             a call of `calculator`, where that is offered; then its output
    anything else        "Echo: " and the message
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import struct
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

ERRORS = {
    400: ("This model's maximum context length is 10 tokens.", "invalid_request_error", "context_length_exceeded"),
    401: ("Incorrect API key provided: sk-fake***.", "invalid_request_error", "invalid_api_key"),
    429: ("Rate limit reached for fake-model", "requests", "rate_limit_exceeded"),
}
BASE = {"id": "chatcmpl-fake", "created": 1700000000, "model": "fake-model"}
OLLAMA = {"model": "fake", "created_at": "2026-01-01T00:00:00Z"}
OLLAMA_END = {
    "done": True, "done_reason": "stop", "total_duration": 1, "load_duration": 1, "prompt_eval_count": 3,
    "prompt_eval_duration": 1, "eval_count": 4, "eval_duration": 1,
}  # fmt: skip
TRICKY = (
    "line1\n\nline2 data: not-a-frame\r\nsep[\u2028][\u0085] caf\u00e9 \u6f22\u5b57 \U0001f642"
    " data:image/png;base64,AAAA end"
)


class Reply(NamedTuple):
    text: str
    reasoning: str = ""
    tool: tuple[str, dict[str, Any]] | None = None


def text_of(content: Any) -> str:
    """The text of a message; other parts, such as an image, leave their type in brackets."""
    if isinstance(content, list):
        return "".join(part.get("text", f"[{part.get('type', '?')}]") for part in content)
    return content if isinstance(content, str) else ""


def asked(request: dict[str, Any]) -> str:
    users = [message for message in request.get("messages") or [] if message.get("role") == "user"]
    return text_of(users[-1]["content"]) if users else ""


def reply_to(request: dict[str, Any]) -> Reply:
    messages, question = request.get("messages") or [], asked(request)
    tool = _tool_for(request, question)
    if messages and messages[-1].get("role") == "tool":
        return Reply("The tool said: " + text_of(messages[-1].get("content")))
    if tool is not None:
        return Reply("", tool=tool)
    if "HISTORY" in question:
        turns = [f"{turn.get('role')}:{text_of(turn.get('content'))[:200]}" for turn in messages]
        return Reply(" | ".join(turns).replace("\n", "\\n"))
    fixed = {"EMPTY": "", "UNICODE": TRICKY, "JSONOUT": '{"title": "T", "score": 7}'}
    text = next((answer for word, answer in fixed.items() if word in question), f"Echo: {question}")
    return Reply(text, "Let me think about it." if "THINK" in question else "")


def _tool_for(request: dict[str, Any], question: str) -> tuple[str, dict[str, Any]] | None:
    offered = [tool.get("function", {}).get("name") for tool in request.get("tools") or []]
    sum_ = re.search(r"calc\s+([0-9+*/. ()-]+)", question)
    if "NOTOOL" not in question and isinstance(request.get("tool_choice"), dict) and offered == ["extract"]:
        return "extract", {"title": "T", "score": 7}
    if "usefail" in question and "fail_tool" in offered:
        return "fail_tool", {"what": "x"}
    if sum_ and "calculator" in offered:
        return "calculator", {"input": sum_.group(1).strip()}
    return None


def embedding(text: Any, encoding: str | None) -> Any:
    vector = [byte / 255 for byte in hashlib.sha256(str(text).encode()).digest()][:16]
    return base64.b64encode(struct.pack("<16f", *vector)).decode() if encoding == "base64" else vector


def words(text: str) -> list[str]:
    return re.findall(r"\S+\s*|\s+", text)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        try:
            if self.path.endswith("/embeddings"):
                self._embeddings(request)
            elif self.path.endswith("/api/chat"):
                self._ollama(request)
            else:
                self._openai(request)
        except (BrokenPipeError, ConnectionResetError):  # the server has lost interest, as it does in an aborted run
            self.close_connection = True

    def _openai(self, request: dict[str, Any]) -> None:
        question = asked(request)
        if found := re.search(r"WAIT(\d+)", question):
            time.sleep(int(found.group(1)))
        if found := re.search(r"FAIL(\d{3})", question):
            status = int(found.group(1))
            message, kind, code = ERRORS.get(status, ("The server had an error.", "server_error", None))
            self._whole({"error": {"message": message, "type": kind, "param": None, "code": code}}, status)
            return
        reply = reply_to(request)
        counts = (len(request.get("messages") or []), len(reply.text.split()))
        usage = {"prompt_tokens": counts[0], "completion_tokens": counts[1], "total_tokens": sum(counts)}
        if request.get("stream"):
            self._streamed(request, reply, usage)
            return
        message: dict[str, Any] = {"role": "assistant", "content": reply.text}
        if reply.reasoning:
            message["reasoning_content"] = reply.reasoning
        if reply.tool:
            message["tool_calls"] = [_call(reply.tool)]
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if reply.tool else "stop"}
        self._whole({**BASE, "object": "chat.completion", "usage": usage, "choices": [choice]})

    def _streamed(self, request: dict[str, Any], reply: Reply, usage: dict[str, int]) -> None:
        question = asked(request)
        self._head("text/event-stream")
        self._delta({"role": "assistant", "content": ""})
        for word in words(reply.reasoning):
            self._delta({"reasoning_content": word})
        if reply.tool:
            self._delta({"tool_calls": [{**_call(reply.tool), "index": 0}]})
        pieces = words(reply.text)
        slow = re.search(r"SLOW(\d+)", question)
        for index, word in enumerate(pieces):
            if "DROP" in question and index == 2:
                self.close_connection = True
                self.connection.close()
                return
            self._delta({"content": word})
            if slow:
                time.sleep(int(slow.group(1)) / len(pieces))
        self._delta({}, "tool_calls" if reply.tool else "stop")
        if (request.get("stream_options") or {}).get("include_usage"):
            self._event({**BASE, "object": "chat.completion.chunk", "choices": [], "usage": usage})
        self._chunk(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _ollama(self, request: dict[str, Any]) -> None:
        """NDJSON; `think` asks for reasoning first, `format` for a JSON answer."""
        text, thought = f"Echo: {asked(request)}", "Let me think about it." if request.get("think") else ""
        if request.get("format"):
            text, thought = json.dumps({"questions": ["What else?", "Why so?", "And then?"]}), ""
        if not request.get("stream"):
            message = {"role": "assistant", "content": text, "thinking": thought}
            self._whole({**OLLAMA, "message": message, **OLLAMA_END})
            return
        self._head("application/x-ndjson")
        for word in words(thought):
            self._line({"message": {"role": "assistant", "content": "", "thinking": word}, "done": False})
        for word in words(text):
            self._line({"message": {"role": "assistant", "content": word}, "done": False})
        self._line({"message": {"role": "assistant", "content": ""}, **OLLAMA_END})
        self.wfile.write(b"0\r\n\r\n")

    def _embeddings(self, request: dict[str, Any]) -> None:
        texts = request.get("input")
        vectors = [
            {"object": "embedding", "index": index, "embedding": embedding(text, request.get("encoding_format"))}
            for index, text in enumerate(texts if isinstance(texts, list) else [texts])
        ]
        usage = {"prompt_tokens": 1, "total_tokens": 1}
        self._whole({"object": "list", "data": vectors, "model": "fake-embed", "usage": usage})

    def _whole(self, body: Any, status: int = 200) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _head(self, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n" % len(data) + data + b"\r\n")
        self.wfile.flush()

    def _delta(self, delta: dict[str, Any], finish: str | None = None) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        self._event({**BASE, "object": "chat.completion.chunk", "choices": [choice]})

    def _event(self, body: Any) -> None:
        self._chunk(b"data: " + json.dumps(body).encode() + b"\n\n")

    def _line(self, body: dict[str, Any]) -> None:
        self._chunk(json.dumps({**OLLAMA, **body}).encode() + b"\n")


def _call(tool: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    name, arguments = tool
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A connection that DROP has broken ends in an error by design."""


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    Path(sys.argv[1]).write_text(str(server.server_address[1]))
    server.serve_forever()
