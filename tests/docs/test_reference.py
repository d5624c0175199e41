"""Every signature of docs/reference.md has the parameters that the code has."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"
HOMES = ("agentbridge", "agentbridge.migrate", "agentbridge.testing", "agentbridge.doctor")


def signatures() -> Iterator[tuple[str, str, Any]]:
    """Names at the begin of a line, or after two blanks, what stands in their parentheses, and what they stand for."""
    for section in PAGE.read_text("utf-8").split("\n## "):
        plugin = re.search(r"Operations of `(agentbridge_\w+)`", section)
        for block in re.findall(r"^```text\n(.*?)^```", section, re.DOTALL | re.MULTILINE):
            for found in re.finditer(r"(?:^|(?<=  ))([A-Za-z][\w.]*)\(", block, re.MULTILINE):
                yield found[1], inside(block[found.end() :]), code(found[1], (plugin[1],) if plugin else HOMES)


def inside(text: str) -> str:
    depth = 1
    for position, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if not depth:
            return text[:position]
    raise AssertionError(f"no end of {text[:60]!r}")


def parameters(said: str) -> list[str]:
    """The names in a list of parameters; what stands in brackets of its own does not count."""
    while (flat := re.sub(r"\([^()]*\)|\[[^\[\]]*\]|\{[^{}]*\}|<[^<>]*>", "", said)) != said:
        said = flat
    names = (re.split(r"[:=]", part)[0].strip().lstrip("*") for part in said.split(","))
    return [name for name in names if name not in {"", "/"}]


def code(name: str, homes: tuple[str, ...]) -> Any:
    """What a name stands for; None in the middle of a sentence."""
    module, _, last = name.rpartition(".")
    for home in (module,) if module else homes:
        try:
            return getattr(importlib.import_module(home), last)
        except (ImportError, AttributeError):
            continue
    return None


KNOWN = [signature for signature in signatures() if callable(signature[2])]


def test_the_page_is_read():
    assert len(KNOWN) > 150


@pytest.mark.parametrize(("name", "said", "meant"), KNOWN, ids=[name for name, *_ in KNOWN])
def test_a_signature_has_the_parameters_of_the_code(name, said, meant):
    there = list(inspect.signature(meant).parameters)
    told = parameters(said)
    if "..." in told:
        assert set(told) - {"..."} <= set(there)
    else:
        bases = [base.__name__ for base in getattr(meant, "__bases__", ())]  # as in "FlowDetails(Flow)"
        assert told in (there, bases)
