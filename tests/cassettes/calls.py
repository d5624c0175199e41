"""The calls that the cassettes hold, shared by the recorder and the replay.

`{flow:NAME}` in a target stands for a flow of the server that the recorder runs against.
"""

from __future__ import annotations

import uuid
from typing import Any


def fresh_id(name: str) -> str:
    """The id that a cassette's call mints: the same at each replay, and no other cassette's."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"agentbridge cassette {name}"))


def _call(flow: str, text: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"flow": flow, "text": text, **fields}


FLOWISE: dict[str, dict[str, Any]] = {
    "answer": _call("agentflow_direct", "hello", session_id="s-answer"),
    "llm": _call("agentflow_llm", "hello"),
    "history": _call("agentflow_llm", "HISTORY", messages=[("user", "my name is Ann"), ("assistant", "hi Ann")]),
    "form": _call("agentflow_form", inputs={"name": "Ann", "age": "5"}),
    "text-file": _call("agentflow_llm", "HISTORY", files=[("note.txt", b"The secret word is plum.")]),
    "output-parser": _call("chatflow_json", "JSONOUT"),
    "agentflow-v1": _call("agentflow_v1_sequential", "hello"),
    "paused": _call("agentflow_human", "launch", session_id="s-paused"),
    "blank": _call("agentflow_startonly", "hello"),
    "output-parser-failed": _call("chatflow_json", "hello"),
    "tool-failed": _call("chatflow_failtool", "usefail"),
    "refused-key": _call("agentflow_keyed", "hello", wrong_key=True),
    "function-threw": _call("agentflow_throw", "hello"),
    "model-refused": _call("agentflow_llm", "FAIL401"),
    "not-a-flow-id": _call("not-a-uuid", "hello"),
    "unknown-flow": _call("00000000-0000-4000-8000-000000000000", "hello"),
}
