"""The start of a plugin as its author runs it: what fails says which fact is missing, and with the facts nothing fails."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import attrs
import pytest

from agentbridge import RetryPolicy, errors, scaffold
from agentbridge.cli.new_plugin import write
from agentbridge.emulator.serving import serve
from agentbridge.plugins import Registry

ROOT = Path(__file__).parents[2]
NAMES = ("blank", "acme", "ask")
WITHOUT_FACTS = {
    "test_a_vendor_that_echoes_the_key_does_not_leak_it",
    "test_accepts_leaves_nothing_out",
    "test_an_agent_id_stays_in_its_place",
    "test_an_answer_needs_its_proof",
    "test_building_changes_nothing_that_the_caller_gave",
    "test_errors_in_a_200_are_classified",
    "test_errors_pickle_with_all_their_fields",
    "test_every_accepted_field_arrives",
    "test_every_accepted_field_changes_the_request",
    "test_every_other_field_is_refused_before_anything_is_sent",
    "test_every_scenario_of_the_emulator_is_an_answer_or_an_error",
    "test_no_error_status_is_ever_an_answer",
    "test_no_fact_is_missing",
    "test_options_nobody_knows_reach_the_body",
    "test_other_agents_are_other_requests",
    "test_running_an_agent_twice_is_never_harmless",
    "test_secrets_stand_in_auth_only",
    "test_the_emulator_answers_the_provider",
    "test_the_emulator_tells_its_scenarios_apart",
    "test_the_facts_of_a_fault_follow_from_its_kind",
    "test_the_provider_can_be_registered",
    "test_the_same_call_builds_the_same_request",
    "test_without_a_key_there_is_no_empty_header",
}
"""What fails in a plugin that was just made."""

FACTS = {
    "where its URLs begin": 'BASE_URL: str | None = "https://api.acme.example"',
    "what a call can carry": 'ACCEPTS = frozenset({"text", "session_id"})',
    "the path of a run": '    return f"/v1/agents/{agent}/run"',
    "the header of the key": '    return {"X-Acme-Key": api_key}',
    "the body of a run": """\
    session = {} if invocation.session_id is None else {"conversation": invocation.session_id}
    return {"message": invocation.text, **session}""",
    "the sign of a failure": '    return "error" in body',
    "what each failure has": "    error: str\n    code: reading.Lenient[int] = None",
    "its own status": "    return fault_from_status(failure.code or status, failure.error, code=failure.code)",
    "the proof": "    reply: str\n    run_id: reading.Lenient[str] = None",
    "its text, by": "    return Result(text=answer.reply, output=answer.reply, id=answer.run_id, warnings=warnings)",
    '"ok"': '    "ok": (Answer({"reply": "hi", "run_id": "r-1"}), "hi"),',
    "failures with HTTP 200": """\
    "no-credits": (Answer({"error": "none left", "code": 402}), FaultKind.QUOTA_EXCEEDED),""",
    "all others": """\
    "unauthorized": (Answer({"error": "who are you", "code": 401}, 401), FaultKind.AUTHENTICATION),""",
}
"""Acme of docs/write-a-plugin.md: by what a marked line says, what comes in its place."""


ASK = {
    **FACTS,
    "the path of a run": '    return "/v2/ask"',
    "the body of a run": '    return {"to": agent, "question": invocation.text, "session": invocation.session_id}',
    "the sign of a failure": '    return body["ok"] is not True',
    "what each failure has": "    why: str",
    "its own status": '    return fault_from_status({"quota": 402, "key": 401}.get(failure.why, 500), failure.why)',
    "the proof": "    answer: str",
    "its text, by": "    return Result(text=answer.answer, output=answer.answer, warnings=warnings)",
    '"ok"': '    "ok": (Answer({"ok": True, "answer": "hi"}), "hi"),',
    "failures with HTTP 200": """\
    "quota": (Answer({"ok": False, "why": "quota"}), FaultKind.QUOTA_EXCEEDED),""",
    "all others": """\
    "unauthorized": (Answer({"ok": False, "why": "key"}, 401), FaultKind.AUTHENTICATION),""",
}
"""A vendor with one address for all agents, a flag for success and codes in words."""
BY_HAND = {
    "wire.body(invocation)": "wire.body(invocation, call.agent)",
    "def body(invocation: Invocation)": "def body(invocation: Invocation, agent: str)",
    "    errors = samples.ERRORS\n": '    errors = samples.ERRORS\n    codes = frozenset({"why"})\n',
}
"""What its author changes beside the facts: where the id stands, and which field holds codes."""


def by_hand(text: str) -> str:
    for old, new in BY_HAND.items():
        text = text.replace(old, new)
    return text


def filled(text: str, left: dict[str, str]) -> str:
    """The text with facts in the place of its marked lines, and nothing else changed."""
    lines = []
    for line in text.splitlines():
        words = next((words for words in left if scaffold.MARK in line and words in line), None)
        lines.append(line if words is None else left.pop(words))
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def plugins(tmp_path_factory):
    """One plugin that was just made, and two with the facts."""
    folder = tmp_path_factory.mktemp("plugins")
    write(folder / "blank", scaffold.files(scaffold.names_of("Blank")))
    left = dict(FACTS)
    acme = {path: filled(text, left) for path, text in scaffold.files(scaffold.names_of("Acme")).items() if path}
    assert not left
    write(folder / "acme", acme)
    left = dict(ASK)
    ask = scaffold.files(scaffold.names_of("Ask Co"))
    write(folder / "ask", {path: by_hand(filled(text, left)) for path, text in ask.items()})
    return folder


def run(folder: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False, cwd=folder,
        env={**os.environ, **environ},
    )  # fmt: skip


@pytest.fixture(scope="module")
def failures(plugins):
    """By plugin, the tests of its own that failed, and what each said."""
    sources = [str(plugins / name / "src") for name in NAMES]
    search = os.pathsep.join([*sources, *sys.path])
    options = (
        "-p",
        "no:cacheprovider",
        "-W",
        "error",
        "--import-mode=importlib",
        "--junitxml=report.xml",
        "--rootdir=.",
        "--tb=line",
    )
    done = run(plugins, "pytest", *options, *(f"{name}/tests" for name in NAMES), PYTHONPATH=search)
    found: dict[str, dict[str, str]] = {name: {} for name in NAMES}
    cases = list(ElementTree.parse(plugins / "report.xml").iter("testcase"))
    assert len(cases) > len(NAMES) * 60, done.stdout + done.stderr
    for case in cases:
        for failure in case.iter("failure"):
            found[case.attrib["classname"].split(".")[0]][case.attrib["name"]] = failure.text or ""
    return found


def test_a_plugin_that_was_just_made_fails_where_facts_are_missing_and_nowhere_else(failures):
    assert failures["blank"].keys() == WITHOUT_FACTS


def test_each_failure_says_in_words_what_is_missing(failures):
    said = ("FACT: the path of a run", "set answers = {", "give errors_in_200 = {", "these facts are missing:")
    for name, message in failures["blank"].items():
        assert any(words in message for words in said), f"{name}: {message}"


def test_all_missing_facts_are_listed_with_their_places(failures):
    listed = re.findall(r"(?:wire|samples)\.py:\d+: .*", failures["blank"]["test_no_fact_is_missing"])
    assert [next(words for words in FACTS if words in line) for line in listed] == [
        *list(FACTS)[-3:],
        *list(FACTS)[:-3],
    ]


@pytest.mark.parametrize("name", ["acme", "ask"])
def test_with_the_facts_alone_the_plugin_passes_all_its_tests(failures, name):
    assert failures[name] == {}


@pytest.fixture
def acme(plugins, monkeypatch) -> Any:
    """The package with the facts, imported here and forgotten afterwards."""
    monkeypatch.syspath_prepend(str(plugins / "acme" / "src"))
    yield importlib.import_module("agentbridge_acme")
    for name in [name for name in sys.modules if name.partition(".")[0] == "agentbridge_acme"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize(
    ("agent", "key", "expected"),
    [
        ("no-credits", "emulator-key", (errors.QuotaExceededError, 200, "402")),
        ("unauthorized", "emulator-key", (errors.AuthenticationError, 401, "401")),
        ("ok", "another-key", (errors.AuthenticationError, 401, "401")),
        ("nobody", "emulator-key", (errors.NotFoundError, 404, None)),
        ("html", "emulator-key", (errors.MalformedResponseError, 200, None)),
    ],
)
def test_its_emulator_sends_the_samples_and_refuses_as_they_do(acme, open_bridge, agent, key, expected):
    registry = Registry(())
    registry.register(acme.Acme())
    with serve(registry) as served:
        connections = {"acme": attrs.evolve(served.connections["acme"], api_key=key)}
        bridge = open_bridge(registry=registry, connections=connections, retry=RetryPolicy(attempts=1))
        with pytest.raises(errors.InvocationError) as caught:
            bridge.invoke(f"acme:{agent}", "hello")
        bridge.close()
    assert (type(caught.value), caught.value.status, caught.value.code) == expected


def test_its_emulator_says_what_to_do_about_runs_that_are_polled(acme, monkeypatch):
    samples = importlib.import_module("agentbridge_acme.samples")
    answer, text = samples.ANSWERS["ok"]
    monkeypatch.delitem(sys.modules, "agentbridge_acme.emulator", raising=False)
    monkeypatch.setitem(samples.ANSWERS, "later", ((answer, answer), text))
    registry = Registry(())
    registry.register(acme.Acme())
    with serve(registry) as served:
        message = str(served.failures["acme"])
    assert "the samples later are runs that are polled" in message
    assert "testing.md" in message


@pytest.mark.parametrize("plugin", ["blank", "acme"])
def test_it_is_clean_by_the_rules_of_this_repository(plugins, plugin):
    config = ("--config", str(ROOT / "pyproject.toml"), "--no-cache")
    checked = run(plugins / plugin, "ruff", "check", *config)
    assert checked.returncode == 0, checked.stdout
    formatted = run(plugins / plugin, "ruff", "format", "--diff", *config)
    assert formatted.returncode == 0, formatted.stdout


def test_all_are_typed_strictly(plugins):
    sources = [plugins / name / "src" for name in NAMES]
    search = os.pathsep.join(map(str, [*sources, ROOT / "src"]))
    config = ("--config-file", "acme/pyproject.toml")
    done = run(plugins, "mypy", *config, *map(str, sources), "acme/tests", MYPYPATH=search)
    assert done.returncode == 0, done.stdout + done.stderr
