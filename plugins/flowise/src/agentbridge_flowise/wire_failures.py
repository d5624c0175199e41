"""What Flowise sends where it refuses, or where a run failed. Sources as in `wire`."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import AliasChoices, Field

from agentbridge.reading import Reply


class Failure(Reply):
    """The body of every JSON error, also where a proxy makes it a 200 (S: middlewares/errors/index.ts:7-23)."""

    known: ClassVar = frozenset({"success", "stack"})

    statusCode: int
    message: str = ""


class Refusal(Reply):
    """The other error bodies, from the gates in front of all paths but the public ones (S: index.ts:230-300).

    `error` for a key that is unknown, `message` for one that lacks a permission (T: otherkey).
    """

    error: str = Field(validation_alias=AliasChoices("error", "message"))


IN_THE_RUN = re.compile(r"Error: predictionsServices\.buildChatflow - .*", re.DOTALL)
"""Any cause inside a run is a 500 with this prefix, the place in the server's code that wraps it
(S: services/predictions/index.ts:12-17; T: af_throw, af_llm_fail400, abort_sleep)."""

MODEL_REFUSED = re.compile(
    r"401 Unauthorized \u2013 check your API key and ensure it has access to the requested model\."
)
"""The model behind the flow refused the flow's own key; the message is replaced whole, prefix included
(T: af_llm_fail401, cf_llmchain_fail401). Matched whole."""

UNAUTHORIZED = re.compile(r"Error: predictionsServices\.buildChatflow - Unauthorized")
"""A refused key is a 500: utilBuildChatflow throws 401, the service wraps it (S: services/predictions/index.ts:12-17;
T: key_none, key_bad). Matched whole."""

QUOTA = re.compile(r"Error: predictionsServices\.buildChatflow - Predictions limit exceeded")
"""Flowise Cloud (S: utils/quotaUsage.ts:138; source only). Matched whole."""

UNKNOWN_FLOW = re.compile(r"Error: chatflowsService\.getChatflowById - Chatflow \S+ not found in the database!")
"""Up to 2.2.8 an unknown flow is a 500 with this sentence. Matched whole."""

NO_SUCH_FLOW = re.compile(r"Error: chatMessagesService\.getAllChatMessages - Unauthorized access")
"""Messages of a flow that is not there, or of no id at all, whatever the key (T: unknown_flow). Matched whole."""
