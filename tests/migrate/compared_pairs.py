"""Answers and pairs in few words, and a workload whose differences are known."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from agentbridge import Interrupt, Invocation, Result, Usage
from agentbridge.migrate import Answer, Pair, Sample

WORDS = "your parcel has left our house and the courier brings it to you on the day after tomorrow before noon".split()


def answer(
    text: str = "",
    *,
    output: Any = None,
    elapsed: float = 1.0,
    credits: float | None = None,  # noqa: A002 (as Usage says)
    by: str = "fluxprompt",
) -> Answer:
    result = Result(
        provider=by, connection=by, agent="a", text=text, output=text if output is None else output,
        usage=None if credits is None else Usage(credits=credits),
    )  # fmt: skip
    return Answer(outcome="completed", result=result, elapsed=elapsed)


def failed(message: str = "[flowgent] The flow stopped (HTTP 200, code 500)") -> Answer:
    return Answer(outcome="ExecutionError", message=message, elapsed=0.5)


def waiting(question: str) -> Answer:
    result = Result(text="", output=None, status="waiting_for_input", interrupt=Interrupt(question))
    return Answer(outcome="waiting_for_input", result=result, elapsed=1.0)


def pair(
    old: Answer | str | None,
    new: Answer | str,
    again: Answer | str | None = None,
    *,
    id: str = "s-1",  # noqa: A002 (as Sample says)
    session: str | None = None,
    target: str = "support@fluxprompt",
    **metadata: str,
) -> Pair:
    said = [answer(one) if isinstance(one, str) else one for one in (old, new, again)]
    sample = Sample(
        id=id, invocation=Invocation(target=target, text=f"Question of {id}", metadata=metadata), answer=said[0], session=session
    )  # fmt: skip
    assert said[1] is not None
    return Pair(sample=sample, candidate=said[1], baseline=said[2])


def workload(
    count: int, *, seed: int = 0, turns: int = 1, repeated: bool = True, failing: float = 0.0, wrong: float = 0.0,
    reworded: float = 0.0, noise: float = 0.0,
) -> Iterator[Pair]:  # fmt: skip
    """Pairs of which known shares differ in known ways; `noise` is the share that the old vendor words otherwise itself."""
    luck = random.Random(seed)
    for number in range(count):
        text = f"{' '.join(luck.choices(WORDS, k=40))}, {luck.randrange(10, 99)} days."
        kind = luck.random()
        seconds, again = luck.lognormvariate(0.4, 0.5), luck.lognormvariate(0.2, 0.5)
        if kind < failing:
            new = failed()
        elif kind < failing + wrong:
            new = answer(text.replace(" days", "1 days"), elapsed=seconds, credits=1, by="flowgent")
        elif kind < failing + wrong + reworded:
            new = answer(f"Hello! {text} Anything else?", elapsed=seconds, credits=1, by="flowgent")
        else:
            new = answer(text.upper(), elapsed=seconds, credits=1, by="flowgent")
        second = f"{text} Good bye." if luck.random() < noise else text
        yield pair(
            answer(text, elapsed=again, credits=2),
            new,
            answer(second, elapsed=again, credits=2) if repeated else None,
            id=f"s-{number}",
            session=f"c-{number // turns}" if turns > 1 else None,
            country=luck.choice(("DE", "FR")),
        )
