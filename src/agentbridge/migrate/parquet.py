"""Samples and what became of them as Parquet, for tools that work on columns. Needs the extra `ray`."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from .ledger import CANDIDATE, Ledger, Turn
from .outputs import replacing
from .samples import Sample, as_line

_ROWS = 1_000  # that are in memory at once

_SAMPLE = {"position": "int64", "id": "string", "session": "string", "target": "string", "time": "float64"}
_RESULT = {
    "arm": "string",
    "standing": "string",
    "outcome": "string",
    "text": "string",
    "message": "string",
    "status": "int64",
    "code": "string",
    "credits": "float64",
    "attempts": "int64",
    "elapsed": "float64",
    "answer": "string",
}
_WHOLE = {"sample": "string"}


def read_parquet(path: str | os.PathLike[str]) -> Iterator[Sample]:
    """The samples of a Parquet file, or of those of a folder by their names; in memory are never more than a few.

    They stand as JSON in the column `sample`, as `write_parquet` and `export_parquet` write them.

    Raises:
        ConfigurationError: a file cannot be read, or holds no samples.
    """
    for file in _files(Path(path)):
        yield from _read(file)


def _files(path: Path) -> list[Path]:
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise ConfigurationError(f"the folder {path} has no file *.parquet")
    return files


def _read(path: Path) -> Iterator[Sample]:
    arrow = _arrow()
    try:
        with arrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS, columns=["sample"]):
                for text in batch.column("sample").to_pylist():
                    yield Sample.from_dict(json.loads(text))
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:  # ArrowInvalid is a ValueError
        raise ConfigurationError(f"{path} cannot be read as samples in Parquet: {error}") from None


def write_parquet(path: str | os.PathLike[str], samples: Iterable[Sample]) -> int:
    """Write samples as one Parquet file, in place of what it held; returns how many.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    rows = (_sample(number, sample) for number, sample in enumerate(samples, 1))
    return _write(Path(path), {**_SAMPLE, **_WHOLE}, rows)


def export_parquet(ledger: Ledger, path: str | os.PathLike[str], arm: str = CANDIDATE) -> int:
    """Write each sample of a ledger and what became of it in this arm, in the order of the samples; returns how many.

    `standing` is null where the call was never made. `answer` and `sample` hold the whole as JSON.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    rows = (_result(arm, turn) for turn in ledger.turns(arm))
    return _write(Path(path), {**_SAMPLE, **_RESULT, **_WHOLE}, rows)


def _sample(position: int, sample: Sample) -> dict[str, Any]:
    return {
        "position": position,
        "id": sample.id,
        "session": sample.session,
        "target": sample.invocation.target,
        "time": sample.time,
        "sample": as_line(sample.to_dict()),
    }


def _result(arm: str, turn: Turn) -> dict[str, Any]:
    row = {**_sample(turn.position, turn.sample), "arm": arm, "standing": turn.state}
    answer = turn.answer
    if answer is None:
        return row
    said = {name: getattr(answer, name) for name in ("outcome", "text", "message", "status", "code", "credits")}
    counted = {"attempts": answer.attempts, "elapsed": answer.elapsed, "answer": as_line(answer.to_dict())}
    return row | said | counted


def _write(path: Path, columns: Mapping[str, str], rows: Iterator[Mapping[str, Any]]) -> int:
    """Only its owner may read the file, whole or not."""
    arrow, count = _arrow(), 0
    schema = arrow.schema([(name, getattr(arrow, kind)()) for name, kind in columns.items()])
    with replacing(path) as part, os.fdopen(os.open(part, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        with arrow.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            while page := list(itertools.islice(rows, _ROWS)):
                writer.write_batch(arrow.RecordBatch.from_pylist(page, schema))
                count += len(page)
    return count


def _arrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise ConfigurationError("Parquet needs the extra 'ray': pip install 'agentbridge-core[ray]'") from None
    return pyarrow
