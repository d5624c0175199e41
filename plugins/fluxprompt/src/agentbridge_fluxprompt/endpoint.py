"""Which flow is meant, and where: by its id, or by an endpoint URL copied from the agent's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from agentbridge import Call, HttpRequest, UnsupportedFeatureError

from . import wire


class Flow(NamedTuple):
    """A flow, and the version of it that a copied URL names."""

    id: str
    version: str | None = None


def root_of(base_url: str) -> str:
    """The server's address, also of a copied endpoint URL. Raises UnsupportedFeatureError for another endpoint's."""
    parts = _split(base_url, "base_url")
    path = parts.path.rstrip("/").removesuffix(wire.RUN_PATH)
    if path.endswith(f"{wire.RUN_PATH}-webhook"):
        raise UnsupportedFeatureError("base_url", f"a webhook never answers. Give the URL that ends in {wire.RUN_PATH}")
    return urlunsplit((parts.scheme, parts.netloc, path.rstrip("/"), "", ""))


def flow_of(call: Call) -> Flow:
    """The flow that the target names, else the one in the base URL; a version counts with its own flow only.

    Raises:
        UnsupportedFeatureError: neither names one, or a copied URL says what it must not.
    """
    configured = _named(_split(call.base_url, "base_url"), "base_url")
    agent = call.agent.strip()
    flow = _targeted(agent, call) if agent else configured
    if flow is None:
        raise UnsupportedFeatureError(
            "target", "neither it nor the base_url names a flow. Write 'connection:flow-id', the flowId of the endpoint"
        )
    return flow


def authorization(api_key: str | None) -> dict[str, str]:
    """The header of a key, raw. One page of the vendor docs has `x-api-key`; all others, and what works, `api-key`."""
    return {"api-key": api_key} if api_key else {}


def request_to(path: str, call: Call, method: str = "GET", **more: Any) -> HttpRequest:
    """A request to one of the vendor's other endpoints, with the key."""
    return HttpRequest(method, root_of(call.base_url) + path, auth=authorization(call.api_key), **more)


def said(value: object, names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a value that are set, by the vendor's names for them; for the rest the vendor has defaults."""
    fields = {theirs: getattr(value, ours) for ours, theirs in names.items()}
    return {name: field for name, field in fields.items() if field is not None}


def _targeted(agent: str, call: Call) -> Flow | None:
    if agent.lower().startswith(("http://", "https://")):
        return _copied(_split(agent, "target"), call)
    if "flowId=" in agent or wire.RUN_PATH in agent:
        raise UnsupportedFeatureError(
            "target", f"{agent.partition('?')[0]!r} is a part of a URL. Give the flow id alone, or the whole URL"
        )
    return Flow(agent)


def _copied(parts: SplitResult, call: Call) -> Flow:
    """The flow of a copied URL: only at the connection's own host, so that its key is never meant for another."""
    theirs, ours = _host(parts), _host(_split(call.base_url, "base_url"))
    if theirs != ours:
        raise UnsupportedFeatureError(
            "target",
            f"the copied URL is of {theirs!r}, the connection of {ours!r}, and its key must not travel elsewhere."
            f" Give the flow id alone, or use a connection whose base_url is at {theirs!r}",
        )
    flow = _named(parts, "target")
    if flow is None or not parts.path.rstrip("/").endswith(wire.RUN_PATH):
        raise UnsupportedFeatureError(
            "target", f"the copied URL is not that of an endpoint, which looks like {wire.RUN_PATH}?flowId=..."
        )
    return flow


_REMEDIES = {"sessionId": "pass session_id= with the call", "callback_url": "pass callback_url= with the call"}


def _named(parts: SplitResult, feature: str) -> Flow | None:
    """The flow that a URL's query names. What is said of one call must not hide in a URL that serves many."""
    found: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in {"flowId", "versionId"}:
            remedy = _REMEDIES.get(name, "only flowId and versionId are known there")
            raise UnsupportedFeatureError(feature, f"the copied URL has {name!r} in its query. Take it out; {remedy}")
        if found.setdefault(name, value) != value:
            raise UnsupportedFeatureError(feature, f"the copied URL has two values of {name!r}. Keep one")
    flow = found.get("flowId", "").strip()
    return Flow(flow, found.get("versionId") or None) if flow else None


def _split(url: str, feature: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise UnsupportedFeatureError(feature, "it is no URL. Copy it anew from the agent's settings") from None
    return parts


def _host(parts: SplitResult) -> str:
    port = "" if parts.port in {None, 80, 443} else f":{parts.port}"
    return f"{(parts.hostname or '').rstrip('.')}{port}"
