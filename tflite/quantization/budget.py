"""``--max-drop``: try candidates in order until int8 loses no more accuracy than allowed.

Tries are judged on the validation images: whoever picks among several files by the test images can no longer
say what the test images say about the file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kerascnn.tflite.fine_tuning.fine_tune import QatResult


@dataclass(frozen=True)
class Candidate:
    """A quantized file and how it was made.

    Attributes:
        what: In words.
        content: The file.
        suffix: Suffix for its file name.
        in_float: Layers that it keeps in float.
        qat: The training with int8 in the loop that it comes from.
    """

    what: str
    content: bytes
    suffix: str = ""
    in_float: tuple[str, ...] = ()
    qat: QatResult | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it was made by calibration alone."""
        return not self.in_float and self.qat is None


@dataclass(frozen=True)
class Try:
    """A candidate and its accuracy.

    Attributes:
        candidate: The candidate.
        drop_points: Percentage points of accuracy on the validation images that it loses against Keras.
    """

    candidate: Candidate
    drop_points: float

    @property
    def what(self) -> str:
        """The candidate in words."""
        return self.candidate.what

    @property
    def bytes(self) -> int:
        """Size of the network, without labels and descriptions."""
        return len(self.candidate.content)

    def to_dict(self) -> dict[str, Any]:
        """Return the method, the layers in float, drop_points and bytes."""
        return {
            "tried": self.what,
            "in_float": list(self.candidate.in_float),
            "drop_points": round(self.drop_points, 4),
            "bytes": self.bytes,
        }


@dataclass(frozen=True)
class Budget:
    """An accuracy budget and the candidates tried.

    Attributes:
        points: Percentage points of accuracy that may be lost.
        tries: In order; the last is the first that keeps the budget, or of all the one that loses least.
        untried: Why the network could not be trained for int8, where that would have been next.
    """

    points: float
    tries: tuple[Try, ...]
    untried: str = ""

    @property
    def chosen(self) -> Try:
        """The first try within the budget, or else the best one."""
        within = (each for each in self.tries if each.drop_points <= self.points)
        return next(within, min(self.tries, key=lambda each: each.drop_points))

    @property
    def kept(self) -> bool:
        """Whether a try was within the budget."""
        return self.chosen.drop_points <= self.points

    def to_dict(self) -> dict[str, Any]:
        """Return max_drop, kept, and the tries in order."""
        return {
            "max_drop": self.points,
            "kept": self.kept,
            "chosen": self.chosen.what,
            "tries": [each.to_dict() for each in self.tries],
            "untried": self.untried,
        }


def first_within(points: float, candidates: Iterable[Candidate], drop: Callable[[bytes], float]) -> Budget:
    """Return the first candidate within the budget.

    Args:
        points: Percentage points that may be lost.
        candidates: Each is made only when those before were not enough.
        drop: Percentage points that a file loses on the validation images.
    """
    tries: list[Try] = []
    for candidate in candidates:
        tries.append(Try(candidate, drop(candidate.content)))
        if tries[-1].drop_points <= points:
            break
    return Budget(points, tuple(tries))
