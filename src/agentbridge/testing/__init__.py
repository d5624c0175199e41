"""For tests of plugins, and of code that calls agents. The contract needs pytest, nothing else does."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bridges import (
        AsyncScriptedBridge as AsyncScriptedBridge,
        ScriptedBridge as ScriptedBridge,
        scripted as scripted,
    )
    from .cassettes import scrub as scrub, vcr_config as vcr_config
    from .contract import Answer as Answer, ProviderContract as ProviderContract
    from .live import LiveEmulators as LiveEmulators
    from .memory import MemoryTransport as MemoryTransport
    from .scripts import Calls as Calls, Delayed as Delayed, Streamed as Streamed

_MODULES = {
    "bridges": "AsyncScriptedBridge ScriptedBridge scripted",
    "cassettes": "scrub vcr_config",
    "contract": "Answer ProviderContract",
    "live": "LiveEmulators",
    "memory": "MemoryTransport",
    "scripts": "Calls Delayed Streamed",
}
_HOME = {name: module for module, names in _MODULES.items() for name in names.split()}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'agentbridge.testing' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
