"""What Flowise keeps of a run that is over. Sources as in `wire`."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from agentbridge.reading import Lenient, Reply, words

from .wire import ROLES
from .wire_nodes import State

Role = Annotated[str, words(*ROLES.values())]


class StoredExecution(Reply):
    """The record of a run of an Agentflow V2 (S: database/entities/Execution.ts; T: recover_2_running).

    `executionData` is JSON text. There is no `chatId` in it, and `action` is always null, also of a paused run.
    """

    known: ClassVar = frozenset(
        {"agentflowId", "agentflow", "action", "isPublic", "updatedDate", "stoppedDate", "workspaceId"}
    )  # recorded

    id: Lenient[str] = None
    state: State
    executionData: Lenient[str] = None
    sessionId: Lenient[str] = None
    createdDate: Lenient[str] = None


class StoredExecutions(Reply):
    """The answer of GET /api/v1/executions, last updated first (S: services/executions; T: recover_2_running)."""

    known: ClassVar = frozenset({"total"})

    data: list[StoredExecution]


class StoredMessage(Reply):
    """One entry of GET /api/v1/chatmessage/{flow}, written when a run ends (T: recover_4_messages).

    The message of a pause has its `action`; once it is resumed, `action` is null (T: af_human).
    """

    known: ClassVar = frozenset(
        {"chatflowid", "chatType", "memoryType", "createdDate", "artifacts", "fileUploads", "fileAnnotations"}
        | {"followUpPrompts", "leadEmail", "reasonContent", "feedback"}
    )  # S: database/entities/ChatMessage.ts, and recorded

    role: Role
    content: Lenient[str] = None
    id: Lenient[str] = None
    chatId: Lenient[str] = None
    sessionId: Lenient[str] = None
    executionId: Lenient[str] = None
    action: Any = None
    usedTools: Any = None
    sourceDocuments: Any = None
    agentReasoning: Any = None
    execution: Lenient[StoredExecution] = None


MESSAGES_PATH = "/api/v1/chatmessage"
EXECUTIONS_PATH = "/api/v1/executions"
"""Where runs are kept; both need a key of the workspace, the second one with `executions:view`."""

STORED_JSON = "```json\n"
"""What stands before the object of an output parser in a stored message, with no fence after it (T: cf_json)."""
