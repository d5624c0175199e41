"""Old against new: pairs of answers, what is different in each, and how sure the figures over all of them are.

`words` and `structure` look at texts and JSON, `differences` at one answer beside another, `groups`, `distributions` and
`slices` add up, `statistics` says how sure it is, `comparison` does all of it in one pass.
"""

from .comparison import Comparison, Example, compare
from .differences import BAD, CATEGORIES, Category, Difference, Judge, difference
from .distributions import Distribution
from .slices import Compared, Slice
from .statistics import Estimate, Excess, Mean, needed

__all__ = [
    "BAD", "CATEGORIES", "Category", "Compared", "Comparison", "Difference", "Distribution", "Estimate", "Example", "Excess",
    "Judge", "Mean", "Slice", "compare", "difference", "needed",
]  # fmt: skip
