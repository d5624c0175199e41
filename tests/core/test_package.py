"""The package from the outside: what importing costs, and that the public names are where they are said to be."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import agentbridge
import agentbridge.testing

ROOT = Path(__file__).parents[2]
CONTRACT = """
Bridge AsyncBridge Invocation Result Message File Link ToolCall Source Usage Interrupt Pending Outcome Prepared
Started TextDelta ReasoningDelta ToolCalled SourcesFound StepChanged VendorEvent Completed FaultKind
SHARED Connection RetryPolicy Timeouts Provider Operation Call HttpRequest HttpResponse Fault Registry hookimpl
""".split()


@pytest.mark.parametrize("name", CONTRACT)
def test_a_name_of_the_contract_is_public(name):
    assert getattr(agentbridge, name) is not None
    assert name in agentbridge.__all__


@pytest.mark.parametrize("package", [agentbridge, agentbridge.testing], ids=lambda package: package.__name__)
def test_completion_offers_the_public_names_and_nothing_else(package):
    assert dir(package) == sorted(package.__all__)


def test_every_public_name_resolves_and_types_see_the_same():
    tree = ast.parse((ROOT / "src/agentbridge/__init__.py").read_text())
    typed = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
        if alias.asname
    }
    assert typed == set(agentbridge.__all__)
    assert all(hasattr(agentbridge, name) for name in agentbridge.__all__)


@pytest.mark.parametrize(
    ("method", "fields"),
    [(agentbridge.Bridge.invoke, agentbridge.CallFields), (agentbridge.Bridge.wait, agentbridge.WaitFields)],
)
def test_the_help_of_a_call_names_all_that_it_takes_by_name(method, fields):
    names = set(fields.__annotations__) | {"retry", "timeouts", "on_unsupported", "tool_errors"}
    assert names <= set(re.findall(r"\w+", method.__doc__))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Brigde'"):
        _ = agentbridge.Brigde


def _modules_after(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_loads_no_http_library_no_plugin_and_nothing_that_could():
    loaded = _modules_after("import agentbridge")
    heavy = {
        "httpx",
        "httpx2",
        "aiohttp",
        "httpcore",
        "ssl",
        "pydantic",
        "pluggy",
        "attrs",
        "attr",
        "asyncio",
        "agentbridge_flowise",
    }
    assert not loaded & heavy


def test_a_provider_is_pure_and_needs_no_http_library():
    loaded = _modules_after("import agentbridge_flowise; agentbridge_flowise.Flowise()")
    assert not loaded & {"httpx", "httpcore", "ssl", "starlette"}
