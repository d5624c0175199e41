"""Record the Flowise cassettes from a real server: python cassettes/record_flowise.py INFO.json [calls | operations]

INFO.json says where the server is: {"base_url", "api_key", "other_api_key", "flows": {name: id}}, as
`tests/live/flowise_server/up.sh` writes it. Hosts, keys and ids of that server are replaced by fixed ones, so that a new
recording differs only where Flowise does. For the operations two small flows are made, and deleted again; the server has
to be one for tests.
"""

from __future__ import annotations

import datetime
import json
import sys
import time
import urllib.request
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import vcr
import yaml

from agentbridge import AgentBridgeError, Bridge, Connection, File, Message, RetryPolicy
from agentbridge.testing import vcr_config

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "cassettes"))
import flowise_operations as operations  # noqa: E402
from calls import FLOWISE, fresh_id  # noqa: E402


def main(info_path: str, what: str = "") -> None:
    """Record every call of FLOWISE and every operation, or only one of the two."""
    info = json.loads(Path(info_path).read_text())
    version = _asked(info, "GET", "/version")["version"]
    if what in ("", "calls"):
        _record_calls(info, version)
    if what in ("", "operations"):
        _record_operations(info, version)


def _record_calls(info: dict[str, Any], version: str) -> None:
    fixed = {flow: fresh_id(f"flow {name}") for name, flow in info["flows"].items()}
    for name, call in FLOWISE.items():
        path = HERE / "flowise" / f"{name}.yaml"
        path.unlink(missing_ok=True)
        _record(path, name, dict(call), info)
        _finish(path, info, version, fixed)
        print(path.name)


def _record(path: Path, name: str, call: dict[str, Any], info: dict[str, Any]) -> None:
    key = "a-wrong-key" if call.pop("wrong_key", False) else info["api_key"]
    flow = call.pop("flow")
    config = {**vcr_config(key), "record_mode": "once"}
    minted = mock.patch("agentbridge.planning.runs.uuid4", return_value=fresh_id(name))
    with _bridge(info, key) as bridge, minted, vcr.VCR(**config).use_cassette(str(path)):
        try:
            bridge.invoke(f"flowise:{info['flows'].get(flow, flow)}", call.pop("text"), **_fields(call))
        except AgentBridgeError as error:
            print(f"  {type(error).__name__}: {error}")


def _record_operations(info: dict[str, Any], version: str) -> None:
    made = _made(info)
    ids = {**info["flows"], **made}
    fixed = {real: operations.IDS[name] for name, real in ids.items() if name in operations.IDS}
    late = operations.AFTERWARDS
    for name in [name for name in operations.CALLS if name not in late]:
        _record_operation(name, ids, info, version, fixed)
    for flow in (operations.SMALL, operations.BOUND):
        _asked(info, "DELETE", f"/chatflows/{made[flow]}")
    for name in late:
        _record_operation(name, ids, info, version, fixed)


def _record_operation(
    name: str, ids: Mapping[str, str], info: dict[str, Any], version: str, fixed: Mapping[str, str]
) -> None:
    path = HERE / "flowise" / "operations" / f"{name}.yaml"
    path.unlink(missing_ok=True)
    keys = {"no": None, "refused": "a-wrong-key", "other": info["other_api_key"]}
    key = keys[operations.KEYS[name]] if name in operations.KEYS else info["api_key"]
    config = {**vcr_config(*([key] if key else [])), "record_mode": "once"}
    boundary = mock.patch("agentbridge.body.uuid.uuid4", return_value=uuid.UUID(fresh_id(f"flowise/{name}")))
    with _bridge(info, key) as bridge, boundary, vcr.VCR(**config).use_cassette(str(path)):
        try:
            bridge.call(operations.CALLS[name](ids))
        except AgentBridgeError as error:
            print(f"  {type(error).__name__}: {error}")
    _finish(path, info, version, fixed)
    print(path.name)


