"""The result of a comparison: one row a head, one verdict a pair."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.results import Accuracy, Latency
from kerascnn.statistics import MARGIN, PairedDifference


@dataclass(frozen=True)
class SeedAccuracies:
    """Accuracy of the same network trained with several seeds, on the same test images.

    Attributes:
        correct: bool, shape (seeds, images).
    """

    correct: NDArray[np.bool_]

    @property
    def mean(self) -> float:
        """Over the seeds."""
        return float(self.correct.mean())

    @property
    def sd(self) -> float | None:
        """Standard deviation over the seeds, ``None`` for a single one."""
        return float(self.correct.mean(axis=1).std(ddof=1)) if len(self.correct) > 1 else None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % Wilson interval of the mean for the number of images: seeds do not multiply them."""
        images = self.correct.shape[1]
        return Accuracy(round(self.mean * images), images).interval

    def to_dict(self) -> dict[str, Any]:
        """Return mean, sd, low, high, n (images), seeds."""
        low, high = self.interval
        seeds, images = self.correct.shape
        return {"mean": self.mean, "sd": self.sd, "low": low, "high": high, "n": images, "seeds": seeds}


@dataclass(frozen=True)
class HeadResult:
    """One head of a study; sizes and times are those of the int8 file of the first seed."""

    head: str
    parameters: int
    multiply_adds: int | None
    accuracy: SeedAccuracies
    int8: SeedAccuracies
    bytes: int
    latency: Latency

    def to_dict(self) -> dict[str, Any]:
        """Return head, parameters, multiply_adds, accuracy, int8, bytes, latency_us."""
        return {
            "head": self.head,
            "parameters": self.parameters,
            "multiply_adds": self.multiply_adds,
            "accuracy": self.accuracy.to_dict(),
            "int8": self.int8.to_dict(),
            "bytes": self.bytes,
            "latency_us": self.latency.to_dict(),
        }


@dataclass(frozen=True)
class Verdict:
    """What the study shows about head b against head a, float accuracy."""

    a: HeadResult
    b: HeadResult
    difference: PairedDifference

    @property
    def sentence(self) -> str:
        """One sentence that is no stronger than its numbers."""
        found = self.difference
        costs = [
            _relative("parameters", self.a.parameters, self.b.parameters),
            _relative("multiply-adds", self.a.multiply_adds, self.b.multiply_adds),
        ]
        return (
            f"{self.b.head} against {self.a.head}: {', '.join(cost for cost in costs if cost)}, accuracy "
            f"{_signed(found.points)} points (95 % {_signed(found.low)} to {_signed(found.high)}): "
            f"{self._conclusion()}."
        )

    def _conclusion(self) -> str:
        seeds, images = self.a.accuracy.correct.shape
        basis = f"{images:,} test images, {seeds} seed{'s' if seeds > 1 else ''}"
        return {
            "better": f"{self.b.head} is better on this data ({basis})",
            "worse": f"{self.a.head} is better on this data ({basis})",
            "equal": f"equal within ±{MARGIN} points ({basis})",
            "undecided": f"{basis} do not decide which is better",
        }[self.difference.outcome]

    def to_dict(self) -> dict[str, Any]:
        """Return a, b, outcome, difference_points, low, high, p_value, p_values, sentence.

        ``p_value`` is McNemar's for a single seed; with several there is one for each in ``p_values``.
        """
        found = self.difference
        return {
            "a": self.a.head,
            "b": self.b.head,
            "outcome": found.outcome,
            "difference_points": found.points,
            "low": found.low,
            "high": found.high,
            "p_value": found.p_values[0] if len(found.p_values) == 1 else None,
            "p_values": list(found.p_values),
            "sentence": self.sentence,
        }


@dataclass(frozen=True)
class Study:
    """A finished comparison.

    Attributes:
        settings: What was asked for, resolved.
        environment: As in a run.
        reports: The files written.
    """

    path: Path
    settings: dict[str, Any]
    environment: dict[str, Any]
    heads: tuple[HeadResult, ...]
    verdicts: tuple[Verdict, ...]
    reports: tuple[Path, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return study, settings, heads, verdicts, reports, environment."""
        return {
            "study": str(self.path),
            "settings": self.settings,
            "heads": [head.to_dict() for head in self.heads],
            "verdicts": [verdict.to_dict() for verdict in self.verdicts],
            "reports": [str(report) for report in self.reports],
            "environment": self.environment,
        }


def _relative(what: str, a: int | None, b: int | None) -> str | None:
    if not a or b is None:
        return None
    change = 100 * (b - a) / a
    return f"{abs(change):.1f} % {'fewer' if change < 0 else 'more'} {what}" if change else f"as many {what}"


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "−")
