"""A text as words and numbers, without what only looks different: case, blanks, punctuation, markdown, digits' dress."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import attrs

NUMBER_HERE = ""
"""Stands among the words where a number was; no word is spelt like this."""

_TOKEN = re.compile(
    r"[^\W\d_]+|(?:(?:(?<![\w.,)\]])[-\u2212](?=[$€£¥]?\.?\d))?(?:[$€£¥](?=\d))?(?:(?<![\w.])\.)?\d+(?:[.,'\u2019]\d+)*)|[^\s\w]"
)
_ITEM = re.compile(r"^[ \t]*(\d{1,3})[.)][ \t]+", re.MULTILINE)
_GROUPED = re.compile(r"\d{1,3}(?:[,'\u2019]\d{3})+(?:\.\d+)?")
_GROUPED_BY_DOTS = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")
_DECIMAL = re.compile(r"\d*[.,]\d+")
_MEANT = "%"
_MARKS = "`^|~>*_#"
_SELECTORS = range(0xFE00, 0xFE10)  # choose between two looks of one character


@attrs.frozen
class Words:
    """What a text says: its words in order, an empty one where a number stands, and the numbers in order, each in one spelling."""

    words: tuple[str, ...]
    numbers: tuple[str, ...]

    @property
    def tokens(self) -> list[str]:
        """Words and numbers in order."""
        numbers = iter(self.numbers)
        return [next(numbers) if word == NUMBER_HERE else word for word in self.words]


@functools.lru_cache(maxsize=8)  # an old answer is compared twice: with the new one, and with itself asked again
def words_of(text: str) -> Words:
    """A text as words and numbers.

    NFKC, without case, blanks, punctuation, markdown's marks and the numbers of a list that counts from 1. Signs
    that mean something stay: `%`, currencies, arithmetic, emoji. A text of nothing but punctuation is one word.
    """
    plain = unicodedata.normalize("NFKC", _without_counting(text)).casefold()
    words: list[str] = []
    numbers: list[str] = []
    for token in _TOKEN.findall(plain):
        if token[-1].isdecimal():
            words += [*_currency(token), NUMBER_HERE]
            numbers.append(number(token))
        elif len(token) > 1 or _says_something(token):
            words.append(token)
    return Words(tuple(words), tuple(numbers)) if words else Words(tuple(plain.split()), ())


def number(spelling: str) -> str:
    """One spelling for all of one number: `1,234.50`, `1'234.5` and `1.234,5` are `1234.5`.

    Zeros before a whole number stay: `007` is more than a number. A single dot or comma before three digits is read as English does: `1.234` is below two, `1,234` above a thousand.
    What is no number, a date or a version, stays as it is.
    """
    if spelling.isdecimal():
        return spelling
    sign = "-" if spelling[0] in "-\u2212" else ""
    digits = spelling.lstrip("-\u2212$€£¥")
    if _GROUPED.fullmatch(digits):
        digits = re.sub(r"[,'\u2019]", "", digits)
    elif _GROUPED_BY_DOTS.fullmatch(digits):
        digits = digits.replace(".", "").replace(",", ".")
    elif _DECIMAL.fullmatch(digits):
        digits = digits.replace(",", ".")
    else:
        return sign + digits
    whole, dot, part = digits.partition(".")
    value = f"{whole.lstrip('0') or '0'}.{part.rstrip('0')}".rstrip(".") if dot else whole
    return value if value == "0" else sign + value


def similarity(old: Sequence[str], new: Sequence[str]) -> float:
    """How much two texts share, 0 to 1: Dice's coefficient of their words and of their neighbouring pairs of words.

    Twice what both have, by what each has; a word counts as often as it stands there. It looks at spelling, not at sense.
    """
    if old == new:
        return 1.0
    ours, theirs = _pieces(old), _pieces(new)
    both = ours.keys() & theirs.keys()
    shared = sum(map(min, map(ours.__getitem__, both), map(theirs.__getitem__, both)))
    every = 2 * (len(old) + len(new)) - bool(old) - bool(new)
    return 2 * shared / every


def _pieces(tokens: Sequence[str]) -> Counter[object]:
    pieces: Counter[object] = Counter(tokens)
    pieces.update(pairwise(tokens))
    return pieces


def _without_counting(text: str) -> str:
    """Without the numbers of a list; only one that counts 1, 2, ... is one, for "12. May" at a line's start is none."""
    counted = [int(item) for item in _ITEM.findall(text)]
    return _ITEM.sub("", text) if len(counted) > 1 and counted == list(range(1, len(counted) + 1)) else text


def _currency(token: str) -> str:
    return next((sign for sign in token[:2] if sign in "$€£¥"), "")


@functools.lru_cache(maxsize=4096)
def _says_something(character: str) -> bool:
    """Letters, marks of scripts that need them, signs of arithmetic and money, emoji; not punctuation or markdown."""
    if character in _MEANT:
        return True
    dressing = character in _MARKS or ord(character) in _SELECTORS
    return not dressing and unicodedata.category(character)[0] not in "PZC"
