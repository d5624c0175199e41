"""The emulators of all installed plugins, served for tests: what the fixture `agentbridge_emulators` gives. Extra `emulator`."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import attrs

from ..connection import Connection, variable
from ..emulator import Emulator
from ..emulator.serving import Served, serve


@attrs.frozen
class LiveEmulators:
    """Emulators that are served on the loopback interface: connections for a Bridge, and `config`, a file that has them."""

    served: Served
    config: Path

    @property
    def url(self) -> str:
        """Where they are; each below its provider's name."""
        return self.served.url

    @property
    def connections(self) -> Mapping[str, Connection]:
        """A connection to each, by provider."""
        return self.served.connections

    @property
    def environ(self) -> Mapping[str, str]:
        """The same as environment variables: FLOWISE_BASE_URL, FLOWISE_API_KEY and so on."""
        return {
            variable(name, what): str(value)
            for name, connection in self.connections.items()
            for what, value in (("BASE_URL", connection.base_url), ("API_KEY", connection.api_key))
        }

    def __getitem__(self, provider: str) -> Emulator:
        return self.served.emulators[provider]


@contextlib.contextmanager
def live_emulators(folder: Path) -> Iterator[LiveEmulators]:
    """Serve them; their configuration file is written into the folder."""
    with serve() as served:
        config = folder / "agentbridge.toml"
        config.write_text("\n".join(map(_table, served.connections.items())), "utf-8")
        yield LiveEmulators(served, config)


def _table(named: tuple[str, Connection]) -> str:
    name, connection = named
    keys = {"provider": connection.provider, "base_url": connection.base_url, "api_key": connection.api_key}
    return "\n".join([f"[connections.{name}]", *(f"{key} = {json.dumps(value)}" for key, value in keys.items()), ""])
