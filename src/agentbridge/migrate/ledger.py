"""The ledger of a move, in SQLite: what was claimed before it was sent, and what came of it. It survives a kill -9.

samples    the calls of production, in their order; those of one conversation have the same `lead`, its first
calls      what became of a sample in one arm: "candidate" (the new vendor), "baseline" (the old one, asked again)
sessions   the old vendor's session ids and the new one's
settings   small facts of a move, as JSON
"""

from __future__ import annotations

import itertools
import json
import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import attrs

from ..errors import ConfigurationError
from ..naming import did_you_mean
from .ledger_file import LedgerFile
from .samples import Answer, Pair, Sample, Standing, as_line, given

CANDIDATE, BASELINE = "candidate", "baseline"
LOST = "the process ended before it wrote down what came of this call"

_PAGE = 200  # rows that are read at once, so that memory stays flat and no reader holds the file
_TURNS = (
    "SELECT s.position, s.sample, c.standing, c.answer, c.claimed_at FROM samples s"
    " LEFT JOIN calls c ON c.arm = ? AND c.position = s.position"
)

State = Literal["claimed", "skipped"] | Standing


@attrs.frozen(kw_only=True)
class Turn:
    """One sample in one arm: `state` is None where it was never claimed, `answer` what came of it.

    `sent_at` is when it was claimed last, in seconds since the epoch.
    """

    position: int
    sample: Sample
    state: State | None = None
    answer: Answer | None = None
    sent_at: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether the call is still to be made."""
        return self.state is None or self.state == "remains"


@attrs.frozen(kw_only=True)
class Counts:
    """How far an arm is. `failed` of the `final` ones are failures, `sends` counts claims. `credits` is what they cost; None where no answer named a cost."""

    total: int
    final: int = 0
    unknown: int = 0
    skipped: int = 0
    claimed: int = 0
    sends: int = 0
    credits: float | None = None
    failed: int = 0

    @property
    def remaining(self) -> int:
        """Calls that are still to be made."""
        return self.total - self.final - self.unknown - self.skipped - self.claimed


@attrs.define(eq=False)
class _Claim:
    arm: str
    position: int
    granted: bool | None = None


class Ledger(LedgerFile):
    """What became of each sample, in one file that only its owner may read; any number of processes may look at it.

    Raises:
        ConfigurationError: the file cannot be used, or is no ledger of this version.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self._claims: deque[_Claim] = deque()

    def add(self, samples: Iterable[Sample]) -> int:
        """Take in samples, in their order; those that are there already are passed over. Returns how many are new.

        Raises:
            ConfigurationError: another sample of the same id is there.
        """
        new, numbered = 0, given(samples)
        while page := list(itertools.islice(numbered, _PAGE)):
            with self.changing() as database:
                new += sum(self._added(database, sample) for sample in page)
        return new

    def _added(self, database: sqlite3.Connection, sample: Sample) -> bool:
        line = as_line(sample.to_dict())
        known = database.execute("SELECT sample FROM samples WHERE id = ?", (sample.id,)).fetchone()
        if known is not None:
            if known[0] != line:
                raise ConfigurationError(f"the ledger {self.path} has another sample {sample.id!r}; use a new ledger")
            return False
        session = sample.conversation
        lead = database.execute("SELECT lead FROM samples WHERE session = ? LIMIT 1", (session,)).fetchone()
        position = database.execute("SELECT COALESCE(MAX(position), 0) + 1 FROM samples").fetchone()[0]
        row = (position, sample.id, lead[0] if lead else position, session, sample.invocation.target, line)
        database.execute("INSERT INTO samples VALUES (?, ?, ?, ?, ?, ?)", row)
        return True

    def position(self, name: str) -> int:
        """Where the sample of this id stands. Raises ConfigurationError where it is not here."""
        found = self.rows("SELECT position FROM samples WHERE id = ?", (name,))
        if not found:
            raise ConfigurationError(f"the ledger {self.path} has no sample {name!r}; add it first")
        return int(found[0][0])

    def targets(self) -> list[str]:
        """Every target that the samples were sent to."""
        return [target for (target,) in self.rows("SELECT DISTINCT target FROM samples ORDER BY target")]

    def begin(self, arm: str, lead: int | None = None) -> int:
        """What a process that ended had claimed in this arm is unknown from here on. Returns how many that are.

        With `lead`, in the conversation of this first sample alone.
        """
        lost = as_line(Answer(outcome="Unknown", message=LOST, standing="unknown").to_dict())
        with self.changing() as database:
            marked = database.execute(
                "UPDATE calls SET standing = 'unknown', outcome = 'Unknown', answer = ? WHERE arm = ? AND standing = 'claimed'"
                " AND (? IS NULL OR position IN (SELECT position FROM samples WHERE lead = ?))",
                (lost, arm, lead, lead),
            )
        return marked.rowcount

    def conversations(self, arm: str) -> Iterator[tuple[Turn, ...]]:
        """Those in which a call is still to be made, in the order of their first samples; all their turns."""
        for lead in self.leads(arm):
            yield self.conversation(arm, lead)

    def leads(self, arm: str) -> Iterator[int]:
        """The same by the positions of their first samples."""
        query = (
            "SELECT DISTINCT s.lead FROM samples s LEFT JOIN calls c ON c.arm = ? AND c.position = s.position"
            " WHERE s.lead > ? AND (c.position IS NULL OR c.standing = 'remains') ORDER BY s.lead LIMIT ?"
        )
        yield from (lead for (lead,) in self._paged(query, arm))

    def conversation(self, arm: str, lead: int) -> tuple[Turn, ...]:
        """The turns of one conversation, in their order."""
        return tuple(_turn(*row) for row in self.rows(f"{_TURNS} WHERE s.lead = ? ORDER BY s.position", (arm, lead)))

    def claim(self, arm: str, position: int) -> bool:
        """Say that this call is about to be sent, before it is; False where somebody else did, or it is over.

        Of threads that claim at once, one writes for all that wait meanwhile: the disk is waited for once.
        """
        mine = _Claim(arm, position)
        self._claims.append(mine)
        with self.lock:
            if mine.granted is None:
                waiting = {mine}
                while self._claims:
                    waiting.add(self._claims.popleft())
                with self.changing() as database:
                    granted = {claim: _claimed(database, claim) for claim in waiting}
                for claim, is_granted in granted.items():
                    claim.granted = is_granted
        return bool(mine.granted)

    def finish(self, arm: str, turn: Turn, answer: Answer) -> None:
        """Write down what came of a claimed call, and the session that the new vendor gave it."""
        line = as_line(answer.to_dict())
        row = (answer.standing, time.time(), answer.outcome, answer.credits, line, arm, turn.position)
        new = answer.result.session_id if answer.result is not None else None
        with self.changing(lasting=False) as database:  # lost in a power cut, the outcome is unknown, which is no lie
            database.execute(
                "UPDATE calls SET standing = ?, finished_at = ?, outcome = ?, credits = ?, answer = ?"
                " WHERE arm = ? AND position = ?",
                row,
            )
            if turn.sample.conversation is not None and new is not None:
                old = (arm, turn.sample.conversation, new)
                database.execute("INSERT OR IGNORE INTO sessions VALUES (?, ?, ?)", old)

    def session(self, arm: str, conversation: str) -> str | None:
        """The new vendor's session of a `Sample.conversation`; None before it gave one."""
        found = self.rows("SELECT new FROM sessions WHERE arm = ? AND old = ?", (arm, conversation))
        return found[0][0] if found else None

    def unknown(self, arm: str = CANDIDATE) -> Iterator[Turn]:
        """Calls that may have run and whose answer is not known, for a human to decide on; see `decide`."""
        yield from self._turns(arm, "unknown")

    def decide(self, arm: str, ids: Sequence[str], decision: Literal["resend", "skip"]) -> None:
        """What is to be done about calls of unknown outcome: `resend` makes them again, `skip` leaves them out.

        Raises:
            ConfigurationError: one of them is not of unknown outcome.
        """
        standing = {"resend": "remains", "skip": "skipped"}[decision]
        with self.changing() as database:
            for name in ids:
                decided = database.execute(
                    "UPDATE calls SET standing = ? WHERE arm = ? AND standing = 'unknown'"
                    " AND position = (SELECT position FROM samples WHERE id = ?)",
                    (standing, arm, name),
                )
                if not decided.rowcount:
                    raise ConfigurationError(f"{name!r} is not of unknown outcome in {self.path} ({arm})")

    def turns(self, arm: str = CANDIDATE) -> Iterator[Turn]:
        """All samples in their order, with what became of them."""
        yield from self._turns(arm)

    def pairs(self, arm: str = CANDIDATE, baseline: str = BASELINE) -> Iterator[Pair]:
        """Each sample that has a final answer, with it, and with that of the old vendor asked again where there is one."""
        query = (
            "SELECT s.position, s.sample, c.answer, b.answer FROM samples s"
            " CROSS JOIN calls c ON c.arm = ? AND c.position = s.position AND c.standing = 'final'"  # in this order: no sort
            " LEFT JOIN calls b ON b.arm = ? AND b.position = s.position AND b.standing = 'final'"
            " WHERE s.position > ? ORDER BY s.position LIMIT ?"
        )
        for _, sample, candidate, again in self._paged(query, arm, baseline):
            yield Pair(sample=_sample(sample), candidate=_answer(candidate), baseline=again and _answer(again))

    def _turns(self, arm: str, state: State | None = None) -> Iterator[Turn]:
        query = f"{_TURNS} WHERE (? IS NULL OR c.standing = ?) AND s.position > ? ORDER BY s.position LIMIT ?"
        yield from (_turn(*row) for row in self._paged(query, arm, state, state))

    def _paged(self, query: str, *values: str | None) -> Iterator[tuple[Any, ...]]:
        """What a query finds, a page at a time: it takes the first column that was seen last, and how many it may give."""
        last = 0
        while rows := self.rows(query, (*values, last, _PAGE)):
            yield from rows
            last = rows[-1][0]

    def arms(self) -> list[str]:
        """The arms in which a call was made; before the first one, "candidate"."""
        found = [arm for (arm,) in self.rows("SELECT DISTINCT arm FROM calls ORDER BY arm")]
        return found or [CANDIDATE]

    def check_arm(self, arm: str, remedy: str = "") -> None:
        """Raises ConfigurationError where this is neither a usual arm nor one that is here, with what to do about it."""
        known = sorted({CANDIDATE, BASELINE, *self.arms()})
        if arm not in known:
            meant = did_you_mean(arm, known)
            raise ConfigurationError(f"the ledger {self.path} has no arm {arm!r} ({', '.join(known)}).{meant}{remedy}")

    def counts(self, arm: str = CANDIDATE) -> Counts:
        """How far an arm is."""
        total = self.rows("SELECT COUNT(*) FROM samples")[0][0]
        query = "SELECT standing, COUNT(*) FROM calls WHERE arm = ? AND standing != 'remains' GROUP BY standing"
        spent = (
            "SELECT COALESCE(SUM(sends), 0), SUM(credits),"
            " COALESCE(SUM(standing = 'final' AND outcome NOT IN ('completed', 'waiting_for_input')), 0)"
            " FROM calls WHERE arm = ?"
        )
        sends, cost, failed = self.rows(spent, (arm,))[0]
        return Counts(total=total, sends=sends, credits=cost, failed=failed, **dict(self.rows(query, (arm,))))


def _claimed(database: sqlite3.Connection, claim: _Claim) -> bool:
    claimed = database.execute(
        "INSERT INTO calls (arm, position, standing, sends, claimed_at) VALUES (?, ?, 'claimed', 1, ?)"
        " ON CONFLICT DO UPDATE SET standing = 'claimed', sends = sends + 1, claimed_at = excluded.claimed_at"
        " WHERE standing = 'remains'",
        (claim.arm, claim.position, time.time()),
    )
    return claimed.rowcount == 1


def _turn(position: int, sample: str, state: State | None, answer: str | None, sent_at: float | None) -> Turn:
    came = None if answer is None else _answer(answer)
    return Turn(position=position, sample=_sample(sample), state=state, answer=came, sent_at=sent_at)


def _sample(line: str) -> Sample:
    return Sample.from_dict(json.loads(line))


def _answer(line: str) -> Answer:
    return Answer.from_dict(json.loads(line))
