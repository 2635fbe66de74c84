"""Top-activating patches of each filter, found in batches of images, as figures."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.evaluation import images_at_once
from kerascnn.analysis.interpretability.conv_blocks import conv_blocks, ends_of_backbone
from kerascnn.analysis.profiling.profile import sights
from kerascnn.arithmetic.receptive_field import Sight
from kerascnn.data.dataset import Images
from kerascnn.figures.image_grid import WHITE, Values, draw, image_grid
from kerascnn.figures.plots import new_figure
from kerascnn.foundation.progress import Progress, silent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STRONGEST = 9  # images a filter
SIDE = 3  # of the square that they are drawn in
IN_A_ROW = 6  # filters
BEYOND = (0.78, 0.87, 0.94)  # a pale blue that is neither ink nor paper: beyond the image, between patches

Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class TopPatches:
    """The strongest activation of each image for each filter, shape (images, filters).

    Attributes:
        values: What comes out there, float32.
        images: The images' numbers, ``rows`` and ``columns`` the places in the map.
    """

    values: Values
    images: Numbers
    rows: Numbers
    columns: Numbers

    def strongest(self, most: int) -> "TopPatches":
        """Return the strongest activations of each filter, sorted."""
        order = np.argsort(-self.values, axis=0, kind="stable")[:most]
        chosen = [np.take_along_axis(getattr(self, each.name), order, axis=0) for each in fields(self)]
        return TopPatches(*chosen)

    def and_also(self, others: "TopPatches") -> "TopPatches":
        """Return the activations of both together."""
        pairs = [(getattr(self, each.name), getattr(others, each.name)) for each in fields(self)]
        return TopPatches(*map(np.concatenate, pairs))


@dataclass(frozen=True)
class TopActivations:
    """The top activations of a convolution's filters, at most one per image and filter.

    Attributes:
        places: The strongest first, shape (k, filters).
        sight: What one value of the map sees of the image.
    """

    places: TopPatches
    sight: Sight


def top_activations(
    model: Any,
    images: Images,
    names: Sequence[str] | None = None,
    *,
    most: int = STRONGEST,
    progress: Progress = silent,
) -> dict[str, TopActivations]:
    """Find the top activations of every filter; of equal ones the first image's, and there the first.

    Only a batch of maps is in memory at a time.

    Args:
        model: From raw pixels.
        images: Images of the model's input.
        names: Of convolutions; ``None``: the first and the last ones in front of the head.
        most: How many images to keep for each filter.
        progress: Receives the number of images seen.

    Returns:
        What was found, by the convolution's name; one is left out where it is not known what its values see.

    Raises:
        KerasCnnError: The model has no convolution.
    """
    names, known = names or ends_of_backbone(model), sights(model)
    seen = {name: sight for name in names if (sight := known[name])}
    chosen = [stage for stage in conv_blocks(model) if stage.name in seen]
    if not chosen:
        return {}
    import keras

    network = keras.Model(model.input, {stage.name: stage.after for stage in chosen})
    volumes = [model.input_shape[1:], *(stage.shape for stage in chosen)]
    at_once = model.input_shape[0] or images_at_once(max(volumes, key=math.prod))
    found: dict[str, TopPatches] = {}
    for start in range(0, len(images), at_once):
        progress("searching top-activating patches", start, len(images), "")
        answers = network.predict_on_batch(images[start : start + at_once])
        for name, maps in answers.items():
            places = _places(np.asarray(maps, np.float32), start)
            found[name] = (found[name].and_also(places) if start else places).strongest(most)
    progress("searching top-activating patches", len(images), len(images), "")
    return {stage.name: TopActivations(found[stage.name], seen[stage.name]) for stage in chosen}


def patches(name: str, found: TopActivations, images: Images, *, filters: int) -> "Figure":
    """Draw the top-activating patches of the first filters; pale blue is outside the image.

    Args:
        name: Name of the convolution.
        found: Top activations of its filters.
        images: The images that this was found in.
        filters: How many filters are drawn at most.
    """
    total, field = found.places.values.shape[1], found.sight.field
    drawn = min(filters, total)
    blocks = np.stack([_block(found, number, images) for number in range(drawn)])
    block, columns = blocks.shape[1], min(IN_A_ROW, drawn)
    gap = max(math.ceil(0.2 * block), 1), max(math.ceil(0.08 * block), 1)  # the first with room for a number
    canvas = image_grid(blocks, columns, gap, WHITE)
    inches = 1.4 * columns
    height = inches * (canvas.shape[0] + gap[0]) / canvas.shape[1]
    figure = new_figure(max(inches, 6.4), height + 0.5)
    axes = figure.subplots()
    some = "" if drawn == total else f"the first {drawn} of "
    draw(axes, canvas, f"{name}: {some}{total} filters; {field}×{field} pixels")
    axes.set_ylim(canvas.shape[0], -gap[0])
    for number in range(drawn):
        left, top = number % columns * (block + gap[1]), number // columns * (block + gap[0])
        silence = "" if found.places.values[0, number] > 0 else ": never above 0"
        axes.text(left, top - 0.02 * block, f"{number + 1}{silence}", fontsize=8, va="bottom")
    return figure


def patch(image: NDArray[np.uint8], sight: Sight, row: int, column: int) -> Values:
    """Return the patch of an image in a value's receptive field, colours 0 to 1, shape (field, field, 3)."""
    top, left = sight.corner(row, column)
    height, width = image.shape[:2]
    seen = np.full((sight.field, sight.field, 3), BEYOND, np.float32)
    upper, lower = np.clip((top, top + sight.field), 0, height)
    first, last = np.clip((left, left + sight.field), 0, width)
    inside = image[upper:lower, first:last] / np.float32(255)  # grey fills all three channels
    seen[upper - top : lower - top, first - left : last - left] = inside
    return seen


def _places(maps: Values, first: int) -> TopPatches:
    """Return the strongest activation of each image in maps of shape (n, rows, columns, filters)."""
    count, _, columns, filters = maps.shape
    flat = maps.reshape(count, -1, filters)
    places = flat.argmax(axis=1)
    values = np.take_along_axis(flat, places[:, np.newaxis], axis=1)[:, 0]
    numbers = np.broadcast_to(first + np.arange(count)[:, np.newaxis], places.shape)
    return TopPatches(values, numbers, places // columns, places % columns)


def _block(found: TopActivations, number: int, images: Images) -> Values:
    """Return the patches of one filter in a square, colours 0 to 1; empty without activations."""
    places, field = found.places, found.sight.field
    tiles = np.full((SIDE * SIDE, field, field, 3), BEYOND, np.float32)
    active = np.flatnonzero(places.values[:, number] > 0)[: len(tiles)]
    if len(active):
        shown = images[places.images[active, number]]
        for place, image in zip(active, shown, strict=True):
            row, column = int(places.rows[place, number]), int(places.columns[place, number])
            tiles[place] = patch(image, found.sight, row, column)
    gap = max(field // 20, 1)
    return image_grid(tiles, SIDE, (gap, gap), BEYOND)
