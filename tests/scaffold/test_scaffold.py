"""What is decided about the start of a plugin: its names, its files, and which names are refused."""

from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given, strategies as st

from agentbridge import ConfigurationError, scaffold
from agentbridge.plugins import FIELDS

ACME = scaffold.names_of("acme")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("acme", ("Acme", "acme", "agentbridge-acme", "agentbridge_acme", "Acme")),
        ("Acme Cloud", ("Acme Cloud", "acme-cloud", "agentbridge-acme-cloud", "agentbridge_acme_cloud", "AcmeCloud")),
        ("agentbridge-acme", ("Acme", "acme", "agentbridge-acme", "agentbridge_acme", "Acme")),
        ("agentbridge_my_vendor", ("My Vendor", "my-vendor", "agentbridge-my-vendor", "agentbridge_my_vendor", "MyVendor")),
        (" my_vendor ", ("My Vendor", "my-vendor", "agentbridge-my-vendor", "agentbridge_my_vendor", "MyVendor")),
        ("AskAI", ("AskAI", "askai", "agentbridge-askai", "agentbridge_askai", "AskAI")),
    ],
)  # fmt: skip
def test_a_name_in_any_spelling_becomes_the_same_names(name, expected):
    assert scaffold.names_of(name) == scaffold.Names(*expected)


@pytest.mark.parametrize("name", ["", "  ", "4dify", "-acme", "acme-", "acme!", "acme.ai", "../acme", "ümlaut", "agentbridge-", "a\nb"])  # fmt: skip
def test_what_is_no_name_is_refused_with_an_example_of_one(name):
    with pytest.raises(ConfigurationError, match="is no name for a plugin: give .* as in 'Acme Cloud'"):
        scaffold.names_of(name)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("class", "'class' is a word of Python"),
        ("None", "'none' is a word of Python"),
        ("match", "'match' is a word of Python"),
        ("Provider", "'provider' is a name of agentbridge itself"),
        ("http request", "'http-request' is a name of agentbridge itself"),
        ("core", "'core' is a name of agentbridge itself"),
        ("Flow_Wise", "the provider 'flow-wise' is installed already"),
    ],
)
def test_a_name_that_is_taken_is_refused_with_a_remedy(name, problem):
    with pytest.raises(ConfigurationError) as caught:
        scaffold.names_of(name, {"flow_wise"})
    assert (
        str(caught.value) == f"{name!r} cannot be the name of a plugin: {problem}. Choose another, as in 'acme-agents'"
    )


@given(st.from_regex(r"[A-Za-z0-9 _\-]{1,20}", fullmatch=True))
def test_every_name_that_is_not_refused_is_one_for_python_and_for_a_provider(name):
    try:
        names = scaffold.names_of(name)
    except ConfigurationError:
        return
    compile(f"class {names.cls}:\n    import {names.module}", "name", "exec")
    assert re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", names.provider)
    assert scaffold.names_of(names.distribution).provider == names.provider


@pytest.mark.parametrize(
    ("version", "expected"), [("0.1.0", ">=0.1,<0.2"), ("0.9.3", ">=0.9,<0.10"), ("1.4.2", ">=1.4,<2")]
)
def test_it_depends_on_the_versions_that_fit_to_this_one(version, expected):
    assert scaffold.versions(version) == expected


def test_its_metadata_names_the_core_the_entry_point_and_the_tools():
    facts = tomllib.loads(scaffold.files(ACME)["pyproject.toml"])
    project = facts["project"]
    assert facts["build-system"]["build-backend"] == "hatchling.build"
    assert (project["name"], project["license"]) == ("agentbridge-acme", "MIT")
    assert project["entry-points"] == {"agentbridge": {"acme": "agentbridge_acme"}}
    assert f"agentbridge-core{scaffold.versions(scaffold.__version__)}" in project["dependencies"]
    tools = {re.split(r"[\[>]", one)[0] for one in project["optional-dependencies"]["dev"]}
    assert tools == {"agentbridge-core", "hypothesis", "mypy", "pytest"}


def test_its_readme_asks_all_the_questions():
    readme = scaffold.files(ACME)["README.md"]
    questions = re.findall(r"^- \[ \] .*", readme, re.MULTILINE)
    assert len(questions) > 20
    assert "`ACME_API_KEY`" in readme


def test_its_readme_says_where_the_core_comes_from():
    assert "`pip install -e /path/to/agentbridge -e '.[dev]'`" in scaffold.files(ACME)["README.md"]


def test_nothing_is_left_of_the_templates():
    for path, text in scaffold.files(ACME).items():
        assert not re.search(r"\$\{?[a-z]", text), path


def test_facts_wait_in_two_files_each_in_a_line_that_says_what_to_look_up():
    files = scaffold.files(ACME)
    marked = {path: [line for line in text.splitlines() if scaffold.MARK in line] for path, text in files.items()}
    code = {path: lines for path, lines in marked.items() if lines and path.startswith("src/")}
    assert code.keys() == {"src/agentbridge_acme/wire.py", "src/agentbridge_acme/samples.py"}
    assert all(len(line.partition(scaffold.MARK)[2]) > 20 for lines in code.values() for line in lines)


def test_every_field_of_a_call_that_a_vendor_may_carry_is_offered():
    wire = scaffold.files(ACME)["src/agentbridge_acme/wire.py"]
    (line,) = [line for line in wire.splitlines() if line.startswith("ACCEPTS")]
    assert {field for field in FIELDS if field in line} == FIELDS - {"callback_url"}  # which takes read_callback too
