"""Many calls from a file to a file, by the same ledger as a replay: it resumes, and repeats nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..bridge import Bridge
from ..errors import ConfigurationError
from ..model import Invocation
from .ledger import Ledger, Turn
from .outputs import check_outputs, replaced
from .replaying import Summary, replay
from .samples import Sample, as_line, lines_of

ARM = "batch"
SESSIONS = "same-id"


def batch(
    source: str | os.PathLike[str],
    target: str,
    out: str | os.PathLike[str],
    bridge: Bridge,
    *,
    ledger: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Summary:
    """Call `target` for each line of `source`, and write what came of each as a line of `out`, in the same order.

    A line of `source` is a JSON object with fields of an Invocation and an `id`, which is the line's number where it
    is left out; or a sample. A line of `out` is `{"id": ..., "outcome": ..., "result": ...}`, see Answer. `ledger` is the
    file that makes it resumable, `out` with ".ledger" behind it by default. `options` are those of `replay`.

    Raises:
        ConfigurationError: a line is no invocation, or what `replay` raises.
    """
    with batched(source, target, out, ledger) as path, Ledger(path) as book:
        return replay(book, bridge, target, arm=ARM, **{"sessions": SESSIONS, **options})


@contextmanager
def batched(
    source: str | os.PathLike[str],
    target: str,
    out: str | os.PathLike[str],
    ledger: str | os.PathLike[str] | None = None,
) -> Iterator[str]:
    """The ledger, with the calls of `source` in it; what came of them is in `out` afterwards, whatever happens here.

    Raises:
        ConfigurationError: a line is no invocation, or a file cannot be used.
    """
    path = os.fspath(ledger or f"{os.fspath(out)}.ledger")
    check_outputs([out], [source, path])
    with Ledger(path) as book:
        book.add(_read(source, target))
    try:
        yield path
    finally:
        with Ledger(path) as book:
            _write(book, out)


def _read(path: str | os.PathLike[str], target: str) -> Iterator[Sample]:
    """The lines of a file as samples that are sent to `target`.

    Raises:
        ConfigurationError: a line is no invocation; it names the line.
    """
    for number, line in lines_of(path):
        try:
            yield _sample(json.loads(line), str(number), target)
        except (ValueError, TypeError, RecursionError) as error:
            raise ConfigurationError(f"{os.fspath(path)}, line {number}: this is no invocation: {error}") from None


def _sample(said: Any, number: str, target: str) -> Sample:
    if not isinstance(said, dict):
        raise ValueError("it is written as an object")
    if "invocation" in said:
        return Sample.from_dict(said)
    fields = {"target": target, **{name: value for name, value in said.items() if name != "id"}}
    invocation = Invocation.from_dict({"schema_version": 1, **fields})
    return Sample(id=str(said.get("id", number)), invocation=invocation, session=invocation.session_id)


def _write(ledger: Ledger, out: str | os.PathLike[str]) -> None:
    """Write what is known of each call, in the order of the samples, in place of what the file held.

    A call that was not made has the outcome "remaining". Raises ConfigurationError where the file cannot be written.
    """
    with replaced(out) as file:
        for turn in ledger.turns(ARM):
            file.write(as_line(_line(turn)))


def _line(turn: Turn) -> dict[str, Any]:
    said: dict[str, Any] = {"outcome": "remaining"} if turn.answer is None else turn.answer.to_dict()
    return {"id": turn.sample.id, **{name: value for name, value in said.items() if name != "schema_version"}}
