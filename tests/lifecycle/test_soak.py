"""Thousands of calls of every outcome leave nothing behind: no file descriptor, no task, no memory.

`make soak` makes ten thousand of them, `make test` two thousand.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOAK = Path(__file__).parent / "soak.py"
SCALE = int(os.environ.get("SOAK_SCALE", "1"))
RUNS = [
    ("sync", "httpx", 600 * SCALE),
    ("async", "httpx", 600 * SCALE),
    ("sync", "httpx2", 250 * SCALE),
    ("async", "httpx2", 250 * SCALE),
    ("async", "aiohttp", 300 * SCALE),
]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads what a process holds from /proc")
@pytest.mark.parametrize(("world", "library", "calls"), RUNS, ids=["-".join(run[:2]) for run in RUNS])
def test_a_soak_of_every_outcome_stays_flat(world, library, calls):
    command = [sys.executable, "-W", "error", str(SOAK), world, library, str(calls)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert ended.stderr == ""
    held = [json.loads(line) for line in ended.stdout.splitlines()]
    assert held[-1]["calls"] == calls
    early, late = held[1:5], held[5:]
    for what, slack in (("descriptors", 12), ("threads", 6), ("tasks", 8), ("blocks", 3000), ("resident", 3 << 20)):
        grown = min(one[what] for one in late) - min(one[what] for one in early)
        assert grown <= slack, (what, [one[what] for one in held])
