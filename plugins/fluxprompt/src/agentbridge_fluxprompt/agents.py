"""Agents and folders: find them, read and change their JSON. Source: vendor docs "Integrations API"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

import attrs

from agentbridge import Call, Fault, HttpRequest, HttpResponse, JsonValue, Operation
from agentbridge.provider import filled, filled_or_none

from . import replies, wire_agents as wire
from .checks import a, mapping, wrong
from .endpoint import request_to, said

_AGENT = {"help": "the agent's id, its flowId"}
_CONTENT = {"help": "the agent's JSON: nodes and edges"}
_NAME_CONTAINS = {"help": "only those with this in their name, in any case"}
_optional = attrs.validators.optional


@attrs.frozen
class Owner:
    """A space or a user that something belongs to."""

    id: str
    name: str | None = None


@attrs.frozen
class Agent:
    """An agent and the URLs to call it by. `space` is None for a personal one."""

    id: str
    name: str | None = None
    chatbot: bool | None = None
    webhook: bool | None = None
    space: Owner | None = None
    api_url: str | None = None
    webhook_url: str | None = None
    chatbot_socket_url: str | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class AgentJson:
    """An agent whole. `content` has its `nodes` and `edges`, as UpdateAgent takes them."""

    id: str
    content: Mapping[str, JsonValue]
    name: str | None = None
    type: str | None = None
    space_id: str | None = None
    folder_id: str | None = None
    documentation: str | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen
class Folder:
    """A folder for agents. `space` is None for a private one, `parent_id` on the top level."""

    id: str
    name: str | None = None
    parent_id: str | None = None
    space: Owner | None = None
    user: Owner | None = None
    warnings: tuple[str, ...] = ()


@attrs.frozen(kw_only=True)
class ListAgents(Operation[tuple[Agent, ...]]):
    """List the agents that the key can see.

    `GET /integrations/agents`; vendor docs "List agents".
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "list-agents"
    idempotent: ClassVar[bool] = True

    name_contains: str | None = attrs.field(default=None, validator=filled_or_none, metadata=_NAME_CONTAINS)

    def build_request(self, call: Call) -> HttpRequest:
        """All agents, where nothing is set."""
        return request_to(wire.AGENTS_PATH, call, query=said(self, wire.NAME_QUERY))

    def read(self, response: HttpResponse) -> tuple[Agent, ...] | Fault:
        """The agents."""
        return replies.read(response, _agents)


@attrs.frozen(kw_only=True)
class GetAgent(Operation[AgentJson]):
    """Get an agent whole: its nodes and edges.

    `GET /integrations/agents/{id}`; vendor docs "Get an agent's full JSON".
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "get-agent"
    idempotent: ClassVar[bool] = True

    agent_id: str = attrs.field(validator=filled, metadata=_AGENT)

    def build_request(self, call: Call) -> HttpRequest:
        """By its id."""
        return request_to(_path(self.agent_id), call)

    def read(self, response: HttpResponse) -> AgentJson | Fault:
        """The agent."""
        return replies.read(response, _agent_json)


@attrs.frozen(kw_only=True)
class CreateAgent(Operation[str]):
    """Create an agent and get its id.

    `POST /integrations/agents`; vendor docs "Create an agent". It needs a folder: by its id, or by a name that is found or made. Without a space it is private.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "create-agent"

    agent_name: str = attrs.field(validator=filled, metadata={"help": "the name that people see"})
    type: str = attrs.field(
        validator=filled, metadata={"help": "agent for one answer to inputs, chat for conversations"}
    )
    folder_id: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "the folder, as ListFolders gives it"}
    )
    folder_name: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "a folder's name, made where there is none"}
    )
    space_id: str | None = attrs.field(
        default=None, validator=filled_or_none, metadata={"help": "the space of the folder; without it, private"}
    )
    content: Mapping[str, JsonValue] | None = attrs.field(
        default=None, converter=mapping, validator=_optional(a(dict)), metadata=_CONTENT
    )

    def __attrs_post_init__(self) -> None:
        if (self.folder_id is None) == (self.folder_name is None):
            raise wrong(self, "folder_id", "or folder_name must be given, and not both: the id would win in silence")

    def build_request(self, call: Call) -> HttpRequest:
        """Only what is set: a `null` space is not the same as none (vendor docs)."""
        return request_to(wire.AGENTS_PATH, call, "POST", json=said(self, wire.NEW_AGENT))

    def read(self, response: HttpResponse) -> str | Fault:
        """The id of the new agent."""
        return replies.read(response, lambda body: wire.AgentCreated.parse(body)[0].flowId)


