from __future__ import annotations

import sys
import types
from importlib.metadata import EntryPoint

import pytest

from agentbridge import HttpRequest, PluginError, Provider, Registry, Result, hookimpl


def provider(name: str, **attributes) -> Provider:
    def build_request(self, invocation, call):
        return HttpRequest("POST", call.base_url)

    def read(self, response):
        return Result(text=response.json()["text"], output=None)

    fields = {"name": name, "accepts": frozenset({"text"}), "build_request": build_request, "read": read, **attributes}
    return type(name.title(), (Provider,), fields)()


@pytest.fixture
def plugin(monkeypatch):
    """Makes an importable plugin module and its entry point."""

    def make(name: str, brings=None, **attributes) -> EntryPoint:
        module = types.ModuleType(f"plugin_{name}")
        if brings is not None:
            module.agentbridge_providers = hookimpl(brings)
            module.agentbridge_providers.__name__ = "agentbridge_providers"
        for key, value in attributes.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return EntryPoint(name, module.__name__, "agentbridge")

    return make


def good(name: str):
    def agentbridge_providers():
        return [provider(name)]

    return agentbridge_providers


def raising():
    raise RuntimeError("no licence found")


BROKEN = {
    "does not import": lambda make: EntryPoint("broken", "no_such_module_anywhere", "agentbridge"),
    "has no hook": lambda make: make("broken"),
    "misspells the hook": lambda make: make("broken", agentbridge_provider=hookimpl(lambda: [])),
    "raises in the hook": lambda make: make("broken", lambda: raising()),
    "brings a class": lambda make: make("broken", lambda: [type(provider("x"))]),
    "brings nothing iterable": lambda make: make("broken", lambda: 7),
    "has no name": lambda make: make("broken", lambda: [provider("x", name=None)]),
    "has a shouting name": lambda make: make("broken", lambda: [provider("x", name="X Y")]),
    "accepts a field that there is not": lambda make: make(
        "broken", lambda: [provider("x", accepts=frozenset({"txt"}))]
    ),
    "accepts a list": lambda make: make("broken", lambda: [provider("x", accepts=["text"])]),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_plugin_is_named_and_harms_no_other(plugin, how):
    registry = Registry([BROKEN[how](plugin), plugin("fine", good("fine"))])
    assert list(registry) == ["fine"]
    ((name, failure),) = registry.failures.items()
    assert "broken" in name
    assert isinstance(failure, PluginError)


@pytest.mark.parametrize("how", BROKEN)
def test_strict_raises_instead(plugin, how):
    with pytest.raises(PluginError):
        list(Registry([BROKEN[how](plugin)], strict=True))


def test_a_name_clash_refuses_the_second_and_names_both(plugin):
    registry = Registry([plugin("one", good("same")), plugin("two", good("same"))])
    assert list(registry) == ["same"]
    assert "two providers are called 'same'" in str(*registry.failures.values())


def test_nothing_is_imported_before_it_is_asked_for(plugin):
    registry = Registry([plugin("fine", good("fine")), BROKEN["does not import"](plugin)])
    assert registry.names == {"fine", "broken"}
    assert registry["fine"].name == "fine"
    assert registry._failures == {}


def test_a_plugin_may_bring_providers_of_other_names(plugin):
    registry = Registry([plugin("pack", lambda: [provider("a"), provider("b")])])
    assert (registry["b"].name, len(registry), "c" in registry) == ("b", 2, False)


def test_register_serves_tests_and_refuses_a_taken_name():
    registry = Registry(())
    registry.register(provider("mine"))
    assert registry["mine"].name == "mine"
    with pytest.raises(PluginError, match="two providers are called 'mine'"):
        registry.register(provider("mine"))


def test_what_is_no_provider_cannot_be_registered():
    with pytest.raises(PluginError, match="yield instances, not classes"):
        Registry(()).register(Provider)


def test_the_four_vendors_are_found_through_their_entry_points():
    registry = Registry()
    assert {"flowise", "fluxprompt", "promptitude", "flowgent"} <= set(registry)
    assert registry.failures == {}


def test_a_plugin_may_bring_providers_that_its_entry_point_does_not_name(plugin, monkeypatch):
    from agentbridge import Bridge

    point = plugin("one", lambda: [provider("one"), provider("two")])
    monkeypatch.setenv("TWO_BASE_URL", "https://two.invalid")
    with Bridge({}, registry=Registry([point])) as bridge:
        assert bridge.connections["two"].base_url == "https://two.invalid"


@pytest.mark.parametrize("strict", [False, True])
def test_a_plugin_that_failed_is_tried_again_when_it_is_asked_for(plugin, strict):
    there = []

    def brings():
        if not there:
            raise OSError("the disk is not mounted yet")
        return there

    registry = Registry([plugin("late", brings), plugin("fine", good("fine"))], strict=strict)
    with pytest.raises(PluginError if strict else KeyError):
        registry["late"]
    there.append(provider("late"))
    assert registry["late"].name == "late"
    assert (list(registry), registry.failures) == (["fine", "late"], {})
