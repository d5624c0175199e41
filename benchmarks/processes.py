"""The processes of a run: the vendor, the workers, and those that are started cold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, TypeAlias

from .statistics import Sample

ROOT = Path(__file__).parents[1]
VARIABLE = "BENCH_ENVIRONMENTS"
Side: TypeAlias = Literal["bench", "bench-raw"]
OURS: Side = "bench"
RAW: Side = "bench-raw"


class Running(Protocol):
    """A subject that is ready to be measured."""

    def sample(self) -> Sample:
        """Measure once."""

    def close(self) -> None:
        """End it."""


class Subject(Protocol):
    """What is measured: it is started anew for each round."""

    def start(self, base: str) -> Running:
        """Start it, against the vendor at this address."""


def python_of(side: Side) -> str:
    """The interpreter of an environment; its folder is `.venv` unless `$BENCH_ENVIRONMENTS` names another."""
    folder = Path(os.environ.get(VARIABLE) or ROOT / ".venv")
    python = folder / side / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"{python} is not there: `make bench` sets it up")
    return str(python)


def _environment(side: Side) -> dict[str, str]:
    """Nothing of the caller's but where our own code is: no proxy, no configuration, and .pyc files are kept."""
    path = {"PYTHONPATH": os.environ["PYTHONPATH"]} if side == OURS and "PYTHONPATH" in os.environ else {}
    return {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8", **path}


@dataclass(frozen=True)
class Slices:
    """A worker process that does a slice of `benchmarks.work` at a time."""

    side: Side
    work: str
    options: Mapping[str, object] = field(default_factory=dict)
    needs_vendor: bool = True

    def start(self, base: str) -> Running:
        """Start the worker; it warms up before it is ready."""
        options = {"base": base, **self.options} if self.needs_vendor else self.options
        return _Worker(self.side, ["-m", "benchmarks.worker", self.work, json.dumps(options)])


class _Worker:
    def __init__(self, side: Side, arguments: Sequence[str]) -> None:
        self._arguments = arguments
        self._process = subprocess.Popen(
            [python_of(side), *arguments], cwd=ROOT, env=_environment(side), text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._line()

    def sample(self) -> Sample:
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        figures: dict[str, float] = json.loads(self._line())
        return figures

    def close(self) -> None:
        self._process.communicate()

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"a worker ended with {self._process.wait()}: {self._arguments}")
        return line


@dataclass(frozen=True)
class Cold:
    """A process that is started, runs some code and ends. `{base}` in the code is the vendor's address.

    `cpu` is that of the whole process in microseconds, `above` the same less that of an interpreter that does nothing,
    `rss` what the code printed.
    """

    side: Side
    code: str

    def start(self, base: str) -> Running:
        """Run it once, so that .pyc files and the page cache are warm."""
        running = _ColdProcess(self.side, self.code.replace("{base}", base))
        running.sample()
        return running


@dataclass(frozen=True)
class _ColdProcess:
    side: Side
    code: str

    def sample(self) -> Sample:
        cpu, printed = _spent(self.side, self.code)
        bare, _ = _spent(self.side, "pass")
        return {"cpu": cpu, "above": cpu - bare, "printed": float(printed or 0)}

    def close(self) -> None:
        """Nothing runs between two samples."""


def _spent(side: Side, code: str) -> tuple[float, str]:
    """The CPU of a whole process, in microseconds, and what it printed."""
    process = subprocess.Popen(
        [python_of(side), "-c", code], cwd="/", env=_environment(side), stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    with process.stdout:
        printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a cold process ended with {process.returncode}: {code}")
    return (used.ru_utime + used.ru_stime) * 1e6, printed


@contextmanager
def vendor() -> Iterator[str]:
    """The fake vendor, in a process of its own; its address."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


def features() -> frozenset[str]:
    """What the library under test can do already; see `benchmarks.work.available`."""
    found = subprocess.run(
        [python_of(OURS), "-m", "benchmarks.work.available"], cwd=ROOT, env=_environment(OURS), text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    return frozenset(found.stdout.split())
