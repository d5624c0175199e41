"""Agents, folders and their documentation on the wire. Source: vendor docs "Integrations API", by page."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from agentbridge.reading import Lenient, Reply, words

AGENTS_PATH = "/integrations/agents"
"""Lists and creates agents; below it `{id}` and `{id}/documentation` ("List agents", "External API endpoints")."""

FOLDERS_PATH = "/integrations/folders"
"""Lists folders ("List folders")."""

NAME_QUERY = {"name_contains": "name"}
"""Query of both lists; `search` is its deprecated alias ("List agents")."""

NEW_AGENT = {
    "agent_name": "name",
    "type": "type",
    "folder_id": "folderId",
    "folder_name": "folderName",
    "space_id": "spaceId",
    "content": "content",
}
"""Body of `POST /integrations/agents` ("Create an agent"). Here and below: our name and the vendor's."""

AGENT_CHANGE = {"agent_name": "name", "content": "content"}
"""Body of `PATCH /integrations/agents/{id}` ("Update an agent")."""

MARKDOWN = "text/markdown"
"""The type of a documentation's answer ("Companion documentation")."""


class Named(Reply):
    """A space or a user, by `id` and `name` ("List agents", "List folders")."""

    id: str
    name: Lenient[str] = None


class EndpointsBody(Reply):
    """The URLs of an agent; `chatbotSocket` is there for chatbots only ("List agents")."""

    api: Lenient[str] = None
    webhook: Lenient[str] = None
    chatbotSocket: Lenient[str] = None


class AgentBody(Reply):
    """An agent in a list ("List agents"). `space` is null for a personal one."""

    id: str
    name: Lenient[str] = None
    isChatbot: Lenient[bool] = None
    isWebhook: Lenient[bool] = None
    space: Lenient[Named] = None
    endpoints: Lenient[EndpointsBody] = None


class AgentsReply(Reply):
    """The list, without an envelope ("List agents")."""

    agents: list[AgentBody]


class AgentJsonBody(Reply):
    """An agent's full JSON ("Get an agent's full JSON"). `documentation` only in "External API endpoints"."""

    id: str
    content: dict[str, Any]
    name: Lenient[str] = None
    type: Lenient[Annotated[str, words("agent", "chat")]] = None
    spaceId: Lenient[str] = None
    folderId: Lenient[str] = None
    documentation: Lenient[str] = None


class AgentCreated(Reply):
    """Answer to a creation: `{"status": "success", "flowId": ...}` ("Create an agent")."""

    known: ClassVar = frozenset({"status"})

    flowId: str


class FolderBody(Reply):
    """A folder ("List folders"). `space` is null for a private one, `parentId` on the top level."""

    id: str
    name: Lenient[str] = None
    parentId: Lenient[str] = None
    space: Lenient[Named] = None
    user: Lenient[Named] = None


class FoldersReply(Reply):
    """The list, without an envelope ("List folders")."""

    folders: list[FolderBody]
