"""``--fail-if``: a limit on a study's figures, for continuous integration."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kerascnn.foundation.errors import UsageError

if TYPE_CHECKING:
    from kerascnn.studies.results.study import HeadResult, Study

Figure = Callable[["HeadResult"], float | None]

#: What a limit can be on: of each head, accuracies in percent, drops in points.
FIGURES: dict[str, Figure] = {
    "accuracy": lambda head: 100 * head.accuracy.mean,
    "int8_accuracy": lambda head: 100 * head.int8.mean,
    "int8_drop": lambda head: -head.quantization.points,
    "agreement": lambda head: 100 * head.agreement,
    "parameters": lambda head: head.parameters,
    "bytes": lambda head: head.bytes,
    "latency_us": lambda head: head.latency.median,
    "streamed_bytes": lambda head: head.edgetpu.streamed_bytes,
}
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
EXACT = 9  # decimals of a figure: less is rounding of its arithmetic
_FORM = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")


@dataclass(frozen=True)
class Gate:
    """One condition under which a study is not good enough: it holds if it holds for any head."""

    figure: str
    sign: str
    limit: float

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``int8_drop > 0.5``.

        Raises:
            UsageError: It is no such condition.
        """
        found = _FORM.fullmatch(text)
        if not found or found[1] not in FIGURES:
            raise UsageError(
                f"fail_if must be FIGURE > NUMBER (or >=, <, <=), FIGURE one of {', '.join(FIGURES)}. "
                f"Received: fail_if={text!r}"
            )
        return cls(found[1], found[2], float(found[3]))

    def failures(self, study: "Study") -> list[str]:
        """Return of each head for which the condition holds its figure in words; one unknown never holds."""
        figures = {head.head: FIGURES[self.figure](head) for head in study.heads}
        # 100 times the share is 57.99999999999999 where 58 of 100 are right; adding 0 makes 0 of -0.
        known = {head: round(value, EXACT) + 0.0 for head, value in figures.items() if value is not None}
        return [
            f"{head}: {self.figure} is {value:,.10g}, {self.sign} {self.limit:,.10g}"
            for head, value in known.items()
            if OPERATORS[self.sign](value, self.limit)
        ]
