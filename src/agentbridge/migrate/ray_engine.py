"""The same replay on a Ray cluster: Ray Data spreads the conversations, one actor keeps the ledger and the limits.

A worker asks the actor before each send, as a thread does in one process. Ray runs a conversation again whose worker
died; what that worker had claimed is then of unknown outcome, and not sent again. Needs the extra `ray`.
"""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from ..amounts import count
from ..bridge import Bridge
from ..config import load
from ..connection import Connection
from ..directory import ConfigSource
from ..errors import AgentBridgeError, ConfigurationError
from ..model import Invocation
from ..pacing import Limits
from .canonical import connections_of, retarget
from .keeping import LedgerKeeper, RemoteKeeper, SharedLimits, ask
from .ledger import CANDIDATE, Ledger
from .parquet import export_parquet
from .replaying import INTERRUPTED, Caller, Summary, check
from .sessions import Treatment, checked
from .spending import Budget

_STORE = 128 * 1024 * 1024  # bytes of a local cluster's object store: only numbers pass through it
_KEEPING = 16  # threads of the actor
_LONGEST, _ROUNDS = 16, 4  # conversations in a block; blocks for each call at a time, so that none idles at the end


def replay_on_ray(
    ledger: str | os.PathLike[str],
    config: ConfigSource,
    to: str,
    *,
    arm: str = CANDIDATE,
    sessions: Treatment = "mapped",
    concurrency: int = 16,
    budget: Budget | None = None,
    stop_after: int = 10,
    allow_side_effects: bool = False,
    address: str | None = None,
    workers: int = 2,
    results: str | os.PathLike[str] | None = None,
) -> Summary:
    """Do what `replay` does, by a Ray Data job: `concurrency` calls at a time, shared by so many `workers`.

    `ledger` is a path on the machine of this process, which is a node of the cluster. Each worker opens `config` as
    this process does: a path is one on its machine, keys come from its environment. `address` is that of the cluster,
    $RAY_ADDRESS by default; without both a local one runs as long as the job. Limits of a connection hold for all
    workers together. `results` is a Parquet file, see `export_parquet`; it is written also where the job stopped early.

    Raises:
        ConfigurationError: what `replay` raises; Ray is not there, or the job failed in the cluster. The ledger holds
            what was done: run it again.
    """
    path = Path(ledger).absolute()
    treatment = checked(sessions)
    pool = _Pool(count("concurrency", concurrency), count("workers", workers))
    with Bridge(config) as bridge, Ledger(path) as book:
        targets = book.targets()
        check(bridge, to, targets, allow_side_effects=allow_side_effects)
        limits = {name: each.limits for name, each in bridge.connections.items() if each.limits is not None}
        pool = pool.within(limits, _reached(targets, to, bridge))
    with _cluster(address, pool.workers) as ray, _keeper(ray, path, arm, limits) as actor:
        leads = ask(actor, "begin", budget or Budget(), stop_after)
        try:
            _finishing_first(lambda: _work(ray, leads, pool, (actor, config, to, treatment, tuple(limits))), actor)
        finally:
            summary: Summary = ask(actor, "end")
    if results is not None:
        with Ledger(path) as book:
            export_parquet(book, results, arm)
    return summary


@attrs.frozen
class _Pool:
    """So many calls at a time, shared by workers of which each has one at least."""

    calls: int
    asked: int

    @property
    def workers(self) -> int:
        return min(self.asked, self.calls)

    @property
    def each(self) -> int:
        return self.calls // self.workers

    def within(self, limits: Mapping[str, Limits], connections: set[str]) -> _Pool:
        """No more than any of these connections may have in flight."""
        most = [each.in_flight for name, each in limits.items() if name in connections and each.in_flight]
        return attrs.evolve(self, calls=min([self.calls, *most]))

    def blocks(self, items: int) -> int:
        """In how many parts so many items are spread: small at the end, few where there is much."""
        return max(1, min(items, max(self.calls * _ROUNDS, math.ceil(items / _LONGEST))))


def _reached(targets: list[str], to: str, bridge: Bridge) -> set[str]:
    agents = bridge.agents
    said = [retarget(Invocation(target=target, text="-"), to, agents).target for target in targets]
    return {name for target in said for name in connections_of(target, agents)}


