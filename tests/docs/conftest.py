"""The environment of somebody who has accounts at all four vendors: here, their emulators."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def environment(emulators):
    accounts = {
        f"{name.upper()}_{what}": value
        for name, connection in emulators.connections.items()
        for what, value in (("BASE_URL", connection.base_url), ("API_KEY", connection.api_key))
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, **accounts, "PYTHONWARNINGS": "error", "COLUMNS": "100", "PATH": path, "NO_COLOR": "1"}
