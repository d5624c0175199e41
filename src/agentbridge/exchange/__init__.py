"""One call as a generator, without I/O and without a clock: invoke, stream, submit, wait and poll, retries and deadlines."""

from .running import State, ask, follow, operate, run

__all__ = ["State", "ask", "follow", "operate", "run"]
