"""Follows docs/get-started.md as a newcomer does: an empty folder, one terminal for the emulators, one for the rest."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from blocks import ROOT, blocks, commands, shows

PAGE = ROOT / "docs/get-started.md"
STEPS = [block for block in blocks(PAGE) if block.said("not-run") != "sets up an environment"]


@pytest.fixture
def exports(environment):
    """What `agentbridge emulate` prints, on a free port instead of the usual one."""
    with subprocess.Popen(
        ["agentbridge", "emulate", "--port", "0"], stdout=subprocess.PIPE, text=True, env=bare(environment)
    ) as terminal:
        assert terminal.stdout is not None
        lines = []
        for line in terminal.stdout:
            lines.append(line)
            if "emulate --list" in line:
                break
        yield "".join(lines)
        terminal.terminate()


def bare(environment):
    """The environment of somebody who has no accounts."""
    return {name: value for name, value in environment.items() if not name.endswith(("_BASE_URL", "_API_KEY"))}


def test_who_follows_the_page_gets_what_it_shows(exports, environment, tmp_path):
    session = bare(environment)
    for block in STEPS:
        if block.said("not-run") == "runs until Ctrl-C":
            ((_, shown),) = commands(block)
            assert shows(re.sub(":[0-9]+/", ":.../", shown), exports)
            session |= dict(re.findall(r"^export (\w+)=(.*)$", exports, re.MULTILINE))
        elif name := block.said("file"):
            (tmp_path / name).write_text(block.content)
        else:
            for command, shown in commands(block):
                assert_shows(command, shown, tmp_path, session)


def assert_shows(command, shown, folder, session):
    done = subprocess.run(
        ["bash", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, cwd=folder,
        env=session, stdin=subprocess.DEVNULL, timeout=60,
    )  # fmt: skip
    assert shows(shown, done.stdout), f"$ {command}\n{done.stdout}"


def test_the_folder_was_empty_and_nothing_but_the_page_is_needed():
    assert not any(name in os.environ for name in ("FLOWISE_API_KEY", "AGENTBRIDGE_CONFIG"))
    assert [block.language for block in STEPS].count("console") >= 5
