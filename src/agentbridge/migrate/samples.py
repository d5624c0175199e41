"""What production said and was answered, one call after the other: the samples that a move is tried with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, TypeAlias

import attrs

from ..codec import from_dict, to_sparse_dict
from ..errors import (
    AgentBridgeError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    InvocationError,
    NotFoundError,
    PermissionDeniedError,
    PluginError,
    QuotaExceededError,
    RateLimitError,
    TransportError,
    UnavailableError,
)
from ..model import Invocation, Result
from ..wire import HttpResponse
from .outputs import replaced

_RECORDING = "; of a recording (CSV, HAR, curl) `agentbridge migrate import` makes samples"

Standing: TypeAlias = Literal["final", "remains", "unknown"]

_SAYS_NOTHING = (
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    NotFoundError,
    PermissionDeniedError,
    PluginError,
    QuotaExceededError,
    RateLimitError,
    UnavailableError,
)
"""Errors of the way to the agent: where nothing ran, they say nothing of the agent."""


@attrs.frozen(kw_only=True)
class Answer:
    """What came of one call, as samples and ledgers keep it.

    `outcome` is "completed", "waiting_for_input", or the name of the error's class. `result` is the Result without the
    bytes it was read from; of an error it is what did arrive, or None. `message`, `status` and `code` are the error's.
    `elapsed` is in seconds. `standing` is "final" where this is the agent's answer or its failure, "remains" where
    surely nothing ran and the call is still to be made, "unknown" where it may have run and the answer was lost.
    """

    outcome: str
    result: Result | None = None
    message: str = ""
    status: int | None = None
    code: str | None = None
    attempts: int = 0
    elapsed: float = 0.0
    standing: Standing = "final"

    @property
    def ok(self) -> bool:
        """Whether the agent answered."""
        return self.outcome in ("completed", "waiting_for_input")

    @property
    def text(self) -> str:
        """What the agent said; empty where it did not answer."""
        return self.result.text if self.result is not None else ""

    @property
    def credits(self) -> float | None:
        """What the call cost in the vendor's credits; None where the vendor did not say."""
        return self.result.usage.credits if self.result is not None and self.result.usage is not None else None

    @classmethod
    def of(cls, came: Result | AgentBridgeError, elapsed: float | None = None) -> Answer:
        """Keep what a bridge gave or raised; `elapsed` where it was measured, else what the result says."""
        if isinstance(came, Result):
            seconds = came.elapsed if elapsed is None else elapsed
            return cls(outcome=came.status, result=_slim(came), attempts=came.attempts, elapsed=seconds)
        known: dict[str, Any] = {}
        if isinstance(came, InvocationError):
            known = {"status": came.status, "code": came.code, "attempts": came.attempts}
            known["result"] = None if came.partial is None else _slim(came.partial)
        return cls(
            outcome=type(came).__name__,
            message=str(came),
            elapsed=elapsed or 0.0,
            standing=_standing(came),
            **known,
        )

    def to_dict(self) -> dict[str, Any]:
        """This answer as plain JSON values with a schema version; fields that say nothing are left out."""
        return to_sparse_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Answer:
        """Rebuild what `to_dict` wrote. Raises ValueError for anything else."""
        return from_dict(cls, data)


@attrs.frozen(kw_only=True)
class Sample:
    """One call of production and what came of it.

    `id` is unique among the samples of a move. `session` names the conversation that it belongs to; None where it
    stands alone. `time` is when it began, in seconds since the epoch.
    """

    id: str
    invocation: Invocation
    answer: Answer | None = None
    session: str | None = None
    time: float | None = None

    @property
    def conversation(self) -> str | None:
        """The name of its conversation among those of all agents; None where it stands alone."""
        target = self.invocation.target
        agent = target if ":" in target else target.partition("@")[0]  # wherever it was sent to
        return None if self.session is None else json.dumps([agent, self.session])

    def to_dict(self) -> dict[str, Any]:
        """This sample as plain JSON values with a schema version; fields that say nothing are left out."""
        return to_sparse_dict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Sample:
        """Rebuild what `to_dict` wrote. Raises ValueError for anything else."""
        return from_dict(cls, data)


@attrs.frozen(kw_only=True)
class Pair:
    """One sample, what the candidate answered, and what the old vendor said when it was asked again, if it was."""

    sample: Sample
    candidate: Answer
    baseline: Answer | None = None


def read_samples(path: str | os.PathLike[str]) -> Iterator[Sample]:
    """The samples of a JSONL file, one at a time. Blank lines are skipped, and a last line that nobody has finished. A folder, or a name that ends in ".parquet", is
    read as Parquet; see `read_parquet`.

    Raises:
        ConfigurationError: the file cannot be read, or a line is no sample; it names the line.
    """
    if Path(path).suffix == ".parquet" or Path(path).is_dir():
        from .parquet import read_parquet

        yield from read_parquet(path)
        return
    for number, line in lines_of(path):
        try:
            yield Sample.from_dict(json.loads(line))
        except (ValueError, RecursionError) as error:
            if line.endswith("\n"):
                hint = _RECORDING if number == 1 else ""
                raise ConfigurationError(
                    f"{os.fspath(path)}, line {number}: this is no sample: {error}; delete the line to read the others{hint}"
                ) from None


def given(samples: Iterable[Sample]) -> Iterator[Sample]:
    """The samples. Raises ConfigurationError where a file's name stands for them."""
    if isinstance(samples, (str, os.PathLike)):
        raise ConfigurationError(f"{os.fspath(samples)!r} names a file; give read_samples({os.fspath(samples)!r})")
    return iter(samples)


def write_samples(path: str | os.PathLike[str], samples: Iterable[Sample]) -> int:
    """Write samples as JSONL, in place of what the file held; returns how many. Only the owner may read it.

    The file takes its name when all are written: until then, and where `samples` raises, it is as it was.

    Raises:
        ConfigurationError: the file cannot be written, or is a ledger.
    """
    count = 0
    with replaced(path) as file:
        for sample in given(samples):
            file.write(as_line(sample.to_dict()))
            count += 1
    return count


def lines_of(path: str | os.PathLike[str]) -> Iterator[tuple[int, str]]:
    """The lines of a file that hold something, with their numbers.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        with Path(path).open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{os.fspath(path)} cannot be read: {error}") from None


def as_line(value: Mapping[str, Any]) -> str:
    """One line of JSONL. Half a character, as vendors send it, stays the escape that JSON has for it."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    return line.encode("utf-8", "backslashreplace").decode()


def _slim(result: Result) -> Result:
    return attrs.evolve(result, response=HttpResponse(0))


def _standing(error: AgentBridgeError) -> Standing:
    if isinstance(error, InvocationError) and error.may_have_run:
        is_lost = isinstance(error, (TransportError, UnavailableError)) or type(error) is InvocationError
        return "unknown" if is_lost else "final"
    return "remains" if isinstance(error, _SAYS_NOTHING) or isinstance(error, TransportError) else "final"
