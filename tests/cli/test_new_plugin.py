"""`agentbridge new-plugin`: what is written and said, and that nothing is ever overwritten."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentbridge import scaffold


def test_it_writes_all_files_and_says_what_comes_next(run):
    done = run("new-plugin", "Acme Cloud")
    assert (done.exit_code, done.stderr) == (0, "")
    texts = scaffold.files(scaffold.names_of("acme-cloud"))
    written = {str(path.relative_to("agentbridge-acme-cloud")): path.read_text("utf-8") for path in files()}
    assert written == texts
    lines = [line.strip() for line in done.stdout.splitlines()]
    assert "13 lines wait for a fact" in lines[0]
    assert lines[3] == "cd agentbridge-acme-cloud"
    assert [line.split("  ")[0] for line in lines[4:]] == [
        "pip install -e /path/to/agentbridge -e '.[dev]'",
        "pytest tests/test_facts.py", "pytest -x --tb=line", "agentbridge emulate",
    ]  # fmt: skip


def files() -> list[Path]:
    return [path for path in Path().rglob("*") if path.is_file()]


def test_an_empty_folder_is_filled(run):
    place = Path("some where") / "acme"
    place.mkdir(parents=True)
    done = run("new-plugin", "acme", "--dir", place)
    assert done.exit_code == 0, done.stderr
    assert (place / "src" / "agentbridge_acme" / "py.typed").read_text() == ""
    assert "  cd 'some where/acme'\n" in done.stdout


@pytest.mark.parametrize("there", ["agentbridge-acme/notes.txt", "agentbridge-acme"], ids=["a folder", "a file"])
def test_nothing_that_is_there_is_overwritten(run, there):
    Path(there).parent.mkdir(exist_ok=True)
    Path(there).write_text("mine")
    done = run("new-plugin", "acme")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "ConfigurationError: agentbridge-acme is there already, and is not overwritten. Choose another folder with --dir\n"
    )
    assert (files(), Path(there).read_text()) == ([Path(there)], "mine")


def test_a_folder_that_cannot_be_made_is_named(run):
    Path("notes").write_text("mine")
    done = run("new-plugin", "acme", "--dir", "notes/acme")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("ConfigurationError: notes/acme")
    assert done.stderr.endswith(" Choose another folder with --dir\n")


@pytest.mark.parametrize("name", ["flowise", "Agentbridge-Flowise"])
def test_the_name_of_an_installed_provider_is_refused(run, name):
    done = run("new-plugin", name)
    assert (done.exit_code, files()) == (1, [])
    assert "the provider 'flowise' is installed already. Choose another" in done.stderr


def test_no_name_is_wrong_usage(run):
    assert run("new-plugin").exit_code == 2
