"""What plugins share: texts that must not be blank, and what is imported when it is asked for."""

import sys

import attrs
import pytest

from agentbridge import ConfigurationError, Provider
from agentbridge.provider import filled, filled_or_none, names_in, operations_at


@attrs.frozen
class Ask:
    agent_id: str = attrs.field(validator=filled)
    since: str | None = attrs.field(default=None, validator=filled_or_none)


@pytest.mark.parametrize("value", ["", " \n", None, 7, b"x"])
def test_a_blank_text_is_refused_by_the_name_of_its_field(value):
    with pytest.raises(ConfigurationError, match=r"^Ask: agent_id=.* says nothing\. Give a text$"):
        Ask(value)


def test_a_text_that_cannot_be_sent_is_refused():
    with pytest.raises(ConfigurationError, match="half of a surrogate pair"):
        Ask("a", since="\ud800")


def test_a_text_may_be_left_out_but_not_blank():
    assert Ask("a", since=None) == Ask("a")
    with pytest.raises(ConfigurationError, match="Ask: since='' says nothing"):
        Ask("a", since="")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package with two modules, of which the second borrows a name of the first."""
    folder = tmp_path / "late_acme"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "uploads.py").write_text("class Upload: pass\nOPERATIONS = (Upload,)\n")
    (folder / "usage.py").write_text("from .uploads import Upload\nclass GetUsage: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "late_acme"
    for name in [name for name in sys.modules if name.split(".")[0] == "late_acme"]:
        del sys.modules[name]


def test_operations_are_imported_when_they_are_asked_for(package):
    class Acme(Provider):
        operations = operations_at(f"{package}.uploads:OPERATIONS")

    assert f"{package}.uploads" not in sys.modules
    assert [kind.__name__ for kind in Acme.operations] == ["Upload"]


def test_a_name_is_found_where_it_is_defined(package):
    find = names_in(package, ("usage", "uploads"), ("GetUsage", "Upload"))
    assert find("Upload").__module__ == f"{package}.uploads"
    assert find("GetUsage").__module__ == f"{package}.usage"


def test_what_is_not_public_is_no_attribute_and_imports_nothing(package):
    with pytest.raises(AttributeError, match="module 'late_acme' has no attribute 'OPERATIONS'"):
        names_in(package, ("uploads",), ("Upload",))("OPERATIONS")
    assert f"{package}.uploads" not in sys.modules
