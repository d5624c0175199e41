"""Where a router stands, and whom each conversation belongs to: kept in the file of a ledger, for all processes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

import attrs

from ..amounts import share
from ..errors import ConfigurationError
from .ledger_file import LedgerFile

Status: TypeAlias = Literal["running", "paused", "rolled back"]

STAGES = (0.01, 0.05, 0.25, 0.5, 1.0)
_PREFIX = "router:"
_PATIENCE = 2000  # milliseconds that a call of production waits for another process that writes
_TABLE = """
CREATE TABLE IF NOT EXISTS routes (
    agent TEXT NOT NULL, session TEXT NOT NULL, vendor TEXT NOT NULL, PRIMARY KEY (agent, session)
) WITHOUT ROWID;
"""


def _tuple(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(values)


def stages_of(given: Iterable[float]) -> tuple[float, ...]:
    """Shares that grow. Raises ConfigurationError for anything else."""
    stages = tuple(share("a stage", stage) for stage in given)
    if not stages or stages != tuple(sorted(set(stages))) or stages[0] == 0:
        raise ConfigurationError(f"stages are shares above 0 that grow, as {STAGES}, not {stages}")
    return stages


@attrs.frozen(kw_only=True)
class RouterState:
    """Where the router of one agent stands.

    `stage` is the share that it has reached, `status` "running", "paused" or "rolled back", and `reason` why. `salt`
    picks which conversations go first. `number` counts the changes, `changed` is when the last one was, in seconds since
    the epoch.
    """

    agent: str
    primary: str
    candidate: str
    salt: str
    stages: tuple[float, ...] = attrs.field(converter=_tuple)
    stage: float
    status: Status = "running"
    reason: str = ""
    number: int = 1
    changed: float = 0.0

    @property
    def share(self) -> float:
        """The share of new conversations that goes to the candidate now: none unless it is running."""
        return self.stage if self.status == "running" else 0.0


Change: TypeAlias = Callable[[RouterState], RouterState]


def advanced(state: RouterState) -> RouterState:
    """The next stage. Raises ConfigurationError where there is none, or it is not running."""
    if state.status != "running":
        raise ConfigurationError(f"the router of {state.agent!r} is {state.status}; resume it first")
    for stage in state.stages:
        if stage > state.stage:
            return attrs.evolve(state, stage=stage, reason="")
    raise ConfigurationError(f"the router of {state.agent!r} is at its last stage, {state.stage:.0%}")


def paused(state: RouterState, reason: str = "") -> RouterState:
    """No new conversation goes to the candidate. Raises ConfigurationError where it is rolled back."""
    if state.status == "rolled back":
        raise ConfigurationError(f"the router of {state.agent!r} is rolled back, so nothing new goes to the candidate")
    return attrs.evolve(state, status="paused", reason=reason)


def resumed(state: RouterState) -> RouterState:
    """On with the stage that it had; after a rollback with the first one. Raises ConfigurationError where it runs."""
    if state.status == "running":
        raise ConfigurationError(f"the router of {state.agent!r} is running")
    stage = state.stage if state.status == "paused" else state.stages[0]
    return attrs.evolve(state, status="running", reason="", stage=stage)


def rolled_back(state: RouterState, reason: str = "") -> RouterState:
    """Nothing new goes to the candidate before somebody resumes."""
    return attrs.evolve(state, status="rolled back", reason=reason)


class RouterFile(LedgerFile):
    """The part of a ledger's file that routers use, by a connection of its own: production does not wait for a replay.

    A call does not wait for the disk: of the conversations that began, a power cut may take the last ones back.

    Raises:
        ConfigurationError: the file cannot be used, or is no ledger of this version.
    """

    def _prepare(self, database: sqlite3.Connection) -> None:
        super()._prepare(database)
        database.execute(f"PRAGMA busy_timeout={_PATIENCE}")
        database.execute(_TABLE)

    def agents(self) -> list[str]:
        """The agents that have a router here."""
        query = "SELECT name FROM settings WHERE name LIKE ? ORDER BY name"
        return [name.removeprefix(_PREFIX) for (name,) in self.rows(query, (f"{_PREFIX}%",))]

    def state(self, agent: str) -> RouterState | None:
        """Where the router of this agent stands; None before there was one."""
        found = self.setting(_PREFIX + agent)
        return None if found is None else RouterState(**found)

    def begin(self, wanted: RouterState) -> RouterState:
        """The state that is there, with these stages from now on; else this one.

        Raises:
            ConfigurationError: the agent is routed between other vendors here.
        """
        with self.changing() as database:
            found = self.state(wanted.agent)
            if found is None:
                return _put(database, wanted)
            if (found.primary, found.candidate) != (wanted.primary, wanted.candidate):
                raise ConfigurationError(
                    f"the ledger {self.path} routes {found.agent!r} from {found.primary!r} to {found.candidate!r};"
                    " another move takes another ledger"
                )
            return found if found.stages == wanted.stages else _put(database, attrs.evolve(found, stages=wanted.stages))

    def change(self, agent: str, change: Change, now: float, *, only: int | None = None) -> RouterState:
        """Change the state as one step; `only` where it is still that number. Returns the state from now on.

        Raises:
            ConfigurationError: there is no router of this agent, or it cannot be changed so.
        """
        with self.changing() as database:
            found = self.state(agent)
            if found is None:
                raise ConfigurationError(
                    f"the ledger {self.path} has no router of {agent!r} (there: {', '.join(self.agents()) or 'none'});"
                    " the first Router makes it"
                )
            if only is not None and found.number != only:
                return found
            return _put(database, attrs.evolve(change(found), number=found.number + 1, changed=now))

    def vendor(self, agent: str, session: str) -> str | None:
        """Whom a conversation belongs to; None where it has not begun."""
        found = self.rows("SELECT vendor FROM routes WHERE agent = ? AND session = ?", (agent, session))
        return found[0][0] if found else None

    def assign(self, agent: str, session: str, vendor: str) -> str:
        """Whom a conversation belongs to from now on: who was first says so, in whatever process."""
        with self.changing(lasting=False) as database:
            database.execute("INSERT OR IGNORE INTO routes VALUES (?, ?, ?)", (agent, session, vendor))
            return self.vendor(agent, session) or vendor

    def put(self, agent: str, session: str, vendor: str | None) -> None:
        """Let a conversation go on there; with None it has not begun."""
        with self.changing(lasting=False) as database:
            database.execute("DELETE FROM routes WHERE agent = ? AND session = ?", (agent, session))
            if vendor is not None:
                database.execute("INSERT INTO routes VALUES (?, ?, ?)", (agent, session, vendor))


def _put(database: sqlite3.Connection, state: RouterState) -> RouterState:
    row = (_PREFIX + state.agent, json.dumps(attrs.asdict(state)))
    database.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", row)
    return state
