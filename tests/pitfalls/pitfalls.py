"""All pitfalls that are handled, by number."""

from __future__ import annotations

import of_answers
import of_callers
import of_ledgers
import of_the_wire
from pitfall import Pitfall

ALL: dict[int, Pitfall] = {
    pitfall.number: pitfall for part in (of_answers, of_the_wire, of_callers, of_ledgers) for pitfall in part.PITFALLS
}
