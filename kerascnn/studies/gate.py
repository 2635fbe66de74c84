"""``--fail-if``: a limit on a study's figures or verdicts, for continuous integration."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, get_args

from kerascnn.analysis.evaluation.outcome import Outcome
from kerascnn.foundation.errors import UsageError

if TYPE_CHECKING:
    from kerascnn.analysis.evaluation.significance import PairedDifference
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
#: What an outcome can be of: the second head of each pair, or each head's int8 file against its float model.
VERDICTS: dict[str, Callable[["Study"], "dict[str, PairedDifference]"]] = {
    "float": lambda study: {f"{each.b.name} against {each.a.name}": each.floating for each in study.verdicts},
    "int8": lambda study: {f"{each.b.name} against {each.a.name}": each.int8 for each in study.verdicts},
    "quantization": lambda study: {head.name: head.quantization for head in study.heads},
}
EXACT = 9  # decimals of a figure: less is rounding of its arithmetic
_FORM = re.compile(r"\s*(\w+)\s*(>=|<=|>|<)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*")
_OUTCOME = re.compile(r"\s*(\w+)\s+is\s+(\w+)\s*")


class Gate(Protocol):
    """A condition under which a study is not good enough."""

    def failures(self, study: "Study") -> list[str]:
        """Return in words where it holds."""


def gate(text: str) -> Gate:
    """Read ``int8_drop > 0.5`` or ``quantization is worse``.

    Raises:
        UsageError: It is no such condition.
    """
    found = _FORM.fullmatch(text)
    if found and found[1] in FIGURES:
        return FigureGate(found[1], found[2], float(found[3]))
    found = _OUTCOME.fullmatch(text)
    if found and found[1] in VERDICTS and found[2] in get_args(Outcome):
        return OutcomeGate(found[1], found[2])
    raise UsageError(
        f"fail_if must be FIGURE > NUMBER (or >=, <, <=), FIGURE one of {', '.join(FIGURES)}; or VERDICT is "
        f"OUTCOME, VERDICT one of {', '.join(VERDICTS)}, OUTCOME one of {', '.join(get_args(Outcome))}. "
        f"Received: fail_if={text!r}"
    )


@dataclass(frozen=True)
class FigureGate:
    """A limit on a figure: it holds if it holds for any head."""

    figure: str
    sign: str
    limit: float

    def failures(self, study: "Study") -> list[str]:
        """Return of each head for which the condition holds its figure in words; one unknown never holds."""
        figures = {head.name: FIGURES[self.figure](head) for head in study.heads}
        # 100 times the share is 57.99999999999999 where 58 of 100 are right; adding 0 makes 0 of -0.
        known = {head: round(value, EXACT) + 0.0 for head, value in figures.items() if value is not None}
        return [
            f"{head}: {self.figure} is {value:,.10g}, {self.sign} {self.limit:,.10g}"
            for head, value in known.items()
            if OPERATORS[self.sign](value, self.limit)
        ]


@dataclass(frozen=True)
class OutcomeGate:
    """An outcome that no verdict may have."""

    verdict: str
    outcome: str

    def failures(self, study: "Study") -> list[str]:
        """Return in words which verdicts have that outcome."""
        found = VERDICTS[self.verdict](study)
        return [
            f"{name}: {self.verdict} is {self.outcome}"
            for name, each in found.items()
            if each.outcome == self.outcome
        ]
