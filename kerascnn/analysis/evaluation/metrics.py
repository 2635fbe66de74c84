"""Accuracy, baseline and latency as shared records: accuracies are fractions, times microseconds."""

import math
from dataclasses import asdict, dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Z = NormalDist().inv_cdf(0.975)  # 1.96: 95 % of a normal distribution lie within so many deviations

NAMED = 10  # classes in one line


def percent(share: float) -> str:
    """Return a share of 1 as text: 0.991 is "99.10 %"."""
    return f"{100 * share:.2f} %"


def wilson(share: float, n: int) -> tuple[float, float]:
    """Return the 95 % score interval (Wilson, 1927) of a share, 0 to 1, of ``n`` images."""
    spread = Z**2 / n
    middle = (share + spread / 2) / (1 + spread)
    reach = Z / (1 + spread) * math.sqrt(share * (1 - share) / n + spread / (4 * n))
    # The ends are exact where all or none are right; the arithmetic leaves 1e-17.
    return 0.0 if share == 0 else middle - reach, 1.0 if share == 1 else middle + reach


@dataclass(frozen=True)
class Accuracy:
    """The accuracy on ``n`` test images with its 95 % Wilson interval."""

    correct: int
    n: int

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Accuracy":
        """Restore the record that ``to_dict`` returned."""
        return cls(round(stored["accuracy"] * stored["n"]), stored["n"])

    @property
    def accuracy(self) -> float:
        """The share of correct answers, 0 to 1."""
        return self.correct / self.n

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson score interval as fractions."""
        return wilson(self.accuracy, self.n)

    def to_dict(self) -> dict[str, Any]:
        """Return accuracy, low, high, n."""
        low, high = self.interval
        return {"accuracy": self.accuracy, "low": low, "high": high, "n": self.n}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{percent(self.accuracy)} (95 % interval {100 * low:.2f} to {100 * high:.2f}, n = {self.n:,})"


@dataclass(frozen=True)
class Baseline:
    """The accuracy without a model: of always answering the most frequent training class.

    Attributes:
        answer: That class.
        accuracy: Its share of the test images.
    """

    answer: str
    accuracy: float

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Baseline":
        """Restore the record that ``to_dict`` returned."""
        return cls(stored["answer"], stored["accuracy"])

    def to_dict(self) -> dict[str, Any]:
        """Return answer, accuracy."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{percent(self.accuracy)} for always {self.answer}, the most frequent class"


def beside_accuracy(metrics: dict[str, Any]) -> dict[str, str]:
    """Describe the baseline and the accuracy of each class, as far as ``metrics.json`` has them."""
    lines = {}
    if baseline := metrics.get("baseline"):
        lines["baseline"] = str(Baseline.from_dict(baseline))
    if recall := metrics.get("recall"):
        lines["each class"] = _each_class(recall)
    return lines


def _each_class(recall: dict[str, dict[str, Any] | None]) -> str:
    """Describe the accuracy of each class; of many classes only of the worst."""
    known = {name: found for name, found in recall.items() if found}
    unknown = [name for name in recall if name not in known]
    worst = sorted(known, key=lambda name: known[name]["accuracy"])[:NAMED]
    shown = worst if len(recall) > NAMED else known
    words = [f"{name} {percent(known[name]['accuracy'])} of {known[name]['n']:,}" for name in shown]
    words += [f"no test image of {', '.join(unknown[:NAMED])}"] if unknown else []
    return f"{'the worst: ' if len(known) > len(shown) else ''}{', '.join(words)}"


@dataclass(frozen=True)
class Latency:
    """Time of one inference at batch 1, in microseconds, over ``runs`` calls after warm-up."""

    median: float
    p95: float
    p99: float
    runs: int

    @classmethod
    def of(cls, seconds: "NDArray[np.float64]") -> "Latency":
        """Summarise single call times given in seconds, shape (runs,)."""
        import numpy as np

        median, p95, p99 = np.percentile(seconds * 1e6, [50, 95, 99])
        return cls(round(float(median), 2), round(float(p95), 2), round(float(p99), 2), len(seconds))

    def to_dict(self) -> dict[str, Any]:
        """Return median, p95, p99 in microseconds, and runs."""
        return asdict(self)
