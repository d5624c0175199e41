"""What a recorded run said: the reverse of `build_request`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from agentbridge import HttpRequest, Invocation

from . import wire

_RUN = re.compile(r"/flows/([^/?#]+)/generate/?$")


def invocation(request: HttpRequest) -> Invocation | None:
    """The call to a flow. Raises ValueError for one that an Invocation cannot say."""
    flow = _RUN.search(request.url)
    if request.method != "POST" or flow is None:
        return None
    body = request.json
    if not isinstance(body, Mapping) or not isinstance(body.get("flow"), Mapping):
        raise ValueError("its body is no object with a flow")
    inputs, user = body["flow"].get("inputs") or {}, body.get("userId")
    if not isinstance(inputs, Mapping):
        raise ValueError("its flow.inputs are no object")
    options = _options(body)
    return Invocation(
        target=f":{unquote(flow.group(1))}",
        inputs=inputs,
        user_id=None if user is None else str(user),
        options={"promptitude": options} if options else {},
    )


def _options(body: Mapping[str, Any]) -> dict[str, Any]:
    """What else stands there, without the key that may stand in a body, too."""
    of_flow = {name: value for name, value in body["flow"].items() if name != "inputs"}
    known = {"flow", "userId", wire.KEY_IN_BODY}
    rest = {name: value for name, value in body.items() if name not in known}
    return {**rest, **({"flow": of_flow} if of_flow else {})}
