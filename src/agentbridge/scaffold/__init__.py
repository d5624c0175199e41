"""The start of a plugin for another vendor: a distribution that installs, and waits for the vendor's facts.

`files` decides what is in it and touches no disk. The texts stand in `templates`, and `questions.md` goes into the README.
"""

from __future__ import annotations

import importlib.resources
import keyword
import re
from collections.abc import Collection
from string import Template

import attrs

import agentbridge

from .._version import __version__
from ..connection import variable
from ..errors import ConfigurationError
from ..installing import WITH_CORE

__all__ = ["MARK", "Names", "files", "names_of"]

MARK = "FACT:"
"""Stands in each line that has to be filled in."""

_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[ _-]+[A-Za-z0-9]+)*")
_OURS = frozenset({"core"})  # the distribution of the library itself is agentbridge-core
_PATHS = (
    "pyproject.toml",
    "README.md",
    ".gitignore",
    "src/$module/__init__.py",
    "src/$module/provider.py",
    "src/$module/wire.py",
    "src/$module/samples.py",
    "src/$module/emulator.py",
    "src/$module/py.typed",
    "tests/test_contract.py",
    "tests/test_facts.py",
)


@attrs.frozen
class Names:
    """What one vendor is called: `Acme Cloud`, and hence `acme-cloud`, `agentbridge_acme_cloud` and `AcmeCloud`."""

    title: str
    provider: str
    distribution: str
    module: str
    cls: str


def names_of(name: str, taken: Collection[str] = ()) -> Names:
    """The names that follow from a vendor's name, as a person writes it or as a distribution, a module or a provider has it.

    Raises:
        ConfigurationError: it is no name, or one that Python, agentbridge or a provider in `taken` has already.
    """
    bare = re.sub(r"^agentbridge[ _-]+", "", name.strip(), flags=re.IGNORECASE)
    if not _WORDS.fullmatch(bare):
        raise ConfigurationError(
            f"{name!r} is no name for a plugin: give the vendor's name in letters and digits of ASCII, a letter first,"
            " its words apart by blanks, dashes or underscores, as in 'Acme Cloud'"
        )
    words = re.split("[ _-]+", bare)
    names = _names([word[0].upper() + word[1:] for word in words])
    problem = _problem(names, {other.replace("_", "-") for other in taken})
    if problem:
        raise ConfigurationError(
            f"{name!r} cannot be the name of a plugin: {problem}. Choose another, as in 'acme-agents'"
        )
    return names


def files(names: Names) -> dict[str, str]:
    """The text of each file of the distribution, by its path in it with slashes."""
    facts = {
        **attrs.asdict(names),
        "key": variable(names.provider, "API_KEY"),
        "install": WITH_CORE,
        "versions": versions(__version__),
        "questions": _text("questions.md").strip(),
    }
    return {
        Template(path).substitute(facts): Template(_text(f"templates/{path.rpartition('/')[2]}.txt")).substitute(facts)
        for path in _PATHS
    }


def versions(version: str) -> str:
    """The versions that fit to this one: `>=0.1,<0.2` to 0.1.7, `>=1.4,<2` to 1.4.0."""
    major, minor = map(int, version.split(".")[:2])
    return f">={major}.{minor},<{major + 1}" if major else f">=0.{minor},<0.{minor + 1}"


def _names(words: list[str]) -> Names:
    low = [word.lower() for word in words]
    dashed = "-".join(low)
    return Names(" ".join(words), dashed, f"agentbridge-{dashed}", f"agentbridge_{'_'.join(low)}", "".join(words))


def _problem(names: Names, taken: Collection[str]) -> str | None:
    if names.provider in taken:
        return f"the provider {names.provider!r} is installed already"
    if keyword.iskeyword(names.provider) or keyword.issoftkeyword(names.provider) or keyword.iskeyword(names.cls):
        return f"{names.provider!r} is a word of Python"
    if names.cls in dir(agentbridge) or names.provider in _OURS:
        return f"{names.provider!r} is a name of agentbridge itself"
    return None


def _text(path: str) -> str:
    return importlib.resources.files(__package__).joinpath(path).read_text("utf-8")
