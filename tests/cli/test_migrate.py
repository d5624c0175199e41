"""`agentbridge migrate`: import, init and plan from the shell."""

from __future__ import annotations

import json
import tomllib

import pytest

from agentbridge.migrate import read_samples

KEY = "canary-key-0a1b2c3d"
BODY = {"variableInputs": [{"inputId": "question", "inputText": "Where is my parcel?"}]}
URL = "https://api.fluxprompt.ai/flux/api-v2?flowId=f-1"
CONFIG = """
[connections.fluxprompt]
base_url = "https://api.fluxprompt.ai"
[connections.flowgent]
api_key = "canary-key-9f8e7d6c"
[agents.support.on.fluxprompt]
agent = "f-1"
text = "question"
[agents.support.on.flowgent]
agent = "7"
"""


@pytest.fixture
def migrate(run, tmp_path):
    (tmp_path / "agentbridge.toml").write_text(CONFIG)
    (tmp_path / "calls.sh").write_text(
        f"curl '{URL}' -H 'api-key: {KEY}' -d '{json.dumps(BODY)}'\ncurl '{URL}' -d @b\n"
    )

    def call(*arguments, **settings):
        return run("migrate", *arguments, **settings)

    return call


@pytest.fixture
def samples(migrate, tmp_path):
    assert migrate("import", "calls.sh", "--out", "samples.jsonl").exit_code == 0
    return tmp_path / "samples.jsonl"


def test_the_group_lists_its_commands(migrate):
    done = migrate("--help")
    assert done.exit_code == 0
    for name in ("import", "init", "plan"):
        assert f"\n  {name} " in done.output


def test_an_unknown_command_is_wrong_usage(migrate):
    assert migrate("fly").exit_code == 2


def test_import_writes_samples_and_names_what_it_skipped(migrate, tmp_path):
    done = migrate("import", "calls.sh", "--out", "samples.jsonl")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "samples in samples.jsonl: 1, skipped: 1" in done.stderr
    assert "skipped command 2: its body stands in the file 'b'" in done.stderr
    assert [sample.invocation.target for sample in read_samples(tmp_path / "samples.jsonl")] == ["fluxprompt:f-1"]
    assert KEY not in (tmp_path / "samples.jsonl").read_text() + done.output


def test_import_says_it_as_json(migrate):
    done = migrate("import", "calls.sh", "--out", "samples.jsonl", "--json")
    assert json.loads(done.stdout) == {
        "samples": 1,
        "skipped": [{"place": "command 2", "reason": "its body stands in the file 'b'; put it into the command"}],
    }


def test_reasons_are_told_once_each(migrate, tmp_path):
    (tmp_path / "calls.sh").write_text("curl https://a.example\n" * 3 + "curl -d x\n" * 2)
    done = migrate("import", "calls.sh", "--out", "samples.jsonl")
    assert "skipped command 1 and 2 more: no connection has a base URL at 'a.example'" in done.stderr
    assert "skipped command 4 and 1 more: it names no URL" in done.stderr


def test_sources_of_all_kinds_go_by_their_names(migrate, tmp_path):
    (tmp_path / "log.csv").write_text("Q\nhi\n")
    entry = {
        "request": {"method": "POST", "url": URL, "headers": [], "postData": {"text": json.dumps(BODY)}},
        "response": {"status": 500, "headers": [], "content": {"text": "{}"}},
    }
    (tmp_path / "a.har").write_text(json.dumps({"log": {"entries": [entry]}}))
    recorded = {
        "request": {"method": "POST", "uri": URL, "body": json.dumps(BODY), "headers": {}},
        "response": {"status": {"code": 500}, "headers": {}, "body": {"string": "{}"}},
    }
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.yaml").write_text(json.dumps({"interactions": [recorded]}))
    done = migrate(
        "import", "log.csv", "a.har", "folder", "folder/a.yaml", "--out", "samples.jsonl", "--target", "support", "--column", "Q=text"
    )  # fmt: skip
    assert "samples in samples.jsonl: 4, skipped: 0" in done.stderr, done.output


def test_a_body_from_stdin_goes_to_the_target(migrate, tmp_path):
    done = migrate("import", "-", "--out", "s.jsonl", "--target", "fluxprompt:f-9", stdin=json.dumps(BODY))
    assert done.exit_code == 0
    assert [sample.invocation.target for sample in read_samples(tmp_path / "s.jsonl")] == ["fluxprompt:f-9"]


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (["nowhere.sh"], 1, "ConfigurationError: nowhere.sh cannot be read"),
        (["nowhere.har"], 1, "ConfigurationError: nowhere.har cannot be read"),
        (["a.csv"], 1, "ConfigurationError: whom the rows were said to is not told"),
        (["a.csv", "--column", "text"], 2, "'text' is not COLUMN=FIELD"),
        ([], 2, "Missing argument"),
    ],
)
def test_what_cannot_be_imported_is_one_line(migrate, arguments, code, why):
    done = migrate("import", *arguments, "--out", "s.jsonl")
    assert done.exit_code == code
    assert why in done.stderr


