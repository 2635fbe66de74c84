"""The receptive field of a value in the image, also through a network with branches."""

from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.arithmetic import layer as arithmetic


@dataclass(frozen=True)
class InputWindow:
    """The square of a layer's input that one of its output values depends on.

    Attributes:
        side: Of the square, ``stride`` its step.
        before: Rows and columns that the layer adds in front of its input; negative where it cuts some off.
    """

    side: int = 1
    stride: int = 1
    before: int = 0


@dataclass(frozen=True)
class Sight:
    """The receptive field of a value, in pixels of the image; padding zeros count as pixels.

    Attributes:
        field: Side of the square.
        step: Distance between the squares of neighbours.
        start: Where the square of the first value begins; −1 is the first zero before the image.
    """

    field: int = 1
    step: int = 1
    start: int = 0

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Return the corner (top, left) of one value's receptive field, in pixels."""
        return self.start + row * self.step, self.start + column * self.step


def through(sight: Sight | None, window: InputWindow | None) -> Sight | None:
    """Return the receptive field behind a layer; ``None`` if unknown."""
    if sight is None or window is None:
        return None
    field, step = arithmetic.receptive_field(sight.field, sight.step, window.side, window.stride)
    return Sight(field, step, sight.start - window.before * sight.step)


def meet(sights: Sequence[Sight | None]) -> Sight | None:
    """Return the receptive field where branches meet: the union of theirs.

    Nothing is known where one of them is not known, or where their steps differ.
    """
    known = [sight for sight in sights if sight is not None]
    if len(known) < len(sights) or len({sight.step for sight in known}) != 1:
        return None
    start = min(sight.start for sight in known)
    return Sight(max(sight.start + sight.field for sight in known) - start, known[0].step, start)


def zeros_around(
    padding: str, reach: int, stride: int, side: int | None, found: int | None
) -> tuple[int, int] | None:
    """Return the zeros before and after a row: "same" adds what is missing, the larger half after it.

    Args:
        padding: ``valid`` or ``same``, as Keras has it.
        reach: Pixels from one end of a window to the other.
        stride: Pixels from one window to the next.
        side: Of the row, ``None`` for a flexible one; ``found`` is the number of windows.
    """
    if padding == "valid":
        return 0, 0
    if stride == 1:
        missing = reach - 1
    elif side is None or found is None:
        return None
    else:
        missing = max((found - 1) * stride + reach - side, 0)
    return missing // 2, missing - missing // 2
