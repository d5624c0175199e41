"""Runs and batches on the wire, beside what `wire` has of them. Sources as there."""

from __future__ import annotations

from typing import Annotated, Any

from agentbridge.reading import Lenient, Reply, words

from .wire import STATES

WEBHOOK_PATH = "/flux/api-v2-webhook"
"""Starts a flow and answers with an acknowledgement only (help page; vendor docs "External API endpoints")."""

BATCHES_PATH = "/flux/batch-process"
"""Below it `{id}/status` and `{ids}/download` (vendor docs "External API endpoints", which has no samples)."""


class ExecutionStatus(Reply):
    """A run that is asked for, always flat (vendor docs "Async flow execution").

    `status`: pending, in_progress, completed or error. The type of `output` is undocumented.
    """

    executionId: str
    status: Annotated[str, words(*STATES)]
    flowId: Lenient[str] = None
    createdAt: Lenient[str] = None
    startedAt: Lenient[str] = None
    finishedAt: Lenient[str] = None
    output: Any = None
    errorMessage: Lenient[str] = None
    tokensUsed: Lenient[int] = None
    totalCost: Lenient[float] = None
    durationMs: Lenient[float] = None


class BatchStatusBody(Reply):
    """A batch: "Return `status`, `errorMessage`, `lastProcessedLine`, and `totalRows`" (vendor docs, as above).

    The words of `status` are documented in prose only: "already in progress, completed", "`status: error`".
    """

    status: Annotated[str, words(*STATES)]
    errorMessage: Lenient[str] = None
    lastProcessedLine: Lenient[int] = None
    totalRows: Lenient[int] = None


class DownloadBody(Reply):
    """A batch's results: "return `downloadLink`" (vendor docs, as above)."""

    downloadLink: str


def content(body: dict[str, Any], proof: str) -> dict[str, Any]:
    """What stands in an envelope's `data`, where a body without samples turns out to have one (inference)."""
    data = body.get("data")
    return data if proof not in body and isinstance(data, dict) and proof in data else body
