"""What stands in the way of a call, found without making one: `agentbridge doctor`, and `examine` for scripts."""

from __future__ import annotations

from .examining import examine
from .finding import Finding, Level

__all__ = ["Finding", "Level", "examine"]
