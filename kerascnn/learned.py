"""What a network has learned, as Matplotlib figures: filters, maps of a picture, the surest mistakes."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from matplotlib.figure import Figure
from numpy.typing import NDArray

from kerascnn.data.dataset import Images
from kerascnn.layer_graph import Use, uses

TILES = 96  # of one figure at most: AlexNet's first filters
MISTAKES = 12

Values = NDArray[np.float32]


def filters(model: Any) -> Figure:
    """Draw the filters of the first convolution, those of both towers where there are two.

    Filters over colour are colours: grey is a weight of 0. Others are drawn channel by channel.
    """
    first, *others = (use for use in uses(model) if _convolves(use))
    beside = [first, *(use for use in others if use.reads == first.reads)]
    kernels = [np.asarray(ops.convert_to_numpy(use.layer.kernel), np.float32) for use in beside]
    weights = np.concatenate(kernels, axis=-1)
    height, width, channels, count = weights.shape
    title = f"{', '.join(use.name for use in beside)}: {count} filters of {height}×{width}×{channels}"
    largest = float(np.abs(weights).max()) or 1.0
    if channels == 3:
        colours = weights.transpose(3, 0, 1, 2) / (2 * largest) + 0.5
        return _mosaic(colours, f"{title}; weights −{largest:.2g} to {largest:.2g}, grey is 0")
    planes = weights.transpose(3, 2, 0, 1).reshape(count * channels, height, width, 1)
    return _mosaic(planes, title, scale="weight", cmap="RdBu_r", vmin=-largest, vmax=largest)


def activation_maps(model: Any, picture: NDArray[np.uint8], label: str) -> dict[str, Figure]:
    """Draw what each convolution makes of a picture, behind its normalization and nonlinearity.

    Args:
        model: From raw pixels.
        picture: Shape (height, width, channels), brought to the model's input; ``label`` is its class.

    Returns:
        ``picture``, and a figure for each convolution whose map is more than one cell, by its name.
    """
    tensors = {name: made for name, made in _activations(model).items() if math.prod(made.shape[1:3]) > 1}
    answers = keras.Model(model.input, list(tensors.values()))(picture[np.newaxis], training=False)
    size = f"{picture.shape[0]}×{picture.shape[1]}"
    shown = picture[np.newaxis].astype(np.float32) / np.float32(255)
    figures = {"picture": _mosaic(shown, f"picture of {size}, is {label}", cmap="gray", vmin=0, vmax=1)}
    for name, answer in zip(tensors, answers, strict=True):
        maps = np.asarray(ops.convert_to_numpy(answer), np.float32)[0].transpose(2, 0, 1)[..., np.newaxis]
        count, height, width, _ = maps.shape
        title = f"{name}: {count} maps of {height}×{width}"
        figures[name] = _mosaic(maps, title, scale="activation", cmap="viridis")
    return figures


def mistakes(
    images: Images, labels: NDArray[np.int32], shares: Values, classes: Sequence[str]
) -> Figure | None:
    """Draw the pictures whose wrong class is given with the greatest probability, the worst first.

    Args:
        images: Pictures of the model's input.
        labels: Shape (n,).
        shares: Probabilities, shape (n, classes).
        classes: Their names.

    Returns:
        The figure, ``None`` where every answer is right.
    """
    answers = shares.argmax(axis=1)
    wrong = np.flatnonzero(answers != labels)
    worst = wrong[np.argsort(-shares[wrong, answers[wrong]], kind="stable")][:MISTAKES]
    if not len(worst):
        return None
    columns = min(len(worst), 4)
    rows = math.ceil(len(worst) / columns)
    figure = Figure(figsize=(max(2.1 * columns, 4.2), 0.5 + 2.5 * rows), layout="constrained")
    shown = "" if len(wrong) == len(worst) else f", the {len(worst)} surest"
    figure.suptitle(f"{len(wrong):,} of {len(labels):,} pictures wrong{shown}")
    for place, (number, picture) in enumerate(zip(worst, images[worst], strict=True), start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(np.broadcast_to(picture, (*picture.shape[:2], 3)), interpolation="nearest")
        axes.set_axis_off()
        true, given = classes[labels[number]], classes[answers[number]]
        share = 100 * shares[number, answers[number]]
        axes.set_title(f"true {true}\ngiven {given}, {share:.0f} %", fontsize=9)
    return figure


def _convolves(use: Use) -> bool:
    return hasattr(use.layer, "kernel_size")


def _activations(model: Any) -> dict[str, Any]:
    """Return the tensor behind each convolution and what follows it without another shape, by its name."""
    found: dict[str, Any] = {}
    behind: dict[int, str] = {}
    for use in uses(model):
        if _convolves(use):
            name = use.name
        elif len(use.reads) == 1 and use.reads[0] in behind and use.inputs[0].shape == use.outputs[0].shape:
            name = behind[use.reads[0]]
        else:
            continue
        found[name], behind[use.writes[0]] = use.outputs[0], name
    return found


def _mosaic(tiles: Values, title: str, *, scale: str = "", **colours: Any) -> Figure:
    """Draw images, shape (n, height, width, 1 or 3), in rows; those of one channel on the same scale."""
    shown = tiles[:TILES]
    if len(tiles) > TILES:
        title += f"; the first {TILES}"
    count, height, width, channels = shown.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    gap = max(height // 16, 1)
    shape = rows * (height + gap) - gap, columns * (width + gap) - gap, channels
    canvas = np.full(shape, 1 if channels == 3 else np.nan, np.float32)  # what is not a number stays blank
    for number, tile in enumerate(shown):
        top, left = number // columns * (height + gap), number % columns * (width + gap)
        canvas[top : top + height, left : left + width] = tile
    figure = Figure(figsize=(7.2 if scale else 6.4, 0.5 + 6.2 * shape[0] / shape[1]), layout="constrained")
    axes = figure.subplots()
    drawn = axes.imshow(canvas if channels == 3 else canvas[..., 0], interpolation="nearest", **colours)
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
    if scale:
        figure.colorbar(drawn, ax=axes, label=scale, fraction=0.04, pad=0.02)
    return figure
