"""The drawings of the tutorial, made of numbers: ``python docs/lecture_figures.py`` writes them again."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

import kerascnn
from kerascnn.figures.number_grid import CELL, grid, square, window
from kerascnn.figures.svg import INK, QUIET, arrow, drawing, line, rectangle, text
from kerascnn.workflows.summary_diagram import boxes

FOLDER = Path(__file__).parent / "images" / "lecture"
BLUE, ORANGE, GREEN, PINK = "#cfe3f2", "#f9d9bd", "#cdebdd", "#f3d9e8"
STRONG = ("#0072B2", "#D55E00", "#009E73")
PICTURE = [[0, 0, 0, 1, 1, 1, 1]] * 7
EDGE = [[-1, 0, 1]] * 3
POOLED = [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]  # the lecture's own


def slide(picture: object, kernel: object) -> np.ndarray:
    """Return every product sum of a filter over an image."""
    windows = np.lib.stride_tricks.sliding_window_view(np.array(picture), np.shape(kernel))
    return (windows * np.array(kernel)).sum((2, 3))


def filter_over_grid() -> str:
    """A 3×3 filter over a 7×7 image: one place of it, and the number it gives."""
    out = slide(PICTURE, EDGE)
    top, middle = 40, 40 + 3.5 * CELL
    parts = [
        text(20 + 3.5 * CELL, 28, "7×7"),
        *grid(20, top, PICTURE, fills=square((1, 1), 3, ORANGE)),
        window(20, top, (1, 1), 3, stroke=STRONG[1]),
        text(225, middle + 5, "·", size=20),
        text(245 + 1.5 * CELL, 28 + 2 * CELL, "3×3"),
        *grid(245, top + 2 * CELL, EDGE, fills=square((0, 0), 3, ORANGE)),
        arrow((340, middle), (380, middle)),
        text(395 + 2.5 * CELL, 28 + CELL, "5×5"),
        *grid(395, top + CELL, out.tolist(), fills={(1, 1): ORANGE}),
        window(395, top + CELL, (1, 1), 1, stroke=STRONG[1]),
        text(272, top + 7 * CELL + 30, "−1·0 + 0·0 + 1·1, three times = 3", size=13),
    ]
    return drawing(545, 270, "A filter of 3×3 over an image of 7×7 gives a map of 5×5", parts)


def seen(side: int, kernel: int, padding: int) -> list[int]:
    """Return how many windows of a row see each of its pixels."""
    starts = range(-padding, side + padding - kernel + 1)
    return [sum(start <= pixel < start + kernel for start in starts) for pixel in range(side)]


def zero_border() -> str:
    """A border of zeros keeps the size, and an edge is seen more often."""
    padded = np.pad(np.ones((7, 7), int), 1).tolist()
    border = {(r, c): BLUE for r in range(9) for c in range(9) if not padded[r][c]}
    fills = border | square((0, 0), 3, ORANGE)
    parts = [
        text(20 + 4.5 * CELL, 28, "7×7, P = 1: 9×9"),
        *grid(20, 40, padded, fills=fills),
        window(20, 40, (0, 0), 3, stroke=STRONG[1]),
        arrow((275, 40 + 4.5 * CELL), (315, 40 + 4.5 * CELL)),
        text(330 + 3.5 * CELL, 28 + CELL, "7×7"),
        *grid(330, 40 + CELL, [[""] * 7] * 7, fills={(0, 0): ORANGE}),
    ]
    for number, padding in enumerate((0, 1)):
        y = 310 + number * 44
        parts += [
            text(20, y + 18, f"P = {padding}", anchor="start", size=13),
            *grid(80, y, [seen(7, 3, padding)], fills={(0, 0): ORANGE, (0, 6): ORANGE}),
        ]
    return drawing(535, 400, "Zeros around an image, and how many windows see each pixel of a row", parts)


def stride_two() -> str:
    """With stride 2 a 3×3 filter has three places in a row of seven pixels."""
    parts = [
        text(20 + 3.5 * CELL, 28, "7×7, S = 2"),
        *grid(20, 40, [[""] * 7] * 7, fills=square((0, 0), 3, ORANGE)),
        *(window(20, 40, (0, 2 * n), 3, stroke=colour) for n, colour in enumerate(STRONG)),
        arrow((225, 40 + 3.5 * CELL), (265, 40 + 3.5 * CELL)),
        text(280 + 1.5 * CELL, 28 + 2 * CELL, "3×3"),
        *grid(280, 40 + 2 * CELL, [[1, 2, 3], [""] * 3, [""] * 3], fills={(0, 0): ORANGE}),
        *(window(280, 40 + 2 * CELL, (0, n), 1, stroke=colour) for n, colour in enumerate(STRONG)),
    ]
    return drawing(380, 245, "A filter of 3×3 with stride 2 on an image of 7×7 gives a map of 3×3", parts)


def pooling() -> str:
    """Maximum of each 2×2 window, with the lecture's numbers."""
    corners = [((0, 0), ORANGE), ((0, 2), GREEN), ((2, 0), PINK), ((2, 2), BLUE)]
    fills = {cell: fill for place, colour in corners for cell, fill in square(place, 2, colour).items()}
    small = {(row // 2, column // 2): colour for (row, column), colour in corners}
    most = np.array(POOLED).reshape(2, 2, 2, 2).max((1, 3)).tolist()
    parts = [
        text(20 + 2 * CELL, 28, "4×4"),
        *grid(20, 40, POOLED, fills=fills),
        arrow((145, 40 + 2 * CELL), (205, 40 + 2 * CELL)),
        text(175, 30 + 2 * CELL, "max 2×2, S = 2", size=10, fill=QUIET),
        text(225 + CELL, 28 + CELL, "2×2"),
        *grid(225, 40 + CELL, most, fills=small),
    ]
    return drawing(300, 165, "Max pooling of 2×2 with stride 2", parts)


def relu() -> str:
    """Grey where a map is 0; after ReLU what was negative is black, as 0 is."""
    maps = np.array([[-3, 0, 2], [5, -1, 4]])

    def shade(value: float, low: float) -> str:
        level = round(255 * (value - low) / (5 - low))
        return f"#{level:02x}{level:02x}{level:02x}"

    parts: list[str] = []
    for x, values, low in ((20, maps, -5), (270, np.maximum(maps, 0), 0)):
        fills = {(r, c): shade(v, low) for (r, c), v in np.ndenumerate(values)}
        pale = {value: INK if (value - low) / (5 - low) > 0.5 else "#ffffff" for value in values.flat}
        parts += grid(x, 40, values.tolist(), fills=fills, ink=pale.__getitem__, cell=36)
    parts += [
        arrow((145, 76), (255, 76)),
        text(200, 66, "max(0, x)", size=13),
        line([(150, 150), (250, 150)], stroke=QUIET),
        line([(200, 185), (200, 115)], stroke=QUIET),
        line([(155, 150), (200, 150), (232, 118)], stroke=STRONG[0], width=3),
    ]
    return drawing(400, 200, "ReLU: negative values become 0", parts)


def hierarchy() -> str:
    """What first, middle and late layers answer to, as sketches."""
    strokes = {
        "edges": [[(8, 40), (40, 8)], [(24, 6), (24, 42)], [(8, 8), (40, 40)], [(6, 24), (42, 24)]],
        "corners, blobs": [[(10, 38), (10, 10), (38, 10)], [(10, 10), (38, 24), (10, 38)], _round(24, 24, 9)],
        "parts": [
            [*_round(24, 15, 9), (24, 24), *_round(24, 33, 9, -90)],
            [*_round(24, 18, 10, 0), (34, 18), (30, 44)],
        ],
    }
    parts: list[str] = []
    for number, (name, shapes) in enumerate(strokes.items()):
        x = 20 + number * 190
        parts.append(text(x + 53, 28, name, size=13))
        for place, points in enumerate(shapes):
            left, top = x + place % 2 * 56, 40 + place // 2 * 56
            parts.append(rectangle(left, top, 48, 48, fill="#f1f1f4", stroke=QUIET))
            parts.append(line([(left + a, top + b) for a, b in points], stroke=STRONG[number], width=4))
        if number:
            parts.append(arrow((x - 70, 92), (x - 22, 92)))
    return drawing(530, 165, "Layers answer to edges, then to corners and blobs, then to parts", parts)


def _round(x: float, y: float, radius: float, begin: float = 90) -> list[tuple[float, float]]:
    angles = np.radians(begin + np.arange(0, 361, 20))
    return [(float(x + radius * np.cos(a)), float(y + radius * np.sin(a))) for a in angles]


FIGURES: dict[str, Callable[[], str]] = {
    "filter": filter_over_grid,
    "zero-border": zero_border,
    "stride": stride_two,
    "pooling": pooling,
    "relu": relu,
    "hierarchy": hierarchy,
    "lenet": lambda: boxes(kerascnn.summary("lenet")),
    "alexnet": lambda: boxes(kerascnn.summary("alexnet", variant="two_towers", norm="none")),
}

if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, made in FIGURES.items():
        (FOLDER / f"{name}.svg").write_text(made(), encoding="utf-8")