def _work(ray: Any, leads: list[int], pool: _Pool, given: tuple[Any, ...]) -> None:
    if not leads:
        return
    compute = ray.data.ActorPoolStrategy(
        size=pool.workers,
        max_concurrent_calls_per_actor=pool.each,
        max_tasks_in_flight_per_actor=pool.each,
        enable_true_multi_threading=True,
    )
    conversations = ray.data.from_items([{"lead": lead} for lead in leads], override_num_blocks=pool.blocks(len(leads)))
    conversations.map(Worker, fn_constructor_args=given, compute=compute, num_cpus=1).materialize()


class Worker:
    """Makes the calls of the conversations that Ray Data gives it, in several threads."""

    def __init__(
        self, actor: Any, config: ConfigSource, to: str, sessions: Treatment, limited: tuple[str, ...]
    ) -> None:
        configured = load(config).connections
        shared = {name: _sharing(configured[name], actor) for name in limited}
        bridge = Bridge(config, connections=shared)
        weakref.finalize(self, bridge.close)  # Ray tells nobody when it has no more for an actor
        self._keeper = RemoteKeeper(actor)
        self._caller = Caller(bridge, to, sessions, self._keeper)
        self._is_over = False

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        turns = None if self._is_over else self._keeper.turns(int(row["lead"]))
        if turns is None:
            self._is_over = True
        else:
            self._caller.converse(turns)
        return row


def _sharing(connection: Connection, actor: Any) -> Connection:
    given = attrs.asdict(connection.limits, recurse=False) if connection.limits else {}
    return attrs.evolve(connection, limits=SharedLimits(**given, actor=actor))


@contextmanager
def _keeper(ray: Any, path: Path, arm: str, limits: Mapping[str, Limits]) -> Iterator[Any]:
    """The actor, on this machine: there the ledger is. Nothing of it is done twice."""
    node = ray.get_runtime_context().get_node_id()
    here = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
    once = {"max_restarts": 0, "max_task_retries": 0}
    kept = ray.remote(num_cpus=0, max_concurrency=_KEEPING, scheduling_strategy=here, **once)(LedgerKeeper)
    actor = kept.remote(path, arm, limits)
    try:
        yield actor
    finally:
        ray.kill(actor)


@contextmanager
def _cluster(address: str | None, workers: int) -> Iterator[Any]:
    """Ray, connected: as it is already, or to this address, or a cluster of this process alone, which tells nobody."""
    if address is not None and address.startswith("ray://"):
        raise ConfigurationError(
            f"the ledger is kept where this process runs, and {address} is a cluster elsewhere. Start this on one of"
            " its nodes, with `ray job submit` for example"
        )
    ray = _ray()
    address = address or os.environ.get("RAY_ADDRESS") or "local"
    alone = {"num_cpus": max(workers, os.cpu_count() or 1), "object_store_memory": _STORE, "include_dashboard": False}
    started = not ray.is_initialized()
    if started:
        if address == "local":
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address, **({**alone, "_node_ip_address": "127.0.0.1"} if address == "local" else {}))
    try:
        yield ray
    except ray.exceptions.RayError as error:
        raise _ours(error) from None
    finally:
        if started:
            ray.shutdown()


def _ray() -> Any:
    try:
        import ray
        import ray.data
        import ray.util.scheduling_strategies
    except ImportError:
        raise ConfigurationError("Ray needs the extra 'ray': pip install 'agentbridge-core[ray]'") from None
    return ray


def _ours(error: BaseException) -> AgentBridgeError:
    """The error of ours that a worker raised, else what Ray says in one line."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AgentBridgeError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    line = next(iter(str(error).strip().splitlines()[-1:]), type(error).__name__)
    return ConfigurationError(
        f"the job failed in the Ray cluster: {line}. The ledger holds what was done: run it again"
    )


def _finishing_first(work: Callable[[], None], actor: Any) -> None:
    """Ctrl-C lets the calls under way end: they are paid for. A second one leaves them unknown."""
    done: Future[None] = Future()

    def run() -> None:
        try:
            work()
            done.set_result(None)
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="agentbridge-ray", daemon=True).start()
    try:
        done.result()
    except KeyboardInterrupt:
        ask(actor, "stop", INTERRUPTED)
        done.result()
