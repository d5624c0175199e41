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


def test_a_plain_answer_of_flowise_waits_for_no_import_of_pydantic():
    answer = b'{"chatId": "c", "text": "hi", "question": "hello"}'
    code = (
        "from agentbridge import HttpResponse\nfrom agentbridge_flowise import Flowise\n"
        f"assert Flowise().read(HttpResponse(200, {{}}, {answer!r})).text == 'hi'"
    )
    assert not {name for name in _modules_after(code) if name.startswith(("pydantic", "annotated_types"))}


def test_a_first_call_imports_no_event_loop_and_nothing_of_what_it_does_not_use():
    code = """
from agentbridge import Bridge, Connection, HttpResponse
class Transport:
    def send(self, _):
        return HttpResponse(200, {}, b'{"chatId": "c", "text": "hi"}')
    def sleep(self, _): ...
    def close(self): ...
account = Connection(provider="flowise", base_url="http://vendor.invalid", api_key="k")
with Bridge(config={}, connections={"flowise": account}, transport=Transport()) as bridge:
    assert bridge.invoke("flowise:x", "hello").text == "hi"
"""
    loaded = _modules_after(code)
    unused = {
        "asyncio",
        "pydantic",
        "pydantic_core",
        "ssl",
        "agentbridge.async_bridge",
        "agentbridge.exchange.streaming",
    }
    unused |= {"agentbridge.tables", "agentbridge.explaining", "agentbridge.observing.telling", "agentbridge.doctor"}
    assert not loaded & unused