@attrs.frozen(kw_only=True)
class UpdateAgent(Operation[AgentJson]):
    """Rename an agent, or replace its content whole.

    `PATCH /integrations/agents/{id}`; vendor docs "Update an agent". Every node and edge that `content` does not have is deleted: get the agent first, change that, send it back.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "update-agent"

    agent_id: str = attrs.field(validator=filled, metadata=_AGENT)
    agent_name: str | None = attrs.field(default=None, validator=filled_or_none, metadata={"help": "its new name"})
    content: Mapping[str, JsonValue] | None = attrs.field(
        default=None, converter=mapping, validator=_optional(a(dict)), metadata=_CONTENT
    )

    def __attrs_post_init__(self) -> None:
        if self.agent_name is None and self.content is None:
            raise wrong(self, "agent_name", "or content must be given: there is nothing to change")

    def build_request(self, call: Call) -> HttpRequest:
        """Only what is to change."""
        return request_to(_path(self.agent_id), call, "PATCH", json=said(self, wire.AGENT_CHANGE))

    def read(self, response: HttpResponse) -> AgentJson | Fault:
        """The agent as it is now."""
        return replies.read(response, _agent_json)


@attrs.frozen(kw_only=True)
class GetAgentDocumentation(Operation[str]):
    """Read an agent's documentation, which is markdown.

    `GET /integrations/agents/{id}/documentation`; vendor docs "Companion documentation": of the fifteen endpoints there, production answers this one only.
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "get-agent-documentation"
    idempotent: ClassVar[bool] = True

    agent_id: str = attrs.field(validator=filled, metadata=_AGENT)

    def build_request(self, call: Call) -> HttpRequest:
        """By the agent's id."""
        return request_to(f"{_path(self.agent_id)}/documentation", call)

    def read(self, response: HttpResponse) -> str | Fault:
        """The markdown. A refusal is JSON like any other (inference)."""
        if response.ok and response.content_type == wire.MARKDOWN:
            return response.text
        return replies.read(response, _no_markdown)


@attrs.frozen(kw_only=True)
class ListFolders(Operation[tuple[Folder, ...]]):
    """List the folders that the key can write to.

    `GET /integrations/folders`; vendor docs "List folders".
    """

    provider: ClassVar[str] = "fluxprompt"
    name: ClassVar[str] = "list-folders"
    idempotent: ClassVar[bool] = True

    name_contains: str | None = attrs.field(default=None, validator=filled_or_none, metadata=_NAME_CONTAINS)

    def build_request(self, call: Call) -> HttpRequest:
        """All folders, where nothing is set."""
        return request_to(wire.FOLDERS_PATH, call, query=said(self, wire.NAME_QUERY))

    def read(self, response: HttpResponse) -> tuple[Folder, ...] | Fault:
        """The folders."""
        return replies.read(response, _folders)


def _path(agent_id: str) -> str:
    return f"{wire.AGENTS_PATH}/{quote(agent_id, safe='')}"


def _agents(body: dict[str, Any]) -> tuple[Agent, ...]:
    reply, warnings = wire.AgentsReply.parse(body)
    return tuple(_agent(agent, warnings) for agent in reply.agents)


def _agent(body: wire.AgentBody, warnings: tuple[str, ...]) -> Agent:
    urls = body.endpoints or wire.EndpointsBody()
    return Agent(
        id=body.id,
        name=body.name,
        chatbot=body.isChatbot,
        webhook=body.isWebhook,
        space=_owner(body.space),
        api_url=urls.api,
        webhook_url=urls.webhook,
        chatbot_socket_url=urls.chatbotSocket,
        warnings=warnings,
    )


def _agent_json(body: dict[str, Any]) -> AgentJson:
    reply, warnings = wire.AgentJsonBody.parse(body)
    return AgentJson(
        id=reply.id,
        content=reply.content,
        name=reply.name,
        type=reply.type,
        space_id=reply.spaceId,
        folder_id=reply.folderId,
        documentation=reply.documentation,
        warnings=warnings,
    )


def _folders(body: dict[str, Any]) -> tuple[Folder, ...]:
    reply, warnings = wire.FoldersReply.parse(body)
    return tuple(
        Folder(folder.id, folder.name, folder.parentId, _owner(folder.space), _owner(folder.user), warnings)
        for folder in reply.folders
    )


def _owner(body: wire.Named | None) -> Owner | None:
    return None if body is None else Owner(body.id, body.name)


def _no_markdown(_: dict[str, Any]) -> str:
    raise ValueError("the answer is no markdown")
