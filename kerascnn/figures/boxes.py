"""Volumes as boxes and vectors as bars in a row, as the papers on LeNet and AlexNet draw their networks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kerascnn.figures.svg import INK, QUIET, Point, drawing, line, polygon, rectangle, text

TALLEST, THICKEST, SLANT = 130, 64, 0.32  # pixels of a side and of a depth; of a side, how far it goes back
GAP, NARROWEST, MARGIN, LINE = 46, 44, 24, 16
FACE, TOP, SIDE, WINDOW, BAR = "#cfe3f2", "#e6f0f8", "#a9cbe4", "#f3c9a8", "#d8d8e4"


@dataclass(frozen=True)
class Box:
    """What stands in a diagram.

    Attributes:
        shape: (height, width, depth) of a volume or (units,) of a vector; an unknown side is ``None``.
        name: Above it.
        window: Side of the filter that slides over it towards the next, in its pixels.
        joined: Whether it is made of all boxes before it, not only of its own tower's.
        does: What makes it of the one before, in a few words.
    """

    shape: tuple[int | None, ...]
    name: str
    does: str = ""
    window: int | None = None
    joined: bool = False


@dataclass(frozen=True)
class _Place:
    """A box as it is drawn: the left end of its baseline, and its sides in pixels."""

    x: float
    y: float
    thick: float
    tall: float
    back: float

    @property
    def right(self) -> float:
        return self.x + self.thick + self.back

    @property
    def middle(self) -> Point:
        return self.x + self.thick / 2, self.y - self.tall / 2


def diagram(columns: Sequence[Sequence[Box]], title: str) -> str:
    """Return an SVG file of boxes from left to right; those of one column stand below each other."""
    sides = [side for column in columns for box in column for side in box.shape[:-1] if side]
    depths = [box.shape[-1] or 1 for column in columns for box in column]
    scale = _Scale(max(sides, default=1), max(depths))
    rows = max(map(len, columns))
    height = rows * (TALLEST * (1 + SLANT) + 3 * LINE + MARGIN) + MARGIN
    parts: list[str] = []
    x = float(MARGIN)
    before: list[tuple[Box, _Place]] = []
    for column in columns:
        placed = _placed(column, x, height, scale)
        for place, box in zip(placed, column, strict=True):
            parts += _links(before, place, None if box.joined else placed)
            parts += _drawn(box, place)
        x = max(x + NARROWEST, *(place.right for place in placed)) + GAP
        before = [(box, place) for box, place in zip(column, placed, strict=True)]
    return drawing(x - GAP + MARGIN + 30, height, title, parts)


@dataclass(frozen=True)
class _Scale:
    side: int
    depth: int

    def tall(self, box: Box) -> float:
        if len(box.shape) == 1:
            return 24 + 90 * math.log1p(box.shape[0] or 1) / math.log1p(self.depth)
        side = next((side for side in box.shape[:-1] if side), self.side)
        return 14 + (TALLEST - 14) * math.sqrt(side / self.side)

    def thick(self, box: Box) -> float:
        if len(box.shape) == 1:
            return 12
        return 6 + (THICKEST - 6) * math.sqrt((box.shape[-1] or 1) / self.depth)


def _placed(column: Sequence[Box], x: float, height: float, scale: _Scale) -> list[_Place]:
    share = height / len(column)
    places = []
    for number, box in enumerate(column):
        tall = scale.tall(box)
        back = SLANT * tall if len(box.shape) > 1 else 0.0
        middle = share * (number + 0.5) + back / 2
        places.append(_Place(x, middle + tall / 2, scale.thick(box), tall, back))
    return places


def _links(before: Sequence[tuple[Box, _Place]], place: _Place, towers: Sequence[_Place] | None) -> list[str]:
    """Return lines from each box before; towers that stay apart are linked one to one."""
    apart = towers is not None and len(before) == len(towers) > 1
    joined = [before[towers.index(place)]] if towers and apart else before
    parts = []
    for box, earlier in joined:
        for start in _corners(box, earlier):
            parts.append(line([start, (place.x, place.middle[1])], stroke=QUIET, dashed=True))
    return parts


def _corners(box: Box, place: _Place) -> list[Point]:
    """Return where lines leave a box: the right corners of the window on it, or its right edge."""
    if len(box.shape) == 1 or not box.window:
        return [(place.x + place.thick + place.back / 2, place.middle[1] - place.back / 2)]
    *_, upper, lower = _window(box, place)
    return [upper, lower]


def _window(box: Box, place: _Place) -> list[Point]:
    """Return the window on the right face of a box: the face goes back by the slant."""
    share = min(max((box.window or 1) / (box.shape[0] or box.window or 1), 0.08), 1.0)
    right, wide, tall = place.x + place.thick, place.back * share, place.tall * share
    x = right + (place.back - wide) / 2
    y = place.y - (place.tall - tall) / 2 - (x - right)
    return [(x, y), (x, y - tall), (x + wide, y - tall - wide), (x + wide, y - wide)]


def _drawn(box: Box, place: _Place) -> list[str]:
    x, y, thick, tall = place.x, place.y, place.thick, place.tall
    if len(box.shape) == 1:
        shown = [rectangle(x, y - tall, thick, tall, fill=BAR)]
        return [*shown, *_named(box, x + thick / 2, y, y - tall)]
    back = place.back
    front = [(x, y), (x + thick, y), (x + thick, y - tall), (x, y - tall)]
    top = [front[3], front[2], (x + thick + back, y - tall - back), (x + back, y - tall - back)]
    side = [front[1], (x + thick + back, y - back), top[2], front[2]]
    shown = [polygon(front, fill=FACE), polygon(top, fill=TOP), polygon(side, fill=SIDE)]
    if box.window:
        shown.append(polygon(_window(box, place), fill=WINDOW))
    return [*shown, *_named(box, x + (thick + back) / 2, y, y - tall - back)]


def _named(box: Box, x: float, bottom: float, top: float) -> list[str]:
    sides = "×".join("?" if side is None else str(side) for side in box.shape)
    sides = f"{box.shape[0]:,}" if len(box.shape) == 1 and box.shape[0] else sides
    return [
        text(x, top - 8, box.name, size=12),
        text(x, bottom + LINE, sides, size=11, fill=INK),
        *([text(x, bottom + 2 * LINE - 2, box.does, size=10, fill=QUIET)] if box.does else []),
    ]
