"""For tests of plugins, and of code that calls agents. The contract needs pytest, nothing else does."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
else:
    from .._lazy import exported

    _MODULES = {
        "bridges": "AsyncScriptedBridge ScriptedBridge scripted",
        "cassettes": "scrub vcr_config",
        "contract": "Answer ProviderContract",
        "live": "LiveEmulators",
        "memory": "MemoryTransport",
        "scripts": "Calls Delayed Streamed",
    }
    __all__, __getattr__, __dir__ = exported(__name__, _MODULES)
