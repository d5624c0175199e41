"""What makes the figures of a report reproducible: versions, the gate and its hash, and what the ledger keeps."""

from __future__ import annotations

import hashlib
import json
import platform

import attrs

from ..._version import __version__
from ..gate import Gate
from ..ledger import Ledger


def facts_of(gate: Gate) -> dict[str, str]:
    """What every report says."""
    said = json.dumps(attrs.asdict(gate), sort_keys=True)
    return {
        "agentbridge": __version__,
        "Python": platform.python_version(),
        "gate": said,
        "gate, sha256": hashlib.sha256(said.encode()).hexdigest(),
    }


def facts_of_ledger(ledger: Ledger, **arms: str) -> dict[str, str]:
    """Which ledger, which of its arms, and the small facts that it keeps."""
    kept = {name: str(value) for name, value in ledger.settings().items() if isinstance(value, (str, int, float))}
    return {"ledger": ledger.path.name, **arms, **{f"ledger: {name}": value for name, value in kept.items()}}
