"""Installed distributions with broken plugins: each lands in `failures` by its name, and harms no other."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
import textwrap
from pathlib import Path

import pytest

from agentbridge import PluginError, Registry, entry_points
from agentbridge.entry_points import GROUP

GOOD = """
from agentbridge import HttpRequest, Provider, Result, hookimpl


class Vendor(Provider):
    name = {name!r}
    accepts = frozenset({{"text"}})

    def build_request(self, invocation, call):
        return HttpRequest("POST", call.base_url)

    def read(self, response):
        return Result(text=response.json()["text"], output=None)


@hookimpl
def agentbridge_providers():
    {brings}
"""


def module(name: str = "vendor", brings: str = "return [Vendor()]", **attributes: object) -> str:
    written = "".join(f"    {key} = {value!r}\n" for key, value in attributes.items())
    return GOOD.format(name=name, brings=brings).replace("    def build", f"{written}\n    def build", 1)


BROKEN = {
    "fails to import": ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
    "has a syntax error": ("def", "SyntaxError"),
    "exits when it is imported": ("raise SystemExit('no licence')", "no licence"),
    "raises what cannot be told": (
        "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\n\nraise Odd",
        "Odd",
    ),
    "has no hook": ("x = 1", "it implements no hook"),
    "brings a class": (module(brings="return [Vendor]"), "yield instances, not classes"),
    "brings no list": (module(brings="return 7"), "does not load"),
    "brings None": (module(brings="return None"), "returned None; return a list of providers"),
    "takes a used name": (module("fine"), "two providers are called 'fine': one from fine-dist, one from broken-dist"),
    "brings one name twice": (module(brings="return [Vendor(), Vendor()]"), "two providers are called 'vendor'"),
    "was built for a later API": (
        module(api_version=2),
        "'vendor' was built for version 2 of the plugin API, and this agentbridge-core .* has version 1",
    ),
    "was built for no API": (module(api_version=None), "version None of the plugin API"),
    "was built for a later API with other fields": (module(api_version=2, accepts=["sound"]), "version 2"),
    "raises inside the hook": (module(brings="raise RuntimeError('no key found')"), "RuntimeError: no key found"),
    "raises in the middle of the hook": (module(brings="yield Vendor(); raise RuntimeError('halfway')"), "halfway"),
    "names an emulator by a module": (module(emulator=7), "emulator must be a str or None"),
    "lists operations that are none": (
        module(operations=("usage",)),
        "operations must be a tuple of Operation classes",
    ),
    "names options by a list": (module(options=["a"]), "options must be a frozenset"),
}


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Installs a distribution with one plugin; `points` are its entry points as they are found."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str, source: str, *, metadata: bool = True) -> list[importlib.metadata.EntryPoint]:
        (tmp_path / f"plugin_{name}.py").write_text(textwrap.dedent(source))
        monkeypatch.delitem(sys.modules, f"plugin_{name}", raising=False)
        info = tmp_path / f"{name}_dist-1.0.dist-info"
        info.mkdir()
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = plugin_{name}\n")
        if metadata:
            (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-dist\nVersion: 1.0\n")
        return found(tmp_path)

    return make


def found(folder: Path) -> list[importlib.metadata.EntryPoint]:
    distributions = importlib.metadata.distributions(path=[str(folder)])
    return [point for each in distributions for point in each.entry_points.select(group=GROUP)]


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_distribution_is_named_and_harms_no_other(install, how):
    source, message = BROKEN[how]
    install("broken", source)
    install("another", module("another"))
    registry = Registry(sorted(install("fine", module("fine")), key=lambda point: point.name != "fine"))
    assert registry["fine"].name == "fine"  # loaded first, so that the other one is the second of its name
    assert list(registry) == ["another", "fine"]
    ((key, failure),) = registry.failures.items()
    assert (key, failure.distribution) == ("broken (broken-dist)", "broken-dist")
    assert isinstance(failure, PluginError)
    assert failure.plugin
    assert re.search(message, str(failure))


def test_a_distribution_without_metadata_harms_no_other(install):
    install("broken", "import no_such_module_anywhere", metadata=False)
    registry = Registry(install("fine", module("fine")))
    assert list(registry) == ["fine"]
    assert len(registry.failures) == 1


def test_what_a_broken_plugin_would_have_brought_is_still_free(install):
    registry = Registry(install("broken", module(brings="return [Vendor(), Vendor()]")))
    assert list(registry) == []


def test_a_provider_of_another_api_version_cannot_be_registered_by_hand(install):
    namespace: dict = {}
    exec(module(api_version=3), namespace)
    with pytest.raises(PluginError, match="version 3 of the plugin API, and this agentbridge-core .* has version 1"):
        Registry(()).register(namespace["Vendor"]())


def test_a_plugin_that_is_installed_meanwhile_is_found_by_the_next_registry(install, tmp_path):
    install("soon", module("soon"))
    os.utime(tmp_path, ns=(1, 10**9))  # so that the two are not of the same instant
    assert Registry()["soon"].name == "soon"
    install("later", module("later"))
    assert Registry()["later"].name == "later"


def test_a_provider_that_is_known_is_had_without_looking_for_plugins_again(install, monkeypatch):
    install("known", module("known"))
    assert Registry()["known"] is Registry()["known"]
    monkeypatch.setattr(entry_points, "_folders", pytest.fail)
    registry = Registry()
    assert registry["known"].name == registry["known"].name == "known"


def test_a_second_of_a_known_name_that_is_installed_meanwhile_is_named(install, tmp_path):
    install("twin", module("twin"))
    os.utime(tmp_path, ns=(1, 10**9))
    assert Registry()["twin"].name == "twin"
    install("other", module("twin"))
    registry = Registry()
    assert registry["twin"].name == "twin"
    assert list(registry.failures) == ["other (other-dist)"]


def test_what_was_found_in_other_folders_is_not_had(install, tmp_path, monkeypatch):
    install("elsewhere", module("elsewhere"))
    assert "elsewhere" in Registry()
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder != str(tmp_path)])
    assert "elsewhere" not in Registry()
