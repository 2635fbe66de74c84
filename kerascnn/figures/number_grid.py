"""Grids of numbers as the lecture draws them: a filter over an image, zeros around it, what comes out."""

from collections.abc import Callable, Mapping, Sequence

from kerascnn.figures.svg import GROUND, INK, QUIET, rectangle, text

CELL = 26  # pixels
Cell = tuple[int, int]  # row and column


def grid(
    x: float,
    y: float,
    values: Sequence[Sequence[object]],
    *,
    fills: Mapping[Cell, str] | None = None,
    ink: Callable[[object], str] = lambda value: INK,
    cell: float = CELL,
) -> list[str]:
    """Return the cells of a grid with their values.

    Args:
        x: Left edge, ``y`` the upper one.
        values: By row; what is empty has a cell, too.
        fills: Colours of cells that stand out.
        ink: Colour of a value.
        cell: Side of a cell.
    """
    parts = []
    for row, numbers in enumerate(values):
        for column, value in enumerate(numbers):
            left, top = x + column * cell, y + row * cell
            fill = (fills or {}).get((row, column), GROUND)
            parts.append(rectangle(left, top, cell, cell, fill=fill, stroke=QUIET))
            words = str(value).replace("-", "−")
            parts.append(text(left + cell / 2, top + cell * 0.66, words, size=cell * 0.48, fill=ink(value)))
    return parts


def window(x: float, y: float, place: Cell, side: int, *, stroke: str, cell: float = CELL) -> str:
    """Return a frame around a square of cells of a grid at a point."""
    row, column = place
    frame = rectangle(x + column * cell, y + row * cell, side * cell, side * cell, fill="none", stroke=stroke)
    return frame.replace("/>", ' stroke-width="3"/>')


def square(place: Cell, side: int, fill: str) -> dict[Cell, str]:
    """Return the colours of a square of cells."""
    row, column = place
    return {(row + down, column + right): fill for down in range(side) for right in range(side)}
