"""Record the Flowise cassettes from a real server: python cassettes/record_flowise.py INFO.json

INFO.json says where the server is: {"base_url", "api_key", "flows": {name: id}}, as `tests/live/flowise_server/up.sh`
writes it. Hosts, keys and flow ids of that
server are replaced by fixed ones, so that a new recording differs only where Flowise does.
"""

from __future__ import annotations

import datetime
import json
import sys
import urllib.request
from pathlib import Path
from typing import Any
from unittest import mock

import vcr
import yaml

from agentbridge import AgentBridgeError, Bridge, Connection, File, Message, RetryPolicy
from agentbridge.testing import vcr_config

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests" / "cassettes"))
from calls import FLOWISE, fresh_id  # noqa: E402


def main(info_path: str) -> None:
    """Record every call of FLOWISE."""
    info = json.loads(Path(info_path).read_text())
    with urllib.request.urlopen(info["base_url"] + "/api/v1/version") as answer:  # noqa: S310 (the caller's own server)
        version = json.load(answer)["version"]
    for name, call in FLOWISE.items():
        path = HERE / "flowise" / f"{name}.yaml"
        path.unlink(missing_ok=True)
        _record(path, name, dict(call), info)
        _finish(path, info, version)
        print(path.name)


def _record(path: Path, name: str, call: dict[str, Any], info: dict[str, Any]) -> None:
    key = "a-wrong-key" if call.pop("wrong_key", False) else info["api_key"]
    flow = call.pop("flow")
    bridge = Bridge(
        {}, connections={"flowise": Connection("flowise", info["base_url"], key)}, retry=RetryPolicy(attempts=1)
    )
    config = {**vcr_config(key), "record_mode": "once"}
    minted = mock.patch("agentbridge.planning.uuid4", return_value=fresh_id(name))
    with bridge, minted, vcr.VCR(**config).use_cassette(str(path)):
        try:
            bridge.invoke(f"flowise:{info['flows'].get(flow, flow)}", call.pop("text"), **_fields(call))
        except AgentBridgeError as error:
            print(f"  {type(error).__name__}: {error}")


def _fields(call: dict[str, Any]) -> dict[str, Any]:
    if "messages" in call:
        call["messages"] = [Message(role, text) for role, text in call["messages"]]
    if "files" in call:
        call["files"] = [File(name, content) for name, content in call["files"]]
    return call


def _finish(path: Path, info: dict[str, Any], version: str) -> None:
    text = path.read_text().replace(info["base_url"], "http://flowise.test")
    text = text.replace(info["base_url"].partition("//")[2], "flowise.test")
    for name, flow in info["flows"].items():
        text = text.replace(flow, fresh_id(f"flow {name}"))
    for secret in (info["api_key"], info.get("other_api_key", info["api_key"])):
        if secret in text:
            raise SystemExit(f"{path}: the key is in the recording")
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    about = {"provenance": "recorded", "source": f"flowise {version} from npm, {today}, by cassettes/record_flowise.py"}
    path.write_text(yaml.safe_dump(about, sort_keys=False) + text)


if __name__ == "__main__":
    main(sys.argv[1])
