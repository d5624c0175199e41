"""The command `agentbridge`. Extra `cli`. Nothing heavy is imported before a command needs it."""

from __future__ import annotations

import importlib.util
import sys

_NEEDED = ("click", "rich")


def main() -> None:
    """Run the command line; the entry point of the script `agentbridge`."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        sys.stderr.write(
            f"agentbridge: the command line needs {' and '.join(missing)}: pip install 'agentbridge-core[cli]'\n"
        )
        raise SystemExit(2)
    from .app import cli

    cli(prog_name="agentbridge")
