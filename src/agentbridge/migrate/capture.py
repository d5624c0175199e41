"""An observer that keeps what production says and is answered, as samples."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from ..amounts import share
from ..errors import AgentBridgeError
from ..model import SHARED, Result
from ..observing.observations import InvocationFinished, InvocationStarted, Observation
from ..private import private_file
from .samples import Answer, Sample, as_line
from .scrubbing import Scrub, Scrubber

CAPTURED = frozenset({"invoke", "stream"})
"""What can be made again. The answer of `submit` comes to another call, and `resume` answers a run that is gone."""

_MAX_FILE = 65_536


class Capture:
    """For `Bridge(observers=[...])`: appends a sample a line to a JSONL file that only its owner may read.

    `sample` is the share of conversations that are kept, from 0 to 1. All turns of a conversation are kept or none, in
    all processes with the same `seed`; another seed keeps others. A call without session is a conversation of its own.
    `scrub` names keys whose values become `***`, in inputs, metadata, options and what is said or answered as JSON; compiled
    regular expressions do so to what they find in any text, also in keys and in files of text. `max_file` is how much of a file is kept, in bytes: the
    content of a larger one is left out, and such a call cannot be made again.

    `invoke` and `stream` are captured. Several threads and processes may append to one file. Secrets are masked by the
    bridge before an observer sees anything. `written` and `lost` count samples.

    Raises:
        ConfigurationError: the file cannot be written, or an argument is wrong.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        sample: float = 1.0,
        scrub: Scrub = (),
        seed: int | str | None = None,
        max_file: int = _MAX_FILE,
    ) -> None:
        self._share = share("sample", sample)
        self._seed = "" if seed is None else str(seed)
        self._scrubber = Scrubber(scrub, self._seed, max_file)
        self._lock = threading.Lock()
        self._begun: dict[str, InvocationStarted] = {}
        self.written = 0
        self.lost = 0
        self._file = private_file(path, append=True)
        self._is_torn = _is_torn(path)

    def __call__(self, seen: Observation) -> None:
        """Take notice of what happens in a bridge. What it raises ends there, at the observer's door."""
        if isinstance(seen, InvocationStarted) and seen.kind in CAPTURED:
            self._begun[seen.id] = seen
        elif isinstance(seen, InvocationFinished):
            begun = self._begun.pop(seen.id, None)
            if begun is not None:
                self._keep(begun, seen)

    def close(self) -> None:
        """Close the file. What ends afterwards is not kept."""
        with self._lock:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _keep(self, begun: InvocationStarted, ended: InvocationFinished) -> None:
        session = _session(begun, ended)
        if begun.invocation is None or not self._is_chosen(begun, session):
            return
        try:
            sample = Sample(
                id=begun.id,
                invocation=begun.invocation,
                answer=_answer(ended),
                session=session,
                time=begun.time,
            )
            line = as_line(self._scrubber.sample(sample).to_dict()).encode()
            self._append(line)
        except Exception:
            self.lost += 1
            raise

    def _append(self, line: bytes) -> None:
        """One write a line: appended whole, whoever else appends; a part of one before it ends there."""
        with self._lock:
            if self._file.closed:
                return
            whole = b"\n" + line if self._is_torn else line
            self._is_torn = os.write(self._file.fileno(), whole) < len(whole)
            if self._is_torn:
                raise OSError("the line was written in part: the disk is full")
            self.written += 1

    def _is_chosen(self, begun: InvocationStarted, session: str | None) -> bool:
        conversation = f"{begun.connection}:{begun.agent}\n{session}" if session else begun.id
        digest = hashlib.blake2b(f"{self._seed}\n{conversation}".encode("utf-8", "surrogatepass"), digest_size=8)
        return int.from_bytes(digest.digest()) < self._share * 2**64


def _is_torn(path: str | os.PathLike[str]) -> bool:
    """Whether its last line was written in part."""
    with contextlib.suppress(OSError), Path(path).open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read() != b"\n"
    return False  # it is empty, or no file that can be read back


def _session(begun: InvocationStarted, ended: InvocationFinished) -> str | None:
    """The conversation that a call belongs to: a first turn to that which its answer names.

    The memory that all callers share is no conversation.
    """
    said = begun.invocation.session_id if begun.invocation is not None else None
    named = ended.result.session_id if isinstance(ended.result, Result) else None
    session = said or named or begun.session_id
    return None if session == SHARED else session


def _answer(ended: InvocationFinished) -> Answer | None:
    """What came of it; None where the caller left before the end."""
    came = ended.result if ended.error is None else ended.error
    return Answer.of(came, ended.duration) if isinstance(came, (Result, AgentBridgeError)) else None
