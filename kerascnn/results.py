"""The small results that several stages share. Accuracies are fractions, times microseconds."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray


def percent(share: float) -> str:
    """Return a share of 1 as text: 0.991 is "99.10 %"."""
    return f"{100 * share:.2f} %"


@dataclass(frozen=True)
class Accuracy:
    """How many of ``n`` test images were classified correctly, with the 95 % Wilson interval."""

    correct: int
    n: int

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> "Accuracy":
        """Return what ``to_dict`` stored."""
        return cls(round(stored["accuracy"] * stored["n"]), stored["n"])

    @property
    def accuracy(self) -> float:
        """The share of correct answers, 0 to 1."""
        return self.correct / self.n

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95 % Wilson score interval (Wilson, 1927) as fractions."""
        from scipy.stats import binomtest

        low, high = binomtest(self.correct, self.n).proportion_ci(0.95, method="wilson")
        return float(low), float(high)

    def to_dict(self) -> dict[str, Any]:
        """Return accuracy, low, high, n."""
        low, high = self.interval
        return {"accuracy": self.accuracy, "low": low, "high": high, "n": self.n}

    def __str__(self) -> str:
        low, high = self.interval
        return f"{percent(self.accuracy)} (95 % interval {100 * low:.2f} to {100 * high:.2f}, n = {self.n:,})"


@dataclass(frozen=True)
class Latency:
    """Time of one inference at batch 1, in microseconds, over ``runs`` calls after warm-up."""

    median: float
    p95: float
    p99: float
    runs: int

    @classmethod
    def of(cls, seconds: NDArray[np.float64]) -> "Latency":
        """Summarise single call times given in seconds, shape (runs,)."""
        median, p95, p99 = np.percentile(seconds * 1e6, [50, 95, 99])
        return cls(round(float(median), 2), round(float(p95), 2), round(float(p99), 2), len(seconds))

    def to_dict(self) -> dict[str, Any]:
        """Return median, p95, p99 in microseconds, and runs."""
        return asdict(self)
