"""Every example of README and docs runs: files are written, Python is run against the emulators, output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDE = sorted((ROOT / "docs/plugin-guide").glob("*.md"))
MOVE = sorted((ROOT / "docs/migrate").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *GUIDE, *MOVE]
HEAVY = "ray"
"""The label of examples that need a cluster: tests/heavy runs them."""
PLUGIN_PAGE = ROOT / "docs" / "write-a-plugin.md"
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Language, label and content of each fenced block."""
    return [(language, label.strip(), content) for language, label, content in BLOCK.findall(page.read_text())]


def programs() -> list[tuple[str, int]]:
    return [
        (str(page.relative_to(ROOT)), index)
        for page in PAGES
        for index, (language, label, _) in enumerate(blocks(page))
        if language == "python" and not label.startswith("file=") and label != HEAVY
    ]


@pytest.fixture(scope="session")
def environment(emulators):
    """The environment of somebody who has accounts at all four vendors: here, their emulators."""
    accounts = {
        f"{name.upper()}_{what}": value
        for name, connection in emulators.connections.items()
        for what, value in (("BASE_URL", connection.base_url), ("API_KEY", connection.api_key))
    }
    return {**os.environ, **accounts, "PYTHONWARNINGS": "error", "COLUMNS": "100"}


def write_files(page: Path, folder: Path) -> None:
    """The files that a page shows; the pages of the plugin guide go on with those of the plugin, and of each other."""
    guide = page.parent.name == "plugin-guide"
    for _, label, content in (block for one in ([PLUGIN_PAGE, *GUIDE] if guide else [page]) for block in blocks(one)):
        if label.startswith("file="):
            (folder / label.removeprefix("file=")).write_text(content)


@pytest.mark.parametrize(("page", "index"), programs())
def test_an_example_runs_and_prints_what_the_page_shows(page, index, environment, tmp_path):
    path = ROOT / page
    write_files(path, tmp_path)
    found = blocks(path)
    done = subprocess.run(
        [sys.executable, "-c", found[index][2]], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if index + 1 < len(found) and found[index + 1][:2] == ("text", "output"):
        assert done.stdout == found[index + 1][2]


def test_there_are_examples_to_run():
    assert len(programs()) >= 5


def plugin_file(name: str) -> str:
    return next(content for _, label, content in blocks(PLUGIN_PAGE) if label == f"file={name}")


def test_the_smallest_plugin_is_small():
    lines = {
        name: len(plugin_file(name).split("\n")) - 1
        for name in ("agentbridge_acme.py", "pyproject.toml", "test_acme.py")
    }
    blank = plugin_file("test_acme.py").count("\n\n")
    assert lines["agentbridge_acme.py"] <= 50
    assert lines["pyproject.toml"] <= 15
    assert lines["test_acme.py"] - blank <= 8


OUR_PLUGIN = (
    ()
    if any(point.value == "agentbridge.testing.pytest_plugin" for point in entry_points(group="pytest11"))
    else ("-p", "agentbridge.testing.pytest_plugin")  # this checkout was installed before it had one
)


def suites() -> list[tuple[str, str]]:
    return [
        (str(page.relative_to(ROOT)), label.removeprefix("file="))
        for page in PAGES
        for _, label, _ in blocks(page)
        if label.startswith("file=test_")
    ]


def test_the_smallest_plugin_has_a_suite():
    assert ("docs/write-a-plugin.md", "test_acme.py") in suites()


@pytest.mark.parametrize(("page", "suite"), suites())
def test_a_suite_that_a_page_shows_passes(page, suite, tmp_path):
    write_files(ROOT / page, tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *OUR_PLUGIN, suite],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed >= (30 if "ProviderContract" in (tmp_path / suite).read_text() else 3)


def test_what_is_published_needs_the_same_core_and_the_emulator_as_an_extra():
    page = ROOT / "docs/plugin-guide/publishing.md"
    project = tomllib.loads(next(content for _, label, content in blocks(page) if label == "file=published.toml"))[
        "project"
    ]
    assert project["dependencies"] == tomllib.loads(plugin_file("pyproject.toml"))["project"]["dependencies"]
    assert project["optional-dependencies"] == {"emulator": ["agentbridge-core[emulator]"]}


def test_the_questions_of_the_guide_are_those_of_the_scaffold():
    shown = (ROOT / "docs/plugin-guide/questions.md").read_text()
    questions = (ROOT / "src/agentbridge/scaffold/questions.md").read_text().replace("\n### ", "\n## ")
    assert shown == "# Questions to a vendor\n\n" + questions


def test_each_question_to_a_vendor_says_where_its_answer_goes():
    asked = re.split(r"^- \[ \] ", (ROOT / "src/agentbridge/scaffold/questions.md").read_text(), flags=re.MULTILINE)[1:]
    assert len(asked) > 20
    for question in asked:
        assert re.search(r"\?", question), question
        assert re.search(r"\([^()]*(?:\([^()]*\)[^()]*)*\)\n(?:\n### .*\n\n)?$", question), question


def test_the_smallest_plugins_metadata_is_valid():
    project = tomllib.loads(plugin_file("pyproject.toml"))["project"]
    assert project["entry-points"]["agentbridge"] == {"acme": "agentbridge_acme"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", BLOCK.sub("", page.read_text())):
        if not target.startswith(("http://", "https://")):
            found = page.parent / target if target else page
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The names of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", BLOCK.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_public_name_is_in_the_reference():
    import agentbridge

    words = set(
        re.findall(r"\w+", (ROOT / "docs" / "reference.md").read_text() + (ROOT / "docs" / "errors.md").read_text())
    )
    assert set(agentbridge.__all__) - {"__version__"} <= words
