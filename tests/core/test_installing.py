"""How a plugin is installed stands in one place, and is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agentbridge.installing import how_to_install

ROOT = Path(__file__).parents[2]
VENDORS = ("flowgent", "flowise", "fluxprompt", "promptitude")


@pytest.mark.parametrize("provider", VENDORS)
def test_the_folder_that_is_named_is_there(provider):
    folder = re.search(r"pip install -e (\S+) in a checkout", how_to_install(provider))[1]
    assert (ROOT / folder / "pyproject.toml").exists()


def test_nothing_promises_a_plugin_from_an_index():
    promise = re.compile(rf"pip install '?agentbridge-({'|'.join(VENDORS)})")
    pages = [
        *ROOT.glob("src/**/*.py"),
        *ROOT.glob("plugins/*/src/**/*.py"),
        *ROOT.glob("docs/**/*.md"),
        ROOT / "README.md",
    ]
    assert [str(page) for page in pages if promise.search(page.read_text("utf-8"))] == []
