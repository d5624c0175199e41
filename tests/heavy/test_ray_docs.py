"""The examples of the docs that need Ray run, each as a reader runs it: without a cluster, so with one of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("ray")

ROOT = Path(__file__).parents[2]
EXAMPLE = re.compile(r"^```python ray\n(.*?)^```\n```text output\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXAMPLES = [
    (page.name, *found) for page in sorted(ROOT.glob("docs/**/*.md")) for found in EXAMPLE.findall(page.read_text())
]


def test_every_example_that_needs_ray_is_found():
    marked = sum(page.read_text().count("```python ray\n") for page in ROOT.glob("docs/**/*.md"))
    assert len(EXAMPLES) == marked > 0


@pytest.mark.parametrize(("page", "program", "shown"), EXAMPLES)
def test_an_example_prints_what_the_page_shows(page, program, shown, tmp_path):
    environment = {**os.environ, "HOME": str(tmp_path)}
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment, timeout=240)
    assert done.returncode == 0, done.stderr
    assert done.stdout == shown
