"""``--max-drop``: what is tried, in order, until int8 loses no more accuracy than the user allows.

Tries are judged on the validation images: whoever picks among several files by the test images can no longer
say what the test images say about the file.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Try:
    """One file that was made.

    Attributes:
        what: In words.
        in_float: Layers that it keeps in float.
        drop_points: Percentage points of accuracy on the validation images that it loses against Keras.
        content: The file.
    """

    what: str
    in_float: tuple[str, ...]
    drop_points: float
    content: bytes

    @property
    def bytes(self) -> int:
        """Size of the network, without labels and descriptions."""
        return len(self.content)

    def to_dict(self) -> dict[str, Any]:
        """Return what was tried, the layers in float, drop_points and bytes."""
        return {
            "tried": self.what,
            "in_float": list(self.in_float),
            "drop_points": round(self.drop_points, 4),
            "bytes": self.bytes,
        }


@dataclass(frozen=True)
class Budget:
    """A budget and what was tried to keep it.

    Attributes:
        points: Percentage points of accuracy that may be lost.
        tries: In order; the last is the first that keeps the budget, or of all the one that loses least.
    """

    points: float
    tries: tuple[Try, ...]

    @property
    def chosen(self) -> Try:
        """The first try within the budget, or the best there was."""
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
        }


#: What is tried in words, the layers it keeps in float, and the file.
Way = tuple[str, tuple[str, ...], bytes]


def spend(points: float, ways: Iterable[Way], drop: Callable[[bytes], float]) -> Budget:
    """Go through the ways until one is within the budget.

    Args:
        points: Percentage points that may be lost.
        ways: Each is made only when those before were not enough.
        drop: Percentage points that a file loses on the validation images.
    """
    tries: list[Try] = []
    for what, in_float, content in ways:
        tries.append(Try(what, in_float, drop(content), content))
        if tries[-1].drop_points <= points:
            break
    return Budget(points, tuple(tries))
