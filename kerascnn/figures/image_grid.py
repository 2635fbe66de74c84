"""Grids of small images."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

TILES = 96  # of one grid at most: AlexNet's first filters
WHITE = (1.0, 1.0, 1.0)

Values = NDArray[np.float32]


def image_grid(tiles: Values, columns: int, gap: tuple[int, int], blank: Sequence[float]) -> Values:
    """Arrange images in rows.

    Args:
        tiles: Shape (n, height, width, channels).
        columns: Images in a row.
        gap: Pixels between rows and between columns.
        blank: The values between them, one a channel.

    Returns:
        Shape (height, width, channels).
    """
    count, height, width, channels = tiles.shape
    below, beside = height + gap[0], width + gap[1]
    shape = math.ceil(count / columns) * below - gap[0], columns * beside - gap[1], channels
    canvas = np.full(shape, blank, np.float32)
    for number, tile in enumerate(tiles):
        top, left = number // columns * below, number % columns * beside
        canvas[top : top + height, left : left + width] = tile
    return canvas


def square_grid(tiles: Values) -> Values:
    """Arrange at most 96 images in a nearly square grid."""
    shown = tiles[:TILES]
    gap = max(shown.shape[1] // 16, 1)
    blank = WHITE if shown.shape[-1] == 3 else [np.nan]  # what is not a number stays blank on any scale
    return image_grid(shown, math.ceil(math.sqrt(len(shown))), (gap, gap), blank)


def draw(axes: "Axes", canvas: Values, title: str, **colours: Any) -> "AxesImage":
    """Draw a grid without ticks; ``colours`` are those of ``imshow``."""
    shown = canvas if canvas.shape[-1] == 3 else canvas[..., 0]
    drawn = axes.imshow(shown, interpolation="nearest", **colours)
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    return drawn


def first_of(count: int) -> str:
    """Return the addition to a title which says that only some images are shown."""
    return f"; the first {TILES}" if count > TILES else ""
