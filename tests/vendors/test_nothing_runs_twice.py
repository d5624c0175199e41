"""Every scenario of every vendor under the default retries: what the emulator counted is what the error says."""

from __future__ import annotations

import pytest
from tests.vendors.calls import CALLS

from agentbridge import RetryPolicy, Timeouts, errors


@pytest.fixture
def failed(open_bridge, emulators):
    """Each failing scenario of a vendor: its error, and how often a run was started."""

    def fail(vendor: str):
        bridge = open_bridge(
            config={},
            connections=emulators.connections,
            retry=RetryPolicy(attempts=3, first_delay=0),
            timeouts=Timeouts(answer=0.3),
        )
        emulator = emulators.emulators[vendor]
        for scenario in emulator.scenarios:
            emulator.seen.clear()
            try:
                bridge.invoke(f"{vendor}:{scenario}", **CALLS[vendor])
            except errors.InvocationError as error:
                yield scenario, error, sum(seen.method == "POST" for seen in emulator.seen)

    return fail


@pytest.mark.parametrize("vendor", CALLS)
def test_attempts_are_the_runs_that_the_vendor_saw_and_what_may_have_run_was_started_once(failed, vendor):
    count = 0
    for scenario, error, posts in failed(vendor):
        count += 1
        assert error.attempts == posts, scenario
        assert posts == (1 if error.may_have_run or not error.retryable else 3), scenario
    assert count >= 8
