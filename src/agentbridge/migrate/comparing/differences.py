"""One answer beside another: what is different, and which kind of difference that is. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import attrs

from ..samples import Answer, Pair
from .structure import Changes, changes, json_in
from .words import Words, similarity, words_of

OutcomeClass: TypeAlias = Literal["answered", "failed", "waiting", "none"]
Category: TypeAlias = Literal[
    "failed", "empty", "outcome_changed", "structure_changed", "wrong_number", "reworded",
    "same", "newly_answered", "both_failed", "not_comparable",
]  # fmt: skip
Judge: TypeAlias = Callable[[Pair], "float | bool"]

CATEGORIES: Mapping[Category, str] = {
    "failed": "the old vendor answered, this one failed",
    "empty": "a completed answer with nothing in it",
    "outcome_changed": "one answered, the other asks for input",
    "structure_changed": "JSON lost or gained keys, or types changed",
    "wrong_number": "the same words with another number",
    "reworded": "other words",
    "same": "equal but for case, blanks, punctuation, markdown and the spelling of numbers",
    "newly_answered": "the old vendor failed, this one answered",
    "both_failed": "both failed",
    "not_comparable": "there is no old answer, neither production's nor one of today",
}
"""Every category and what it is. A pair is in one of them."""

BAD: tuple[Category, ...] = (
    "failed", "empty", "outcome_changed", "structure_changed", "wrong_number", "reworded",
)  # fmt: skip
"""Those that are shown as differences, worst first."""


@attrs.frozen(kw_only=True)
class Difference:
    """A new answer beside an old one.

    `exact`: the same characters. `same_words`: the same but for case, blanks, punctuation, markdown and numbers.
    `same_numbers`: the same numbers, however they are written, and in the same order where the words are the same.
    `similarity` is 0 to 1. `drift` is what became of a JSON structure. The three ratios are new by old; None where one of the two is not known or is zero.
    """

    category: Category
    old: OutcomeClass
    new: OutcomeClass
    exact: bool = False
    same_words: bool = False
    same_numbers: bool = False
    similarity: float | None = None
    drift: Changes = attrs.field(factory=Changes)
    length_ratio: float | None = None
    latency_ratio: float | None = None
    credits_ratio: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """This difference as plain JSON values."""
        return attrs.asdict(self)


def old_of(pair: Pair) -> Answer | None:
    """The answer that the others are measured by: production's, else the old vendor's of today."""
    return pair.sample.answer if pair.sample.answer is not None else pair.baseline


def again_of(pair: Pair) -> Answer | None:
    """The old vendor's second answer, which tells the noise; None where there are not two of them."""
    return pair.baseline if pair.sample.answer is not None else None


def difference(old: Answer | None, new: Answer) -> Difference:
    """What is different in `new`. `old` is None where nothing is known of it."""
    if old is None:
        return Difference(category="not_comparable", old="none", new=outcome_class(new))
    classes = (outcome_class(old), outcome_class(new))
    settled = _by_outcome(old, new, *classes)
    return attrs.evolve(
        _by_words(old, new) if settled is None else Difference(category=settled, old=classes[0], new=classes[1]),
        old=classes[0],
        new=classes[1],
        latency_ratio=_ratio(new.elapsed, old.elapsed) if old.ok and new.ok else None,
        credits_ratio=_ratio(new.credits, old.credits),
    )


def outcome_class(answer: Answer) -> OutcomeClass:
    """Whether the agent answered, waits for input, or failed."""
    return {"completed": "answered", "waiting_for_input": "waiting"}.get(answer.outcome, "failed")  # type: ignore[return-value]


def is_empty(answer: Answer) -> bool:
    """A completed answer that says nothing, in its text or its output."""
    if answer.outcome != "completed":
        return False
    output = answer.result.output if answer.result is not None else None
    return not answer.text.strip() and (output in (None, [], {}) or (isinstance(output, str) and not output.strip()))


def said(answer: Answer) -> str:
    """What an answer says: its text; where that is empty, its output; what a paused run asks."""
    interrupt = answer.result.interrupt if answer.result is not None else None
    if answer.text.strip() or answer.result is None:
        return answer.text
    if interrupt is not None:
        return interrupt.question
    output = answer.result.output
    return output if isinstance(output, str) else "" if output is None else _canonical(output)


def _by_outcome(old: Answer, new: Answer, was: OutcomeClass, became: OutcomeClass) -> Category | None:
    if became == "failed":
        return "both_failed" if was == "failed" else "failed"
    if is_empty(new) and not is_empty(old):
        return "empty"
    if was == "failed":
        return "newly_answered"
    return "outcome_changed" if was != became else None


def _by_words(old: Answer, new: Answer) -> Difference:
    before, after = _structures(old, new)
    changed = changes(before, after) if before is not None else Changes()
    ours, theirs = (said(old), said(new)) if before is None or changed else (_canonical(before), _canonical(after))
    found = _SAME if ours == theirs else _other_words(words_of(ours), words_of(theirs))
    if changed:
        found = attrs.evolve(found, category="structure_changed", exact=False, drift=changed)
    return attrs.evolve(found, length_ratio=_ratio(len(theirs), len(ours)))


_SAME = Difference(
    category="same", old="answered", new="answered", exact=True, same_words=True, same_numbers=True, similarity=1.0
)


def _other_words(old: Words, new: Words) -> Difference:
    same_words = old.words == new.words
    same_numbers = old.numbers == new.numbers if same_words else sorted(old.numbers) == sorted(new.numbers)
    return Difference(
        category="reworded" if not same_words else "same" if same_numbers else "wrong_number",
        old="answered",
        new="answered",
        same_words=same_words,
        same_numbers=same_numbers,
        similarity=similarity(old.tokens, new.tokens),
    )


def _structures(old: Answer, new: Answer) -> tuple[Any, Any]:
    """The JSON of both: of their texts where the old text is JSON, else of their outputs where both are structures.

    An output is the vendor's own, so that a structure on one side alone is an envelope and says nothing.
    """
    in_text = json_in(old.text)
    if in_text is not None:
        found = json_in(new.text)
        return in_text, new.text if found is None else found
    outputs = [answer.result.output if answer.result is not None else None for answer in (old, new)]
    return tuple(outputs) if all(isinstance(output, (dict, list)) for output in outputs) else (None, None)  # type: ignore[return-value]


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1)


def _ratio(new: float | None, old: float | None) -> float | None:
    return new / old if new and old and new > 0 and old > 0 else None
