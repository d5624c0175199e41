"""`agentbridge migrate compare` and `report`: exit codes for CI, and files for people."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest
from click.testing import CliRunner
from compared_pairs import pair, workload

from agentbridge.cli.app import cli
from agentbridge.migrate import Ledger


@pytest.fixture(autouse=True)
def _somewhere_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _ledger(pairs):
    with Ledger("move.ledger") as ledger:
        known = {one.sample.id: one for one in pairs}
        ledger.add(one.sample for one in known.values())
        ledger.set("config hash", "f00d")
        for arm in ("candidate", "baseline"):
            for turns in list(ledger.conversations(arm)):
                for turn in turns:
                    found = known[turn.sample.id]
                    ledger.claim(arm, turn.position)
                    ledger.finish(arm, turn, found.candidate if arm == "candidate" else found.baseline)
    return "move.ledger"


def _run(*arguments):
    return CliRunner().invoke(cli, ["migrate", *map(str, arguments)], catch_exceptions=False)


@pytest.mark.parametrize(
    ("pairs", "code", "headline"),
    [
        (workload(120, seed=1), 3, "Extend: too few samples to tell"),
        (workload(120, seed=1, failing=0.2), 1, "Fail: beyond a threshold, for sure"),
    ],
)
def test_the_exit_code_is_the_verdict(pairs, code, headline):
    done = _run("compare", _ledger(list(pairs)))
    assert (done.exit_code, done.stdout.splitlines()[0]) == (code, headline)


def test_thresholds_are_those_of_the_configuration(tmp_path):
    (tmp_path / "agentbridge.toml").write_text("[migrate.gate]\nmax_failure_increase = 0.1\nmax_unknown = 'off'\n")
    done = _run("compare", _ledger(list(workload(120, seed=1))), "--json")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert (found["gate"]["max_failure_increase"], found["gate"]["max_unknown"]) == (0.1, None)
    assert (found["facts"]["ledger: config hash"], found["facts"]["arm"]) == ("f00d", "candidate")


def test_a_typo_in_the_configuration_is_an_error(tmp_path):
    (tmp_path / "agentbridge.toml").write_text("[migrate.gate]\nmax_failures = 0.1\n")
    done = _run("compare", _ledger(list(workload(1))))
    assert done.exit_code == 1
    assert "unknown key 'migrate.gate.max_failures'" in done.stderr


def test_a_line_is_written_for_every_pair(tmp_path):
    _run("compare", _ledger(list(workload(20, wrong=0.5))), "--differences", "all.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [f"s-{number}" for number in range(20)]
    assert {line["category"] for line in lines} == {"same", "wrong_number"}
    assert (tmp_path / "all.jsonl").stat().st_mode & 0o077 == 0


def test_samples_without_an_old_answer_are_measured_by_todays_and_the_verdict_says_that_noise_is_not_known():
    pairs = [pair(None, "In 3 days", "In 3 days", id=f"s-{number}") for number in range(150)]
    done = _run("compare", _ledger(pairs))
    assert done.stdout.startswith("Extend: too few samples to tell (noise not known)\n")
    assert "150 measured against today's answer of the old vendor, noise not known" in done.stdout
    assert "wrong numbers, noise not known: 0 %" in done.stdout
    assert "beyond noise" not in done.stdout


def test_a_ledger_is_not_written_over():
    ledger = _ledger(list(workload(5)))
    for asked in (("compare", ledger, "--differences", ledger), ("report", ledger, "--html", ledger)):
        done = _run(*asked)
        assert (done.exit_code, "perhaps a ledger" in done.stderr) == (1, True)
    with Ledger(ledger) as book:
        assert book.counts().final == 5


def test_two_reports_are_two_files(tmp_path):
    done = _run("report", _ledger(list(workload(5))), "--html", "r1", "--json-file", "r1")
    assert (done.exit_code, (tmp_path / "r1").exists()) == (1, False)
    assert "r1 is named for two outputs" in done.stderr


def test_judges_are_found_in_this_folder(tmp_path):
    (tmp_path / "own_judges.py").write_text("def short(pair):\n    return len(pair.candidate.text) < 10\n")
    done = _run("compare", _ledger(list(workload(20))), "--judge", "short=own_judges:short", "--json")
    assert json.loads(done.stdout)["overall"]["estimates"]["judge:short"]["value"] == 0


@pytest.mark.parametrize("judge", ["short", "short=nowhere:short", "short=json:nothing"])
def test_a_judge_that_cannot_be_found_is_an_error(judge):
    done = _run("compare", _ledger(list(workload(1))), "--judge", judge)
    assert done.exit_code in (1, 2)
    assert "short" in done.stderr


def test_reports_are_written_for_their_owner_alone(tmp_path):
    ledger = _ledger(list(workload(30, failing=0.5)))
    done = _run(
        "report",
        ledger,
        "--html",
        "r.html",
        "--json-file",
        "r.json",
        "--markdown",
        "r.md",
        "--junit",
        "r.xml",
        "--cohort",
        "country",
    )
    assert done.exit_code == 0
    assert "By country" in (tmp_path / "r.html").read_text()
    assert json.loads((tmp_path / "r.json").read_text())["verdict"] == "fail"
    assert ET.parse(tmp_path / "r.xml").getroot().tag == "testsuites"
    assert (tmp_path / "r.md").read_text().startswith("# Fail")
    assert all((tmp_path / f"r.{kind}").stat().st_mode & 0o077 == 0 for kind in ("html", "json", "md", "xml"))


def test_json_prints_what_json_file_writes(tmp_path):
    ledger = _ledger(list(workload(5)))
    printed = json.loads(_run("report", ledger, "--json").stdout)
    assert _run("report", ledger, "--json-file", "r.json").stdout == ""
    assert json.loads((tmp_path / "r.json").read_text()) == printed


def test_a_report_without_a_file_is_wrong_usage():
    assert _run("report", _ledger(list(workload(1)))).exit_code == 2
