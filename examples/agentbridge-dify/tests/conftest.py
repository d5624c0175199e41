"""The emulators, served once, and both worlds to call them from."""

from collections.abc import Iterator

import pytest

from agentbridge.emulator.serving import Served, serve
from worlds import World


@pytest.fixture(scope="session")
def vendors() -> Iterator[Served]:
    with serve() as served:
        assert not served.failures
        yield served


@pytest.fixture(params=[False, True], ids=["Bridge", "AsyncBridge"])
def world(request: pytest.FixtureRequest, vendors: Served) -> World:
    return World(vendors.connections, request.param)
