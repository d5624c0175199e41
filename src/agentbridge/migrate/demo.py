"""What `agentbridge migrate demo` does, step by step: a whole move between two emulated vendors, killed in the middle."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from ..bridge import Bridge
from ..emulator.playing import Scenario
from ..emulator.serving import Served
from .capture import Capture
from .demo_world import AGENTS, CONVERSATIONS, TURNS, World, order_of, questions
from .samples import lines_of, read_samples

CALLS = CONVERSATIONS * TURNS
OLD, NEW = "fluxprompt", "flowgent"
_SAME = "same"


class Demo:
    """The files of one run of the demo, and what happens to them."""

    def __init__(self, folder: Path, served: Served, world: World) -> None:
        self.folder = folder
        self.world = world
        self._served = served
        self._half = threading.Event()
        self._asked: Counter[int] = Counter()
        (folder / "agentbridge.toml").write_text(_config(served), "utf-8")
        served.emulators[OLD].says = world.old
        served.emulators[NEW].says = self._new

    def _new(self, asked: str) -> str | Scenario:
        self._asked[order_of(asked)] += 1
        if len(self._asked) >= CALLS // 2:
            self._half.set()
        return self.world.new(asked)

    def produce(self) -> int:
        """Production as it is today, with a Capture beside it; how many samples that gives."""
        config = self.folder / "agentbridge.toml"
        with Capture(self.folder / "samples.jsonl") as capture, Bridge(config, observers=[capture]) as bridge:
            for invocation in questions():
                bridge.invoke(invocation)
        return capture.written

    def command(self, *arguments: str) -> str:
        """Run `agentbridge ...` in the folder; what it prints."""
        done = subprocess.run(self._line(arguments), capture_output=True, text=True, cwd=self.folder, check=False)  # noqa: S603 (ours)
        return done.stdout + done.stderr

    def killed(self, *arguments: str) -> None:
        """The same, but with kill -9 when the new vendor was asked half of the questions."""
        child = subprocess.Popen(  # noqa: S603 (ours)
            self._line(arguments), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self.folder
        )
        self._half.wait(60)
        child.kill()
        child.wait()

    @staticmethod
    def _line(arguments: tuple[str, ...]) -> list[str]:
        return [sys.executable, "-m", "agentbridge", *arguments]

    def arrived(self, vendor: str) -> Counter[int]:
        """How often a vendor was asked about each order, by what arrived there."""
        bodies = (seen.body.decode() for seen in self._served.emulators[vendor].seen if seen.method == "POST")
        return Counter(map(order_of, bodies))

    def found(self) -> dict[int, str]:
        """What `migrate compare --differences` found, by order."""
        orders = {sample.id: order_of(sample.invocation.text) for sample in read_samples(self.folder / "samples.jsonl")}
        pairs = [json.loads(line) for _, line in lines_of(self.folder / "differences.jsonl")]
        return {orders[pair["id"]]: pair["category"] for pair in pairs if pair["category"] != _SAME}


def _config(served: Served) -> str:
    """The configuration that the commands of the demo take."""
    lines = []
    for name in (OLD, NEW):
        connection = served.connections[name]
        lines += [
            f"[connections.{name}]",
            f"base_url = {json.dumps(connection.base_url)}",
            f"api_key = {json.dumps(connection.api_key)}",
        ]
    for name, agent in AGENTS.items():
        lines += [f"[agents.{name}]", f"default = {json.dumps(agent['default'])}"]
        for connection, binding in agent["on"].items():
            lines += [
                f"[agents.{name}.on.{connection}]",
                *(f"{key} = {_toml(value)}" for key, value in binding.items()),
            ]
    return "\n".join([*lines, ""])


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + " }"
    return json.dumps(value)
