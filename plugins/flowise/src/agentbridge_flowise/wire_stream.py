"""What Flowise's stream sends, as far as no model reads it: the fourth part of `wire` (S, T as there)."""

from __future__ import annotations

EVENTS = frozenset(
    {"start", "calledTools", "fileAnnotations", "artifacts", "tool", "agentReasoning", "nextAgent", "agentFlowEvent"}
    | {"agentFlowExecutedData", "usageMetadata", "abort", "agent_trace", "executionEnd"}
    | {"tts_start", "tts_data", "tts_end", "tts_abort"}
)
"""Events that are handed on as they are, beside those that the decoder reads (S: utils/SSEStreamer.ts, handler.ts; T)."""

METADATA = frozenset(
    {"chatId", "chatMessageId", "question", "sessionId", "memoryType", "followUpPrompts", "flowVariables", "action"}
)
"""Fields of the event `metadata` (S: SSEStreamer.ts:289-320)."""

STEP = frozenset({"nodeId", "nodeLabel", "status", "error"})
"""Fields of the event `nextAgentFlow` (T: af_llm_stream)."""
