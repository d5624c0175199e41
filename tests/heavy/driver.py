"""A process of its own that replays on the cluster that it is told: LEDGER CONFIG ADDRESS."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from agentbridge.migrate import replay_on_ray

if __name__ == "__main__":
    ledger, config, address = sys.argv[1:]
    given = json.loads(Path(config).read_text())
    print(replay_on_ray(ledger, given, "flowgent", concurrency=8, address=address).stopped)
