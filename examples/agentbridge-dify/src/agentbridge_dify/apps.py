"""What an agent id means at Dify.

The key names the app ("The key is scoped to that one app": guides/get-started.mdx), so an agent id cannot: each app is
a connection of its own. What is left for the agent id is how the app is run.

- `dify` (chat apps): `chat`, or `agent` for apps that only stream, or the id of a published version of a Chatflow;
- `dify-workflow`: `published`, or the id of a published version of the workflow.
"""

from collections.abc import Mapping
from typing import Any

from agentbridge import UnsupportedFeatureError

CHAT, AGENT, PUBLISHED = "chat", "agent", "published"


def chat_version(agent: str) -> str | None:
    """The version of a Chatflow that an agent id asks for."""
    return None if agent in (CHAT, AGENT) else agent


def workflow_version(agent: str) -> str | None:
    """The version of a workflow that an agent id asks for."""
    return None if agent == PUBLISHED else agent


def response_mode(agent: str, options: Mapping[str, Any], streaming: bool) -> str:
    """How the answer comes. "Agent and New Agent apps stream only": guides/streaming.mdx."""
    if streaming or agent == AGENT:
        return "streaming"
    mode = options.get("response_mode", "blocking")
    if mode not in ("blocking", "streaming"):
        raise UnsupportedFeatureError("options", f'response_mode is {mode!r}; give "blocking" or "streaming"')
    return str(mode)
