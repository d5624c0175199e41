"""Fixtures for everybody who has pytest and agentbridge. Every pytest run loads this: nothing is imported before it is used."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .live import LiveEmulators


@pytest.fixture(scope="session")
def _agentbridge_served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveEmulators]:
    try:
        from .live import live_emulators
    except ImportError as error:
        message = f"agentbridge_emulators needs {error.name}: pip install 'agentbridge-core[emulator]'"
        raise pytest.UsageError(message) from None
    with live_emulators(tmp_path_factory.mktemp("agentbridge")) as live:
        yield live


@pytest.fixture
def agentbridge_emulators(_agentbridge_served: LiveEmulators) -> LiveEmulators:
    """The emulators of all installed plugins, served on a free port of the loopback interface.

    They are started once a run, and know nothing of the tests before. `.connections` and `.config` are for a Bridge;
    `["flowise"]` is an emulator, with `.says` and `.seen`.
    """
    _agentbridge_served.served.renew()
    return _agentbridge_served
