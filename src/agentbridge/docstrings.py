"""What a docstring tells of the fields of its class."""

from __future__ import annotations

import inspect
import re

_SECTION = re.compile(r"^(?:Attributes|Args):\n((?:\n| .*\n?)*)", re.MULTILINE)
_ENTRY = re.compile(r"^ {4}(\w[\w, ]*): (.*(?:\n {8}.*)*)", re.MULTILINE)


def told(kind: type) -> dict[str, str]:
    """The text of each name under "Attributes:" or "Args:"."""
    found = _SECTION.search(inspect.cleandoc(kind.__doc__ or ""))
    entries = _ENTRY.findall(found[1]) if found else []
    return {name.strip(): " ".join(text.split()) for names, text in entries for name in names.split(",")}
