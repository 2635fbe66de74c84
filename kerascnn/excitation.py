"""What excites each filter most: the strongest places in many pictures, found in batches, as figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kerascnn.data.dataset import Images
from kerascnn.evaluation import images_at_once
from kerascnn.mosaic import Values, draw, mosaic
from kerascnn.progress import Progress, silent
from kerascnn.receptive_field import Sight
from kerascnn.stages import Stage

STRONGEST = 9  # pictures a filter
SIDE = 3  # of the square that they are drawn in
IN_A_ROW = 6  # filters

Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Excitation:
    """The pictures that excite each filter of a convolution most, the strongest first; each picture once.

    Attributes:
        values: What comes out at the strongest place, float32, shape (k, filters).
        images: The pictures' numbers, ``rows`` and ``columns`` the places in the map: shape (k, filters).
    """

    values: Values
    images: Numbers
    rows: Numbers
    columns: Numbers


def excitations(
    model: Any,
    chosen: Sequence[Stage],
    images: Images,
    *,
    most: int = STRONGEST,
    progress: Progress = silent,
) -> dict[str, Excitation]:
    """Find the strongest places of every filter; of equal ones the first picture's, and there the first.

    Only a batch of maps is in memory at a time.

    Args:
        model: From raw pixels.
        chosen: Stages of it, see ``kerascnn.stages``.
        images: Pictures of the model's input.
        most: How many pictures to keep for each filter.
        progress: Told how many pictures are seen.

    Returns:
        What was found, by the convolution's name.
    """
    network = keras.Model(model.input, [stage.after for stage in chosen])
    volumes = [model.input_shape[1:], *(stage.shape for stage in chosen)]
    at_once = model.input_shape[0] or images_at_once(max(volumes, key=math.prod))
    found: dict[str, Excitation] = {}
    for start in range(0, len(images), at_once):
        progress("looking for what excites filters", start, len(images), "")
        answers = network.predict_on_batch(images[start : start + at_once])
        for stage, maps in zip(chosen, answers, strict=True):
            batch = _strongest_places(np.asarray(maps, np.float32), start)
            found[stage.name] = _best([found[stage.name], batch] if start else [batch], most)
    progress("looking for what excites filters", len(images), len(images), "")
    return found


def patches(name: str, found: Excitation, sight: Sight, images: Images, *, filters: int) -> Figure:
    """Draw what the strongest values of the first filters see; white is beyond the picture.

    Args:
        name: Of the convolution.
        found: Its strongest places.
        sight: What one value of its map sees.
        images: The pictures that they were found in.
        filters: How many filters are drawn at most.
    """
    total = found.values.shape[1]
    drawn = min(filters, total)
    blocks = np.stack([_block(found, number, sight, images) for number in range(drawn)])
    block, columns = blocks.shape[1], min(IN_A_ROW, drawn)
    gap = max(math.ceil(0.2 * block), 1), max(math.ceil(0.08 * block), 1)  # the first with room for a number
    canvas = mosaic(blocks, columns, gap)
    inches = 1.4 * columns
    height = inches * (canvas.shape[0] + gap[0]) / canvas.shape[1]
    figure = Figure(figsize=(max(inches, 6.4), height + 0.5), layout="constrained")
    axes = figure.subplots()
    some = "" if drawn == total else f"the first {drawn} of "
    draw(axes, canvas, f"{name}: {some}{total} filters; {sight.field}×{sight.field} pixels")
    axes.set_ylim(canvas.shape[0], -gap[0])
    for number in range(drawn):
        left, top = number % columns * (block + gap[1]), number // columns * (block + gap[0])
        silence = "" if found.values[0, number] > 0 else ": never active"
        axes.text(left, top - 0.02 * block, f"{number + 1}{silence}", fontsize=8, va="bottom")
    return figure


def patch(picture: NDArray[np.uint8], sight: Sight, row: int, column: int) -> NDArray[np.uint8]:
    """Return what one value sees of a picture, (field, field, channels); white where it sees beyond it."""
    top, left = sight.corner(row, column)
    height, width, channels = picture.shape
    seen = np.full((sight.field, sight.field, channels), 255, np.uint8)
    upper, lower = np.clip((top, top + sight.field), 0, height)
    first, last = np.clip((left, left + sight.field), 0, width)
    seen[upper - top : lower - top, first - left : last - left] = picture[upper:lower, first:last]
    return seen


def _strongest_places(maps: Values, first: int) -> Excitation:
    """Return the strongest place of each picture: values (n, filters) of maps (n, rows, columns, filters)."""
    count, _, columns, filters = maps.shape
    flat = maps.reshape(count, -1, filters)
    places = flat.argmax(axis=1)
    values = np.take_along_axis(flat, places[:, np.newaxis], axis=1)[:, 0]
    numbers = np.broadcast_to(first + np.arange(count)[:, np.newaxis], places.shape)
    return Excitation(values, numbers, places // columns, places % columns)


def _best(found: Sequence[Excitation], most: int) -> Excitation:
    """Return the strongest of several."""
    values, images, rows, columns = (
        np.concatenate([getattr(each, name) for each in found])
        for name in ("values", "images", "rows", "columns")
    )
    order = np.argsort(-values, axis=0, kind="stable")[:most]
    return Excitation(*(np.take_along_axis(each, order, axis=0) for each in (values, images, rows, columns)))


def _block(found: Excitation, number: int, sight: Sight, images: Images) -> Values:
    """Return the patches of one filter in a square, colours from 0 to 1; blank where nothing excites it."""
    gap = max(sight.field // 20, 1)
    tiles = np.ones((SIDE * SIDE, sight.field, sight.field, 3), np.float32)
    active = np.flatnonzero(found.values[:, number] > 0)[: len(tiles)]
    if len(active):
        pictures = images[found.images[active, number]]
        for place, picture in zip(active, pictures, strict=True):
            row, column = int(found.rows[place, number]), int(found.columns[place, number])
            tiles[place] = patch(picture, sight, row, column) / np.float32(255)
    return mosaic(tiles, SIDE, (gap, gap))
