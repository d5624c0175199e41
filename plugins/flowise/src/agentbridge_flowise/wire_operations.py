"""What Flowise's other endpoints take and send: the second half of `wire`, with the same kinds of sources (S, T).

R: recorded from a real 3.1.4 for these operations (cassettes/flowise/operations).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, StrictBool

from agentbridge import FaultKind
from agentbridge.reading import Lenient, Reply, words

PING, PONG = ("ping",), "pong"
"""The page of this path is the word `pong`, as text/html (T: ep_ping)."""

VERSION = ("version",)
VERIFY, VERIFIED = ("verify", "apikey"), "OK"
"""The key stands in the path, and the answer is a JSON text (S: routes/verify; T: ep_verify_key)."""

UNKNOWN_KEY = "Unauthorized"
"""Of a key in the path of chatflows, as text/html (S: controllers/chatflows; R: key-flows-refused-key)."""

FLOWS, KEY_FLOWS = ("chatflows",), ("chatflows", "apikey")
STREAMING, UPLOADS = ("chatflows-streaming",), ("chatflows-uploads",)
MESSAGES, ABORT, EXECUTIONS = ("chatmessage",), ("chatmessage", "abort"), ("executions",)
FEEDBACK, LEADS = ("feedback",), ("leads",)
ATTACHMENTS, UPSERT = ("attachments",), ("vector", "upsert")
"""Where the endpoints stand, below /api/v1 (S: routes/index.ts, utils/constants.ts)."""

_UPLOAD = r"Error: (?:attachmentService\.createAttachment|vectorsService\.upsertVector) - "
_UPSERT = r"Error: vectorsService\.upsertVector - "

SENTENCES = (
    (
        # S: services/chatflows, utils/getUploadsConfig.ts, utils/createAttachment.ts, utils/upsertVector.ts; R: *-unknown-flow
        re.compile(
            r"Error: (?:chatflowsService\.checkIfChatflowIsValidFor(?:Streaming|Uploads)"
            r"|attachmentService\.createAttachment|vectorsService\.upsertVector) - Chatflow .* not found",
            re.DOTALL,
        ),
        FaultKind.NOT_FOUND,
    ),
    # a key without flows (S: services/chatflows; R: key-flows-none)
    (
        re.compile(r"Error: chatflowsService\.getChatflowByApiKey - Chatflow not found in the database!"),
        FaultKind.NOT_FOUND,
    ),
    # S: services/executions; R: execution-unknown
    (
        re.compile(r"Error: executionsService\.getExecutionById - Execution .* not found", re.DOTALL),
        FaultKind.NOT_FOUND,
    ),
    # the flow is bound to another key (S: utils/upsertVector.ts; R: upsert-other-key)
    (re.compile(_UPSERT + "Unauthorized"), FaultKind.AUTHENTICATION),
    # cloud only (S: utils/quotaUsage.ts; source only)
    (re.compile(_UPLOAD + "Storage limit exceeded"), FaultKind.QUOTA_EXCEEDED),
    # S: utils/createAttachment.ts throws all of these as a 400 (R: attach-*)
    (
        re.compile(
            _UPLOAD + r"(?:Invalid chatflowId format - must be a valid UUID|Invalid path characters detected"
            r"|File upload is not enabled for this chatflow|File type '.*' is not allowed\. Allowed types: .*"
            r"|MIME type mismatch: .*)",
            re.DOTALL,
        ),
        FaultKind.INVALID_REQUEST,
    ),
    # S: utils/upsertVector.ts (R: upsert-no-store; the others: source only)
    (
        re.compile(
            _UPSERT + r"(?:No vector node found|Multiple vector store nodes with fileUpload enabled"
            r"|There are multiple vector nodes, please provide stopNodeId in body request)"
        ),
        FaultKind.INVALID_REQUEST,
    ),
    # any other cause of an upsert, which may have written a part
    (re.compile(_UPSERT + ".*", re.DOTALL), FaultKind.EXECUTION),
)
"""What a 500 of these endpoints means, by its fixed sentence, matched whole; the first that matches counts."""


class Version(Reply):
    """Answer of version (T: ep_version)."""

    version: str


class Streaming(Reply):
    """Answer of chatflows-streaming (S: services/chatflows; T: ep_streaming_agentflow)."""

    isStreaming: StrictBool


class SizeAndTypes(Reply):
    """What kinds of files are taken, and how large in megabytes (S: utils/getUploadsConfig.ts)."""

    fileTypes: Lenient[list[Lenient[str]]] = None  # a blank stands at the end of the list of images
    maxUploadSize: Lenient[float] = None


class Uploads(Reply):
    """Answer of chatflows-uploads (S: utils/getUploadsConfig.ts; T: ep_uploads)."""

    isImageUploadAllowed: StrictBool
    isSpeechToTextEnabled: Lenient[StrictBool] = None
    isRAGFileUploadAllowed: Lenient[StrictBool] = None
    imgUploadSizeAndTypes: Lenient[list[Lenient[SizeAndTypes]]] = None
    fileUploadSizeAndTypes: Lenient[list[Lenient[SizeAndTypes]]] = None


class PageQuery(BaseModel):
    """One page; without both of them chatflows answer whole (S: services/chatflows; R)."""

    page: str | None = None
    limit: str | None = None


class FlowsQuery(PageQuery):
    """The query of chatflows. A type that the server does not know is ignored (S: services/chatflows; R)."""

    type: str | None = None


class KeyFlowsQuery(BaseModel):
    """The query of chatflows/apikey: given with any value, flows without a key are left out (S: services/chatflows)."""

    keyonly: str | None = None


class StoredFlow(Reply):
    """A flow (S: database/entities/ChatFlow.ts; T: ep_chatflow_get). `flowData` is its drawing, as JSON text."""

    known: ClassVar = frozenset(
        {"analytic", "apiConfig", "chatbotConfig", "followUpPrompts", "mcpServerConfig", "speechToText", "textToSpeech"}
        | {"webhookSecretConfigured", "workspaceId"}
    )  # recorded

    id: str
    name: str
    type: Lenient[Annotated[str, words("CHATFLOW", "AGENTFLOW", "MULTIAGENT", "ASSISTANT")]] = None  # S
    flowData: Lenient[str] = None
    deployed: Lenient[bool] = None
    isPublic: Lenient[bool] = None
    apikeyid: Lenient[str] = None
    category: Lenient[str] = None
    createdDate: Lenient[dt.datetime] = None
    updatedDate: Lenient[dt.datetime] = None


class FlowPage(Reply):
    """Answer of chatflows where page and limit are given; a list of flows otherwise (S: services/chatflows)."""

    data: list[Any]
    total: Lenient[int] = None
