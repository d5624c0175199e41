"""A process that forks replays, to be killed: python killed.py LEDGER URL. Reads "go" or "end", prints pid and exit code.

Forking from one process that has imported everything makes a kill cost milliseconds and not a start of Python.
"""

from __future__ import annotations

import os
import sys


def replayed(path: str, url: str) -> None:
    from agentbridge import Bridge, Connection
    from agentbridge.migrate import Ledger, replay

    agents = {"support": {"on": {"flowise": {"agent": "W1"}}}}
    with (
        Ledger(path) as ledger,
        Bridge({}, connections={"flowise": Connection("flowise", base_url=url)}, agents=agents) as bridge,
    ):
        replay(ledger, bridge, "flowise", concurrency=4)


def main(path: str, url: str) -> None:
    import httpx  # noqa: F401 (this, what follows and the plugins are for the children, so that they need not)

    import agentbridge.migrate.replaying  # noqa: F401
    from agentbridge import Bridge

    with Bridge({}) as bridge:
        list(bridge.providers)
    for line in sys.stdin:
        if line.strip() != "go":
            return
        child = os.fork()
        if child == 0:
            replayed(path, url)
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