def _made(info: dict[str, Any]) -> dict[str, str]:
    """Two flows, an answer of the one, and a rating of it; the other flow is bound to the other key."""
    keys = {key["apiKey"]: key["id"] for key in _asked(info, "GET", "/apikey")}
    flow = {"type": "AGENTFLOW", "flowData": json.dumps(_small_flow()), "deployed": False, "isPublic": False}
    bound = {**flow, "name": operations.BOUND, "apikeyid": keys[info["other_api_key"]]}
    made = {operations.BOUND: _asked(info, "POST", "/chatflows", bound)["id"]}
    time.sleep(1.1)  # the server's dates are whole seconds, and it sorts by them
    made[operations.SMALL] = _asked(info, "POST", "/chatflows", {**flow, "name": operations.SMALL})["id"]
    asked = {"question": "hello", "chatId": operations.CHAT}
    answer = _asked(info, "POST", f"/prediction/{made[operations.SMALL]}", asked)
    rating = {"messageId": answer["chatMessageId"], "rating": "THUMBS_DOWN", "content": "too short"}
    return {
        **made,
        "message": answer["chatMessageId"],
        "execution": answer["executionId"],
        "feedback": _asked(info, "POST", "/feedback", rating)["id"],
        "other key's id": keys[info["other_api_key"]],
    }


def _small_flow() -> dict[str, Any]:
    """A start and a reply, without the descriptions of all their settings, which take 50 KB."""
    inputs = {
        "startAgentflow": {"startInputType": "chatInput"},
        "directReplyAgentflow": {"directReplyMessage": "Hello from a small flow"},
    }
    nodes = [
        {"id": f"{name}_0", "type": "agentFlow", "position": {"x": 0, "y": 0}, "data": _node(name, said)}
        for name, said in inputs.items()
    ]
    source, target = (node["id"] for node in nodes)
    edge = {"id": "edge", "source": source, "target": target, "sourceHandle": f"{source}-output-startAgentflow"}
    return {"nodes": nodes, "edges": [{**edge, "targetHandle": target, "type": "agentFlow"}]}


def _node(name: str, inputs: dict[str, str]) -> dict[str, Any]:
    empty: dict[str, list[Any]] = {"inputParams": [], "inputAnchors": [], "outputAnchors": [], "baseClasses": []}
    return {"id": f"{name}_0", "name": name, "label": name, "category": "Agent Flows", "inputs": inputs, **empty}


def _asked(info: dict[str, Any], method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    headers = {"Authorization": f"Bearer {info['api_key']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{info['base_url']}/api/v1{path}", data, headers, method=method)  # noqa: S310 (the caller's own server)
    with urllib.request.urlopen(request) as answer:  # noqa: S310 (as above)
        return json.load(answer)


def _bridge(info: dict[str, Any], key: str | None) -> Bridge:
    connections = {"flowise": Connection("flowise", info["base_url"], key)}
    return Bridge({}, connections=connections, retry=RetryPolicy(attempts=1))


def _fields(call: dict[str, Any]) -> dict[str, Any]:
    if "messages" in call:
        call["messages"] = [Message(role, text) for role, text in call["messages"]]
    if "files" in call:
        call["files"] = [File(name, content) for name, content in call["files"]]
    return call


def _finish(path: Path, info: dict[str, Any], version: str, fixed: Mapping[str, str]) -> None:
    text = path.read_text().replace(info["base_url"], "http://flowise.test")
    text = text.replace(info["base_url"].partition("//")[2], "flowise.test")
    for real, instead in fixed.items():
        text = text.replace(real, instead)
    for secret in (info["api_key"], info.get("other_api_key", info["api_key"])):
        if secret in text:
            raise SystemExit(f"{path}: the key is in the recording")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    about = {"provenance": "recorded", "source": f"flowise {version} from npm, {today}, by cassettes/record_flowise.py"}
    path.write_text(yaml.safe_dump(about, sort_keys=False) + text)


if __name__ == "__main__":
    main(*sys.argv[1:])
