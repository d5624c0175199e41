"""Does a slice of work each time it is told to, and says what that cost: `python -m benchmarks.worker WORK OPTIONS`.

It runs in the environment that is measured. WORK is a function of `benchmarks.work`, as `raw.sync_call`.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

_KILOBYTES = 1024


@dataclass(frozen=True)
class Work:
    """A slice of work: `do` does `count` operations, and may return figures of its own."""

    count: int
    do: Callable[[], Mapping[str, float] | None]


def measured(work: Work) -> dict[str, float]:
    """One slice: CPU in microseconds an operation, memory in MB above the start, and the work's own figures."""
    gc.collect()
    with contextlib.suppress(OSError):  # without it the peak is that of the process's whole life
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _memory("VmRSS")
    began = time.process_time()
    own = work.do() or {}
    spent = time.process_time() - began
    return {"cpu": spent / work.count * 1e6, "peak": _memory("VmHWM") - before, **own}


def _memory(field: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition(f"{field}:")[2].split()[0]) / _KILOBYTES


def _serve(name: str, options: Mapping[str, object]) -> None:
    module, _, function = name.partition(".")
    begin = getattr(importlib.import_module(f"benchmarks.work.{module}"), function)
    with begin(**options) as work:
        print("ready", flush=True)
        for _ in sys.stdin:
            print(json.dumps(measured(work)), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1], json.loads(sys.argv[2]))
