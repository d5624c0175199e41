"""For tests of plugins, and of code that calls agents. Needs pytest, nothing else."""

from __future__ import annotations

from .cassettes import scrub, vcr_config
from .contract import Answer, ProviderContract
from .memory import MemoryTransport

__all__ = ["Answer", "MemoryTransport", "ProviderContract", "scrub", "vcr_config"]
