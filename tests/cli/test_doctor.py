"""`agentbridge doctor`: the findings on a page, as JSON and as an exit code."""

from __future__ import annotations

import json

import pytest

CANARY = "canary-5f1d0c77-key"  # that of the connection "canary"


def test_the_emulators_are_well(called):
    done = called("doctor", "flowise", "fluxprompt", "promptitude", "flowgent", "--call")
    assert done.exit_code == 0, done.output
    assert done.output.endswith("no problems, no warnings\n")
    assert "flowise answers to 'verify-key' with this key" in done.output


def test_a_problem_is_exit_code_1_and_has_its_remedy_beneath(run, tmp_path):
    (tmp_path / "agentbridge.toml").write_text(
        f'[connections.flowise]\nbase_url = "http://localhost:1"\napi_key = "Bearer {CANARY}"\n'
    )
    done = run("doctor", "--offline")
    assert done.exit_code == 1
    lines = done.output.splitlines()
    at = lines.index("  problem  key: it begins with the name of a header or a scheme")
    assert lines[at + 1].strip().startswith("write FLOWISE_API_KEY=abc123")
    assert lines[-1] == "1 problem, no warnings"


def test_warnings_alone_are_exit_code_0(run, tmp_path):
    (tmp_path / "agentbridge.toml").write_text('[connections.flowise]\nbase_url = "http://localhost:1"\n')
    done = run("doctor", "--offline")
    assert (done.exit_code, done.output.splitlines()[-1]) == (0, "no problems, 1 warning")


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--call"], ["--call", "--json"], ["--offline", "--json"]])
def test_no_key_is_in_any_output(called, arguments):
    done = called("doctor", "canary", *arguments)
    assert "canary" in done.output
    assert CANARY not in done.output


def test_json_has_the_counts_and_each_finding(called):
    shown = json.loads(called("doctor", "canary", "--call", "--json").output)
    assert (shown["problems"], shown["warnings"]) == (1, 0)
    (found,) = [finding for finding in shown["findings"] if finding["level"] == "problem"]
    assert (found["connection"], found["check"]) == ("canary", "call")
    assert "AuthenticationError" not in found["message"]
    assert "key" in found["remedy"]


def test_a_broken_file_is_a_finding_and_no_traceback(run, tmp_path):
    (tmp_path / "agentbridge.toml").write_text("[connections.flowise\n")
    done = run("doctor")
    assert done.exit_code == 1
    assert "problem  configuration: agentbridge.toml: is not TOML" in done.output


def test_offline_and_call_exclude_each_other(run):
    assert run("doctor", "--offline", "--call").exit_code == 2