def test_an_import_of_nothing_is_a_failure_and_writes_nothing(migrate, samples, tmp_path):
    before = samples.read_text()
    (tmp_path / "other.sh").write_text("curl https://a.example\n")
    done = migrate("import", "other.sh", "--out", samples)
    assert (done.exit_code, samples.read_text()) == (1, before)
    assert done.stderr.startswith(f"no sample; {samples} is not written\nskipped command 1: no connection")
    assert json.loads(migrate("import", "other.sh", "--out", samples, "--json").stdout)["samples"] == 0


def test_csv_without_a_column_says_how_to_name_one(migrate, tmp_path):
    (tmp_path / "log.csv").write_text("Question,Ticket\nhi,1\n")
    done = migrate("import", "log.csv", "--target", "support", "--out", "s.jsonl")
    assert done.exit_code == 1
    assert "holds what was asked is not told (there: Question, Ticket)" in done.stderr
    assert "--column NAME=text" in done.stderr


@pytest.mark.parametrize("sources", [["bad.har"], ["calls.sh", "calls2.sh"]])
def test_an_import_that_fails_leaves_the_file_as_it_was(migrate, samples, tmp_path, sources):
    (tmp_path / "bad.har").write_text("{")
    before = samples.read_text()
    assert migrate("import", *sources, "--out", samples).exit_code == 1
    assert samples.read_text() == before


def test_an_import_is_not_written_over_its_source(migrate, tmp_path):
    before = (tmp_path / "calls.sh").read_text()
    done = migrate("import", "calls.sh", "--out", tmp_path / "calls.sh")
    assert (done.exit_code, (tmp_path / "calls.sh").read_text()) == (1, before)
    assert "would be written over what is read from it; name another file" in done.stderr


def test_init_prints_a_draft_that_loads(migrate, samples):
    done = migrate("init", samples, "--to", "flowgent")
    assert done.exit_code == 0
    assert tomllib.loads(done.stdout)["agents"]["f-1"]["on"]["flowgent"] == {"agent": "FILL_IN"}


def test_init_without_anything_to_draft_is_an_error(migrate, samples):
    done = migrate("init", samples, "--to", "fluxprompt")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("ConfigurationError: no sample calls an agent by its id at another vendor")


def test_plan_prints_the_table_and_exits_with_0_where_all_can_be_made(migrate, samples):
    done = migrate("plan", samples, "--to", "flowgent", "--credits-per-call", "2")
    assert done.exit_code == 0
    assert "support  text   as is  1" in done.stdout
    assert "1 of 1 calls can be made at flowgent; credits: 2.00" in done.stdout


def test_a_plan_whose_draft_is_not_filled_in_says_that_calls_wait_for_it(migrate, samples, tmp_path):
    (tmp_path / "agentbridge.toml").write_text(CONFIG.replace('agent = "7"', 'agent = "FILL_IN"'))
    done = migrate("plan", samples, "--to", "flowgent")
    assert done.exit_code == 1
    assert "1 of 1 calls can be made at flowgent once that is filled in; credits: not known" in done.stdout


def test_plan_exits_with_1_where_a_call_cannot_be_made(migrate, samples, tmp_path):
    (tmp_path / "agentbridge.toml").write_text(CONFIG.replace("f-1", "f-2"))
    done = migrate("plan", samples, "--to", "flowgent")
    assert done.exit_code == 1
    assert "no portable agent stands for 'fluxprompt:f-1'" in done.stdout
    done = migrate("plan", samples, "--to", "flowgent", "--curl")
    assert done.exit_code == 1
    assert "\n# no portable agent stands for" in done.stdout


def test_plan_prints_json_or_curl(migrate, samples):
    made = json.loads(migrate("plan", samples, "--to", "flowgent", "--json").stdout)
    assert (made["ok"], made["calls"], made["fields"][0]["how"]) == (True, 1, "as is")
    done = migrate("plan", samples, "--to", "flowgent", "--curl")
    assert done.exit_code == 0
    assert "curl -X POST https://flowgent.ai/api/public/agent/7/chat" in done.stdout
    assert "canary-key" not in done.stdout
    assert migrate("plan", samples, "--to", "flowgent", "--curl", "--json").exit_code == 2


@pytest.mark.parametrize("shown", [[], ["--curl"], ["--json"]])
def test_plan_exits_with_1_where_a_draft_is_not_filled_in(migrate, samples, tmp_path, shown):
    (tmp_path / "agentbridge.toml").write_text(CONFIG.replace('agent = "7"', 'agent = "FILL_IN"'))
    assert migrate("plan", samples, "--to", "flowgent", *shown).exit_code == 1
