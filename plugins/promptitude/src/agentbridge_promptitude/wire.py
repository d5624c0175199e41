"""What Promptitude takes and sends. Facts from its help pages, and inferences from them (INF).

S002: /flows. PG: /generate. PR: /rate. PC-new: /content as it is now, PC: as it was. PF: /content/folders. The stored copies of
the last three end in the middle. No error sample and no real answer is public: the envelope is documented field by
field, how it fails is not.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel

from agentbridge.reading import Lenient, Reply, said, whole, words

FLOW_IN_URL = re.compile(r"/flows/([^/?#]+)")
"""The flow's id in a copied endpoint URL, `.../v1/flows/:flowId/generate` (S002)."""

KEY_IN_BODY = "apiKey"
"""The deprecated place of the key (PA): never sent, since a body is evidence that errors carry."""

NO_ERROR = frozenset({"", "false", "0"})
"""Spellings of `error` that mean there is none. It is documented as a boolean (S002); as text it is INF."""

SUCCESS_MESSAGE = "OK"
"""`message` "if everything went well" (S002): no text for an error."""


class Results(Reply):
    """`results` of /flows (S002) and /generate (PG). On an error it may be absent, null or empty (undocumented)."""

    result: Any = None  # "string | array" (S002); string, array or JSON on /generate (PG)
    logId: Lenient[str] = None

    @property
    def proven(self) -> bool:
        """Whether there is a generated output. An empty list or object is none; a blank string is the flow's own."""
        return self.result not in (None, {}, [])


class Envelope(Reply):
    """`{code, message, error, results}`, the answer of every endpoint (S002, PG, PR, PF; of /content: INF)."""

    code: Any = None  # "200 if everything went OK, otherwise the HTTP response code"; as text: INF
    message: Any = None
    error: Any = None
    results: Any = None  # each endpoint has its own

    @property
    def number(self) -> int | None:
        """The code as a number; None where it is absent or none."""
        return whole(self.code)

    @property
    def code_text(self) -> str | None:
        """The code as the caller sees it on an error."""
        return said(self.code) or None if self.number is None else str(self.number)

    @property
    def is_error_code(self) -> bool:
        """Whether the code alone says that the call failed."""
        return self.number is not None and not 200 <= self.number <= 299

    @property
    def is_flagged(self) -> bool:
        """Whether `error` says that the call failed: true, "true", 1 and all else that is not nothing."""
        return self.error.strip().lower() not in NO_ERROR if isinstance(self.error, str) else bool(self.error)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the envelope is there, so that this is somebody else's JSON."""
        return self.code is None and self.message is None and self.error is None

    @property
    def complaint(self) -> str:
        """The error text: `message` is "the detailed error message" (S002); text in `error` is INF."""
        message = said(self.message)
        if message and message != SUCCESS_MESSAGE:
            return message
        return "" if said(self.error).lower() in {*NO_ERROR, "true", "1"} else said(self.error)


class AskedPrompt(BaseModel):
    """`prompt` of a request to /generate. The values of the inputs are any JSON here (PG: a "hash")."""

    promptId: str
    inputs: dict[str, Any] | None = None


class Generate(BaseModel):
    """Body of /generate. Its `endUserId` is the `userId` of /flows (PG)."""

    prompt: AskedPrompt
    endUserId: str | None = None


class Stars(BaseModel):
    """The stars that are given: 1, 2 or 3; 0 removes a rating (PR)."""

    rating: int


class RateBody(BaseModel):
    """Body of /logs/{logId}/rate (PR)."""

    rating: Stars


class RatedLog(Reply):
    """`results.promptsLogs`: "the logId and rating from the request are simply repeated" (PR). The proof of a success."""

    id: str
    rating: int


class RateResults(Reply):
    """`results` of /rate (PR)."""

    promptsLogs: RatedLog


class ContentFromUrl(BaseModel):
    """Body of /content by the URL of a file (PC). `folder` is mandatory in PC-new, and was optional in PC."""

    fileUrl: str
    name: str
    folder: str
    tags: str | None = None  # "tag1,tag2"


class ContentFromGitHub(BaseModel):
    """Body of /content by a download URL of GitHub (PC, "Adding from Pull Request"); `folder` as above."""

    externalId: str
    downloadUrl: str
    name: str
    folder: str
    size: int | None = None  # in bytes
    tags: str | None = None


class Folder(Reply):
    """An entry of `results.folders` (PF's sample)."""

    id: str
    name: Lenient[str] = None
    contentsCount: Lenient[int] = None
    type: Lenient[Annotated[str, words("manual")]] = None  # "manual" in the sample; no other value is known
    description: Lenient[str] = None


class FoldersResults(Reply):
    """`results` of /content/folders (PF). The list is the proof, the sample's count of 2 stands beside one entry."""

    foldersCount: Lenient[int] = None
    folders: list[Lenient[Folder]]


class ContentsResults(Reply):
    """`results` of /content/folders/{folderId}/contents (PF). What an entry looks like is in no stored copy."""

    contentsCount: Lenient[int] = None
    contents: list[Any]
