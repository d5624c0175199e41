"""Answers made fit to be shown: escaped, without what a page must not hold, with their differing words marked."""

from __future__ import annotations

import difflib
import html
import re
from collections.abc import Sequence

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]|\r")
_STEERING = re.compile("[\u202a-\u202e\u2066-\u2069]")
_WORD = re.compile(r"\s+|[^\s]+")
_MOST_WORDS = 3000  # of both together; more are shown without marks


def clean(text: str) -> str:
    """The text with a replacement character for each one that neither HTML nor XML may hold, and for those that turn the
    direction of what follows.
    """
    return _STEERING.sub("\ufffd", _UNFIT.sub("\ufffd", text.replace("\r\n", "\n")))


def escaped(text: object) -> str:
    """The text for HTML, between tags or inside of a quoted attribute."""
    return html.escape(clean(str(text)), quote=True)


def marked(old: str, new: str) -> tuple[str, str]:
    """Both texts as HTML, the words of the first that the second has not in `<del>`, those that it has instead in `<ins>`."""
    ours, theirs = _WORD.findall(clean(old)), _WORD.findall(clean(new))
    if len(ours) + len(theirs) > 2 * _MOST_WORDS:
        return escaped(old), escaped(new)
    left: list[str] = []
    right: list[str] = []
    for kind, i, j, k, m in difflib.SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        left.append(_words(ours[i:j], "" if kind == "equal" else "del"))
        right.append(_words(theirs[k:m], "" if kind == "equal" else "ins"))
    return "".join(left), "".join(right)


def _words(words: Sequence[str], mark: str) -> str:
    text = html.escape("".join(words), quote=True)
    return f"<{mark}>{text}</{mark}>" if mark and text else text
