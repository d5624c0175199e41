"""The kit as a stranger runs it: by pytest alone, beside a plugin for async tests, with an expected failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SUITE = """
import pytest
from small import EXAMPLES, Small

from agentbridge.testing import ProviderContract


class TestSmall(ProviderContract):
    provider = Small()
    locals().update(EXAMPLES)
"""
FAILING = """
    @pytest.mark.xfail(reason="the vendor calls everything an answer")
    def test_an_answer_needs_its_proof(self):
        assert False
"""
PASSING = FAILING.replace("assert False", "pass")


def run(folder: Path, suite: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(HERE / "small.py", folder)
    (folder / "test_small.py").write_text(suite)
    search = os.pathsep.join([str(folder), *sys.path])
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": search}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *arguments, "test_small.py"],
        capture_output=True, text=True, check=False, cwd=folder, env=environment,
    )  # fmt: skip


@pytest.mark.parametrize("arguments", [[], ["-p", "anyio.pytest_plugin"]], ids=["pytest alone", "anyio"])
def test_the_kit_runs(tmp_path, arguments):
    done = run(tmp_path, SUITE, *arguments)
    assert done.returncode == 0, done.stdout
    assert "failed" not in done.stdout


def test_an_expected_failure_is_reported_as_such(tmp_path):
    done = run(tmp_path, SUITE + FAILING, "-k", "needs_its_proof")
    assert (done.returncode, "1 xfailed" in done.stdout) == (0, True), done.stdout


def test_an_expected_failure_that_passes_fails(tmp_path):
    done = run(tmp_path, SUITE + PASSING, "-k", "needs_its_proof")
    assert (done.returncode, "[XPASS(strict)] the vendor calls everything" in done.stdout) == (1, True), done.stdout


def test_it_runs_in_the_order_in_which_a_plugin_is_written(tmp_path):
    listed = run(tmp_path, SUITE, "--collect-only").stdout
    landmarks = (
        "test_the_provider_can_be_registered",
        "test_every_accepted_field_arrives",
        "test_secrets_stand_in_auth_only",
        "test_answers_read_as_given",
        "test_errors_in_a_200_are_classified",
        "test_streams_read_as_given",
        "test_each_poll_asks_for_its_own_run",
        "test_callbacks_read_as_given",
        "test_a_paused_run_goes_on_as_decided",
        "test_a_lost_run_is_found_again",
        "test_operations_are_read",
        "test_the_emulator_answers_the_provider",
    )
    assert sorted(landmarks, key=listed.index) == list(landmarks)
