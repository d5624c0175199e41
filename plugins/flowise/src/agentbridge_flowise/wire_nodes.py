"""What Flowise tells of the nodes of a run, and of a run that is paused. Sources as in `wire`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from agentbridge.reading import Lenient, Reply, words


class UsageMetadata(Reply):
    """Tokens of one LLM node (T: af_llm)."""

    known: ClassVar = frozenset({"input_token_details", "output_token_details", "tool_call_tokens"})  # recorded

    input_tokens: Lenient[int] = None
    output_tokens: Lenient[int] = None
    total_tokens: Lenient[int] = None


class TimeMetadata(Reply):
    """Milliseconds of one LLM node (T: af_llm)."""

    known: ClassVar = frozenset({"start", "end"})

    delta: Lenient[float] = None


class ResponseMetadata(Reply):
    """What the model behind a node said of itself (T: af_llm)."""

    known: ClassVar = None  # each maker of models has its own (recorded)

    model_name: Lenient[str] = None


STATES = ("INPROGRESS", "FINISHED", "ERROR", "TERMINATED", "TIMEOUT", "STOPPED")  # S: Interface.ts:23
State = Annotated[str, words(*STATES)]
"""The state of a run, or of a node."""


class NodeOutput(Reply):
    """`data.output` of an executed node of Agentflow V2."""

    known: ClassVar = (
        None  # a structured output stands here under the names of the flow's author (recorded: af_structured)
    )

    usedTools: Any = None
    sourceDocuments: Any = None
    usageMetadata: Lenient[UsageMetadata] = None
    timeMetadata: Lenient[TimeMetadata] = None
    responseMetadata: Lenient[ResponseMetadata] = None


class NodeData(Reply):
    """`data` of an executed node."""

    known: ClassVar = frozenset({"id", "name", "input", "state", "chatHistory"})  # the last one recorded

    output: Lenient[NodeOutput] = None
    error: Any = None


class ExecutedNode(Reply):
    """One entry of `agentFlowExecutedData`; the last one decides (S: buildAgentflow.ts:2243)."""

    known: ClassVar = frozenset({"nodeId", "previousNodeIds"})

    nodeLabel: Lenient[str] = None
    status: Lenient[State] = None
    data: Lenient[NodeData] = None


ENDED_STATES = frozenset({"FINISHED", "STOPPED"})  # S: Interface.ts:23; T: recover_3_done, af_human
FAILED_STATES = frozenset({"ERROR", "TERMINATED", "TIMEOUT"})  # S: Interface.ts:23; in a 200: an inference


BUTTONS = tuple(f"{flow}{word}-button" for flow in ("agentflowv2-", "") for word in ("approve", "reject"))
"""V2 (T: af_human_1_pause), and V1 (S: buildAgentGraph.ts:347-358)."""


class ActionElement(Reply):
    """A button of a paused run (T: af_human_1_pause)."""

    type: Lenient[Annotated[str, words(*BUTTONS)]] = None
    label: Lenient[str] = None


class ActionData(Reply):
    """Where a paused run goes on (T: af_human_1_pause)."""

    known: ClassVar = frozenset({"nodeLabel", "input"})  # recorded

    nodeId: Lenient[str] = None


class ActionMapping(Reply):
    """The labels of the buttons; V1 names the tools that wait beside them (S: buildAgentGraph.ts:347-358)."""

    approve: Lenient[str] = None
    reject: Lenient[str] = None
    toolCalls: Lenient[list[Any]] = None


class Action(Reply):
    """What a paused run waits for (T: af_human_1_pause; V1: S: buildAgentGraph.ts:347-358)."""

    known: ClassVar = frozenset({"id"})

    mapping: Lenient[ActionMapping] = None

    elements: Lenient[list[Lenient[ActionElement]]] = None
    data: Lenient[ActionData] = None


DECISIONS = frozenset({"proceed", "reject"})
"""What a resume may say (S: buildAgentflow.ts; T: af_human_2_proceed). Any other word is taken for a no."""
