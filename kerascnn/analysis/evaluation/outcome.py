"""The outcomes of a paired comparison."""

from typing import Literal

#: Of the second one: ``negligible`` is a real difference, smaller than the margin.
Outcome = Literal["better", "worse", "equivalent", "negligible", "inconclusive"]
