"""Writes every page, and every part of a page, that is generated from the code: python tools/write_docs.py

Not those that need a measurement or a live server: docs/performance.md and docs/live-flowise.md.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
WRITERS = (
    "tools/pages/commands.py",
    "tools/pages/configuration.py",
    "tools/pages/vendors.py",
    "tests/cassettes/table.py",
    "tests/vendors/endpoints.py",
    "tests/pitfalls/pitfall_page.py",
)
"""Each has PAGE, a path, and page(), what has to stand there."""


def writer(path: str) -> ModuleType:
    """The module at a path of this repository; it may import its neighbours by their names, as when it is run."""
    sys.path.insert(0, str((ROOT / path).parent))
    spec = importlib.util.spec_from_file_location(Path(path).stem + "_writer", ROOT / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Write what changed, and name it."""
    for path in WRITERS:
        made = writer(path)
        text = made.page()
        if text != made.PAGE.read_text() if made.PAGE.exists() else True:
            made.PAGE.write_text(text)
            print(f"wrote {made.PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
