"""The least that each vendor's agents are asked."""

from __future__ import annotations

from typing import Any

CALLS: dict[str, dict[str, Any]] = {
    "flowise": {"text": "hi"},
    "flowgent": {"text": "hi"},
    "promptitude": {"inputs": {"a": "b"}},
    "fluxprompt": {"inputs": {"a": "b"}},
}
