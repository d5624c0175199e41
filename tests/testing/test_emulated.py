"""The kit asks an emulator for each agent by itself: one that does not tell them apart is found."""

from __future__ import annotations

import pytest
from kit import contract, failure
from small import Small

APART = "test_the_emulator_tells_its_scenarios_apart"


def found(emulator: str) -> str | None:
    provider = type("Emulated", (Small,), {"emulator": f"small_emulators:{emulator}"})()
    return failure(contract(provider), APART)


def test_an_emulator_that_knows_its_agents_passes():
    assert found("right") is None


@pytest.mark.parametrize(
    ("emulator", "message"),
    [
        ("deaf", "the emulator answers 'hi' to the agent 'nobody-4c1f'"),
        ("without_html", "the emulator answers 'hi' to the agent 'html'"),
        ("busy", "the scenario 'no-credits' has the name of an error of yours, FaultKind.QUOTA_EXCEEDED, and became"),
    ],
)
def test_an_emulator_that_does_not_tell_its_agents_apart_is_found(emulator, message):
    assert message in (found(emulator) or "")
