"""Every example of README and docs runs: files are written, Python is run against the emulators, output compared."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from blocks import PAGES, PLUGIN_PAGE, ROOT, Block, blocks, followed, prose, shows, write_files

HEAVY = "ray"
"""The label of examples that need a cluster: tests/heavy runs them."""


def programs() -> list[tuple[Block, Block | None]]:
    return [
        (block, after)
        for block, after in followed()
        if block.language == "python"
        and block.said("file") is None
        and block.said("not-run") is None
        and block.label != HEAVY
    ]


@pytest.mark.parametrize(("block", "after"), programs(), ids=str)
def test_an_example_runs_and_prints_what_the_page_shows(block, after, environment, tmp_path):
    library = block.said("needs")
    if library is not None and importlib.util.find_spec(library) is None:
        pytest.skip(f"`make test-docs` has {library}")
    write_files(block.page, tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", runnable(block)], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    if after is not None and (after.language, after.label) == ("text", "output"):
        assert shows(after.content, done.stdout), done.stdout


def runnable(block: Block) -> str:
    """A cell of a notebook may await at its top and shows the value of its last line; all else runs as it stands."""
    if "notebook" not in block.label:
        return block.content
    cell = ast.parse(block.content)
    if isinstance(last := cell.body[-1], ast.Expr):
        last.value = ast.Call(ast.Name("print", ast.Load()), [last.value], [])
    lines = ast.unparse(ast.fix_missing_locations(cell)).replace("\n", "\n    ")
    return f"import asyncio\nasync def cell():\n    {lines}\nasyncio.run(cell())\n"


def test_there_are_examples_to_run():
    assert len(programs()) >= 5


def plugin_file(name: str) -> str:
    return next(block.content for block in blocks(PLUGIN_PAGE) if block.said("file") == name)


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
        (str(page.relative_to(ROOT)), name)
        for page in PAGES
        for block in blocks(page)
        if (name := block.said("file")) and name.startswith("test_")
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
    project = tomllib.loads(next(block.content for block in blocks(page) if block.said("file") == "published.toml"))[
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


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", prose(page)):
        if not target.startswith(("http://", "https://")):
            found = page.parent / target if target else page
            assert found.exists(), target
            assert not anchor or anchor in anchors(found), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The names of its headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_public_name_is_in_the_reference():
    import agentbridge.migrate
    import agentbridge.testing

    words = set(
        re.findall(r"\w+", (ROOT / "docs" / "reference.md").read_text() + (ROOT / "docs" / "errors.md").read_text())
    )
    names = {*agentbridge.__all__, *agentbridge.migrate.__all__, *agentbridge.testing.__all__} - {"__version__"}
    assert names <= words, names - words
