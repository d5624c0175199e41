"""`make help` says what each target does."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_help_has_a_line_for_each_target():
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    done = subprocess.run(
        ["make", "--no-print-directory", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert set(told) == set(targets)
    assert all(told.values())
