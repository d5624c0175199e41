"""Somebody speaks for the emulated agents: their words, or a scenario of the emulator, reach the caller."""

from __future__ import annotations

import pytest

from agentbridge import AgentBridgeError, Bridge
from agentbridge.emulator import Scenario
from agentbridge.emulator.serving import serve

CALLS = {
    "fluxprompt": {"inputs": {"question": "Where is order 7?"}},
    "promptitude": {"inputs": {"question": "Where is order 7?"}},
    "flowgent": {"text": "Where is order 7?"},
    "flowise": {"text": "Where is order 7?"},
}


@pytest.fixture
def served():
    with serve() as served, Bridge({}, connections=served.connections) as bridge:
        yield bridge, served.emulators


@pytest.mark.parametrize("vendor", CALLS)
def test_an_emulated_agent_says_what_it_is_told_to(served, vendor):
    bridge, emulators = served
    emulators[vendor].says = lambda asked: "It ships today." if "order 7" in asked else "Which order?"
    assert bridge.invoke(f"{vendor}:ok", **CALLS[vendor]).text == "It ships today."


@pytest.mark.parametrize("vendor", CALLS)
def test_an_emulated_agent_may_play_a_scenario_for_one_question(served, vendor):
    bridge, emulators = served
    failing = "tool-error" if vendor == "flowise" else "error-in-200"
    emulators[vendor].says = lambda asked: Scenario(failing) if "order 7" in asked else "fine"
    with pytest.raises(AgentBridgeError):
        bridge.invoke(f"{vendor}:ok", **CALLS[vendor])


@pytest.mark.parametrize("vendor", CALLS)
def test_without_a_speaker_it_echoes(served, vendor):
    bridge, emulators = served
    emulators[vendor].says = None
    assert bridge.invoke(f"{vendor}:ok", **CALLS[vendor]).text.startswith("Echo: ")
