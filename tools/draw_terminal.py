"""Draws what a command prints on a terminal as docs/demo.svg, the picture of the README: python tools/draw_terminal.py

The picture needs nothing beside it: it names no font that is fetched.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "demo.svg"
WIDTH = 104  # columns


def printed(*command: str) -> str:
    """What a command prints where it believes to be on a terminal with colours."""
    ours, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH)}
    child = subprocess.Popen(command, stdout=its, stderr=subprocess.DEVNULL, env=environment)  # noqa: S603 (ours)
    os.close(its)
    said = b""
    try:
        while piece := os.read(ours, 65536):
            said += piece
    except OSError:  # the terminal is gone when the command ends
        pass
    child.wait()
    return said.decode().replace("\r\n", "\n")


def drawn(text: str, title: str) -> str:
    """A terminal with this text as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    for line in text.splitlines():
        console.print(Text.from_ansi(line), soft_wrap=True)
    svg = console.export_svg(title=title)
    svg = re.sub(r"@font-face \{.*?\n    \}\n", "", svg, flags=re.DOTALL)
    return svg.replace("Fira Code, monospace", "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace").replace(
        "    <!-- Generated with Rich https://www.textualize.io -->\n", ""
    )


if __name__ == "__main__":
    PICTURE.write_text(drawn(printed(sys.executable, "-m", "agentbridge", "demo"), "make demo"))
