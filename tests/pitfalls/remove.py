"""Takes each handling away and shows that a test fails without it: python tests/pitfalls/remove.py [NUMBER ...]

Works on copies, so that nothing here is touched. Ends with 1 unless all named tests pass as things are, and at least one fails
for each removal, by what it saw and not because a file cannot be imported.
"""

from __future__ import annotations

import itertools
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import attrs
from pitfall import ROOT, Pitfall, Removal

from pitfalls import ALL

WORKERS = 2
PATIENCE = 120.0  # seconds for the tests of one removal
_MOMENTS = itertools.count(1_000_000_000)
COPIED = (
    "src",
    "plugins",
    "tests",
    "cassettes",
    "docs",
    "examples",
    "tools",
    "conftest.py",
    "pyproject.toml",
    "README.md",
)
BROKEN = ("ImportError", "ModuleNotFoundError", "SyntaxError", "NameError", "UnboundLocalError")
"""Failures that show a removal to be badly made, and nothing else."""


@attrs.frozen
class Run:
    """What pytest said of some tests: how many passed, which failed and why, and how many could not even be run."""

    passed: int
    failed: dict[str, str]
    errors: int
    seconds: float

    @property
    def is_red(self) -> bool:
        """Whether a test failed, and all of them by what they saw."""
        return bool(self.failed) and not self.errors and not any(why.startswith(BROKEN) for why in self.failed.values())

    @property
    def is_green(self) -> bool:
        """Whether all tests passed."""
        return self.passed > 0 and not self.failed and not self.errors


def copied(folder: Path) -> Path:
    """A copy of what the tests need."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


def tested(folder: Path, tests: Iterable[str], patience: float, *options: str) -> Run:
    """Run tests in a copy, on the sources of that copy."""
    sources = [folder / "src", *sorted((folder / "plugins").glob("*/src"))]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, sources))}
    report, started = folder / "report.xml", time.monotonic()
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", f"--junitxml={report}", *options, *tests]
    try:
        subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired:
        return Run(0, {}, 1, time.monotonic() - started)
    return _read(report, time.monotonic() - started)


def _read(report: Path, seconds: float) -> Run:
    if not report.exists():
        return Run(0, {}, 1, seconds)
    cases = list(ET.parse(report).getroot().iter("testcase"))
    failed = {case.get("name", ""): node.get("message", "") for case in cases for node in case.iter("failure")}
    errors = sum(not _is_after(node) for case in cases for node in case.iter("error"))
    return Run(len(cases) - len(failed) - errors, failed, errors, seconds)


def _is_after(error: ET.Element) -> bool:
    """Whether it is what a failure left behind, and was found when the test was cleared away."""
    return error.get("message", "").startswith("failed on teardown")


def without(folder: Path, removal: Removal, tests: Iterable[str]) -> Run:
    """Run tests in a copy without one handling; the copy is as before when they are over."""
    path = folder / removal.path
    whole, times = path.read_text(), (path.stat().st_atime, path.stat().st_mtime)
    path.write_text(removal.applied(whole))
    os.utime(path, (times[0], next(_MOMENTS)))  # by which Python knows whether it has compiled this very text
    try:
        return tested(folder, tests, PATIENCE, "-x")
    finally:
        path.write_text(whole)
        os.utime(path, times)


def shown(pitfalls: list[Pitfall], folder: Path) -> bool:
    """Print what becomes of the tests with and without each handling; whether all is as it must be."""
    copies: queue.SimpleQueue[Path] = queue.SimpleQueue()
    for number in range(WORKERS):
        copies.put(copied(folder / str(number)))
    whole = tested(
        folder / "0", sorted({test for each in pitfalls for test in each.tests}), 10 * PATIENCE, "-n", str(WORKERS)
    )
    print(
        f"all handled: {'green' if whole.is_green else f'NOT GREEN {whole}'}, {whole.passed} tests, {whole.seconds:.0f} s"
    )

    def judged(pitfall: Pitfall, removal: Removal) -> bool:
        copy = copies.get()
        try:
            run = without(copy, removal, pitfall.tests)
        finally:
            copies.put(copy)
        print(_row(pitfall, removal, run), flush=True)
        return run.is_red

    with ThreadPoolExecutor(WORKERS) as pool:
        judging = [pool.submit(judged, pitfall, removal) for pitfall in pitfalls for removal in pitfall.removals]
        red = [each.result() for each in judging]
    print(f"{sum(red)} of {len(red)} removals of {len(pitfalls)} pitfalls are red")
    return whole.is_green and all(red)


def _row(pitfall: Pitfall, removal: Removal, run: Run) -> str:
    said = "red" if run.is_red else f"NOT RED ({run.passed} passed, {run.errors} errors, {list(run.failed.values())})"
    what = next(iter(run.failed), removal.old.strip().splitlines()[0])
    return f"{pitfall.number:>3}  {said}  {run.seconds:4.1f} s  {removal.path}: {what}"


def main(numbers: list[str]) -> int:
    """Ends with 0 where all is as it must be."""
    started = time.monotonic()
    chosen = [ALL[int(number)] for number in numbers] if numbers else list(ALL.values())
    with tempfile.TemporaryDirectory() as folder:
        fine = shown(chosen, Path(folder))
    print(f"{time.monotonic() - started:.0f} s")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
