"""Every scenario of every vendor with the vendor's own key: it is in nothing that anybody can keep or read."""

from __future__ import annotations

import logging
import pickle
import traceback

import pytest
from tests.vendors.calls import CALLS

from agentbridge import RetryPolicy, Timeouts, errors


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("vendor", CALLS)
def test_no_scenario_shows_the_key(open_bridge, emulators, caplog, vendor, library):
    key = emulators.connections[vendor].api_key
    observed = []
    with caplog.at_level(logging.DEBUG):
        bridge = open_bridge(
            config={},
            connections=emulators.connections,
            transport=library,
            retry=RetryPolicy(attempts=2, first_delay=0),
            timeouts=Timeouts(answer=0.3),
            observers=[observed.append],
        )
        kept = [shown(bridge, f"{vendor}:{name}", CALLS[vendor]) for name in emulators.emulators[vendor].scenarios]
        curl = bridge.prepare(f"{vendor}:ok", **CALLS[vendor]).curl()
    everything = [*kept, curl, caplog.text, repr(observed), repr(pickle.dumps(observed)), repr(bridge.bridge.drift)]
    assert key
    assert not [text for text in everything if key in text]
    assert any(key in value for seen in emulators.emulators[vendor].seen for value in seen.headers.values())


def shown(bridge, target: str, call: dict[str, object]) -> str:
    """All that a caller can print or keep of one call, its answer's bytes and headers included."""
    try:
        result = bridge.invoke(target, **call)
    except errors.InvocationError as error:
        trace = "".join(traceback.format_exception(error))
        return (
            f"{error}{error!r}{vars(error)}{trace}{pickle.dumps(error)!r}{error.response and error.response.content!r}"
        )
    return f"{result!r}{result.to_dict()}{pickle.dumps(result)!r}{result.response.content!r}{result.response.headers}"
