"""What the steps of a run report: their tools, documents and tokens.

By hand, but for the nodes of Agentflow V2: models of thousands of tools and documents would take as long as decoding the JSON
that they come in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from agentbridge import Source, ToolCall, Usage
from agentbridge.reading import compare, unreadable

from . import wire
from .fields import entries, optional_text, text_of

if TYPE_CHECKING:
    from .wire_nodes import ExecutedNode, NodeOutput

N = TypeVar("N", int, float)


class Told(NamedTuple):
    """What all steps of a run tell together. `last` is the last node of an Agentflow V2, which decides how it ended."""

    tool_calls: list[ToolCall]
    sources: list[Source]
    usage: Usage | None
    last: ExecutedNode | None
    warnings: list[str]


def read(answer: wire.Prediction) -> Told:
    """What stands in an answer, and a warning for each part of it that cannot be read.

    Tools and documents are told at the top (chatflow), in each step (V1) or in each node (V2).
    """
    if not wire.STEPS & answer.steps.keys():
        return Told([], [], None, None, [])
    warnings: list[str] = []
    nodes = _nodes(answer.steps.get("agentFlowExecutedData"), warnings)
    outputs = [node.data.output for node in nodes if node.data and node.data.output]
    steps = entries("agentReasoning", [answer.steps.get("agentReasoning")], warnings)
    _compare("Reasoning", steps, wire.REASONING)
    places = [answer.steps, *steps, *map(vars, outputs)]
    tools = entries("usedTools", [place.get("usedTools") for place in places], warnings)
    documents = entries("sourceDocuments", [place.get("sourceDocuments") for place in places], warnings)
    last = nodes[-1] if nodes else None
    return Told(tool_calls(tools, warnings), sources(documents, warnings), _usage(outputs), last, warnings)


def tool_calls(tools: list[dict[str, Any]], warnings: list[str]) -> list[ToolCall]:
    """The uses of tools; one failed where the vendor gives an error. A warning for each name that is none."""
    _compare("UsedTool", tools, wire.TOOL)
    return [_tool_call(tool, warnings) for tool in tools]


def sources(documents: list[dict[str, Any]], warnings: list[str]) -> list[Source]:
    """The documents that have a text; a warning for each other one."""
    _compare("SourceDocument", documents, wire.DOCUMENT)
    read = [_source(document, warnings) for document in documents]
    found = [source for source in read if source is not None]
    warnings += [unreadable("sourceDocuments")] * (len(read) - len(found))
    return found


def _compare(place: str, objects: list[dict[str, Any]], known: frozenset[str]) -> None:
    """Notice unknown fields. All objects are looked at together first, since as a rule there are none."""
    if not known.issuperset(chain.from_iterable(objects)):
        for each in objects:
            compare(place, each, known)


def _nodes(nodes: Any, warnings: list[str]) -> list[ExecutedNode]:
    if nodes in (None, []):
        return []
    from .wire_nodes import ExecutedNode  # of Agentflow V2 alone, and slow to make

    read = [ExecutedNode.parse(node) for node in entries("agentFlowExecutedData", [nodes], warnings)]
    warnings += [warning for _, noted in read for warning in noted]
    return [node for node, _ in read]


def _tool_call(tool: dict[str, Any], warnings: list[str]) -> ToolCall:
    name, error = tool.get("tool"), tool.get("error")
    if not isinstance(name, str):
        name = optional_text("tool", name, warnings) or ""
    return ToolCall(name, tool.get("toolInput"), tool.get("toolOutput"), None if error is None else _error(error))


def _error(error: Any) -> str | None:
    """An empty object is an error too: what JSON makes of one that JavaScript threw."""
    if error in ("", False):
        return None
    return error if isinstance(error, str) else json.dumps(error, ensure_ascii=False)


def _source(document: dict[str, Any], warnings: list[str]) -> Source | None:
    text, metadata = document.get("pageContent"), document.get("metadata")
    if not isinstance(text, str) and (text := text_of(text)) is None:
        return None
    if not isinstance(metadata, dict):
        warnings += [unreadable("metadata")] * (metadata is not None)
        return Source(text)
    where = metadata.get("source")
    title = where if isinstance(where, str) else None
    return Source(text, title, title if title and title.startswith(("http://", "https://")) else None, metadata)


def _usage(outputs: list[NodeOutput]) -> Usage | None:
    """Tokens and milliseconds summed over the nodes that report them; only Agentflow V2 does (T: af_llm)."""
    counted = [output.usageMetadata for output in outputs if output.usageMetadata]
    if not counted:
        return None
    models = [output.responseMetadata.model_name for output in outputs if output.responseMetadata]
    deltas = [output.timeMetadata.delta for output in outputs if output.timeMetadata]
    return Usage(
        input_tokens=_sum(usage.input_tokens for usage in counted),
        output_tokens=_sum(usage.output_tokens for usage in counted),
        total_tokens=_sum(usage.total_tokens for usage in counted),
        duration_ms=_sum(deltas),
        model=next((model for model in reversed(models) if model), None),
    )


def _sum(numbers: Iterable[N | None]) -> N | None:
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
