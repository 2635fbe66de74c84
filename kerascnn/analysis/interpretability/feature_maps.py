"""Plots of learned features: filters, activation maps, receptive fields, most confident mistakes."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.interpretability.conv_blocks import ConvBlock, conv_blocks, convolutions
from kerascnn.analysis.profiling.profile import sights
from kerascnn.data.dataset import Images
from kerascnn.figures.image_grid import Values, draw, first_of, square_grid
from kerascnn.figures.plots import OKABE_ITO, new_figure, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MISTAKES = 12
NAME_OF_MISTAKE = 14  # characters above an image

Square = tuple[int, int, int]


def filters(model: Any) -> "Figure":
    """Draw the filters of the first convolution, of both towers if there are two.

    Filters over colour are colours: grey is a weight of 0. Others are drawn channel by channel.

    Raises:
        KerasCnnError: The model has no convolution.
    """
    found = convolutions(model)
    beside = [use for use in found if use.reads == found[0].reads]
    weights = np.concatenate([_kernel(use.layer) for use in beside], axis=-1)
    height, width, channels, count = weights.shape
    title = f"{', '.join(use.name for use in beside)}: {count} filters of {height}×{width}×{channels}"
    largest = float(np.abs(weights).max()) or 1.0
    if channels == 3:
        tiles, scale = (weights / (2 * largest) + 0.5).transpose(3, 0, 1, 2).astype(np.float32), {}
        title += f"; weights −{largest:.2g} to {largest:.2g}, grey is 0"
    else:
        tiles = weights.transpose(3, 2, 0, 1).reshape(count * channels, height, width, 1)
        scale = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    canvas = square_grid(tiles)
    size = 7.2 if scale else 6.4, 0.5 + 6.2 * canvas.shape[0] / canvas.shape[1]
    figure = new_figure(*size)
    axes = figure.subplots()
    drawn = draw(axes, canvas, title + first_of(len(tiles)), **scale)
    if scale:
        figure.colorbar(drawn, ax=axes, label="weight", fraction=0.04, pad=0.02)
    return figure


def activation_maps(model: Any, image: NDArray[np.uint8], label: str) -> "dict[str, Figure]":
    """Draw the activation maps of each convolution, before and after its nonlinearity on one scale.

    Args:
        model: From raw pixels.
        image: Shape (height, width, channels), brought to the model's input; ``label`` is its class,
            empty where that is not known.

    Returns:
        ``image``, and a figure for each convolution whose map is more than one cell, by its name.

    Raises:
        KerasCnnError: The model has no convolution.
    """
    shown = [stage for stage in conv_blocks(model) if math.prod(stage.shape[:2]) > 1]
    before = {f"{stage.name} before": stage.before for stage in shown if stage.nonlinearity}
    after = {f"{stage.name} after": stage.after for stage in shown}
    import keras

    answers = keras.Model(model.input, before | after)(image[np.newaxis], training=False) if after else {}
    maps = {
        name: np.asarray(keras.ops.convert_to_numpy(answer), np.float32)[0]
        for name, answer in answers.items()
    }
    figures = {"picture": _image(image, label)}
    for stage in shown:
        both = maps.get(f"{stage.name} before"), maps[f"{stage.name} after"]
        figures[stage.name] = _before_and_after(stage, *both)
    return figures


def receptive_fields(model: Any, image: NDArray[np.uint8]) -> "Figure | None":
    """Draw the receptive field of each convolution's middle value on the image; at most seven squares.

    Args:
        model: From raw pixels.
        image: Shape (height, width, channels), brought to the model's input.

    Returns:
        The figure, ``None`` where no field is known.

    Raises:
        KerasCnnError: The model has no convolution.
    """
    squares = middle_squares(model)
    if not squares:
        return None
    spread = np.linspace(0, len(squares) - 1, min(len(squares), len(OKABE_ITO))).round().astype(int)
    height, width = image.shape[:2]
    from matplotlib.patches import Rectangle

    figure = new_figure(7.2, 5.2 * max(height / width, 0.6))
    axes = figure.subplots()
    axes.imshow(np.broadcast_to(image, (height, width, 3)), extent=(0, width, height, 0))
    shown = [list(squares.items())[number] for number in spread]
    for ((top, left, side), names), colour in zip(shown, OKABE_ITO, strict=False):
        label = f"{', '.join(names)}: {side}×{side}"
        axes.add_patch(Rectangle((left, top), side, side, fill=False, color=colour, linewidth=2, label=label))
    corners = np.array([(top, left, top + side, left + side) for (top, left, side), _ in shown])
    (upper, first), (lower, last) = corners[:, :2].min(0), corners[:, 2:].max(0)
    margin = 0.02 * width
    axes.set(xlim=(min(first, 0) - margin, max(last, width) + margin))
    axes.set(ylim=(max(lower, height) + margin, min(upper, 0) - margin))
    axes.set(title=f"image of {height}×{width} pixels")
    figure.legend(frameon=False, loc="outside right upper")
    return figure


def middle_squares(model: Any) -> dict[Square, list[str]]:
    """Return the receptive field of the middle value of each convolution's map: (top, left, side) in pixels.

    The names are those of all convolutions that see the same; where a field is not known, it is left out.

    Raises:
        KerasCnnError: The model has no convolution.
    """
    known = sights(model)
    squares: dict[Square, list[str]] = {}
    for use in convolutions(model):
        sight, (rows, columns) = known[use.name], use.outputs[0].shape[1:3]
        if sight:
            square = *sight.corner(rows // 2, columns // 2), sight.field
            squares.setdefault(square, []).append(use.name)
    return squares


def mistakes(
    images: Images, labels: NDArray[np.int32], shares: Values, classes: Sequence[str]
) -> "Figure | None":
    """Draw the most confident mistakes, the worst first.

    Args:
        images: Images of the model's input.
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
    figure = new_figure(max(2.1 * columns, 4.2), 0.5 + 2.5 * rows)
    shown = "" if len(wrong) == len(worst) else f", the {len(worst)} most confident"
    figure.suptitle(f"{len(wrong):,} of {len(labels):,} images wrong{shown}")
    for place, (number, image) in enumerate(zip(worst, images[worst], strict=True), start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.imshow(np.broadcast_to(image, (*image.shape[:2], 3)), interpolation="nearest")
        axes.set_axis_off()
        true, given = (short(classes[label], NAME_OF_MISTAKE) for label in (labels[number], answers[number]))
        share = 100 * shares[number, answers[number]]
        axes.set_title(f"true {true}\npredicted {given}, {share:.0f} %", fontsize=9)
    return figure


def _kernel(layer: Any) -> Values:
    """Return a convolution's filters, shape (height, width, channels, filters)."""
    kernel = layer.depthwise_kernel if hasattr(layer, "depthwise_kernel") else layer.kernel
    import keras

    return np.asarray(keras.ops.convert_to_numpy(kernel), np.float32)


def _image(image: NDArray[np.uint8], label: str) -> "Figure":
    height, width = image.shape[:2]
    figure = new_figure(4.2, 0.5 + 4 * height / width)
    grey = {} if image.shape[-1] == 3 else {"cmap": "gray", "vmin": 0, "vmax": 1}
    title = f"image of {height}×{width}{f', is {short(label)}' if label else ''}"
    draw(figure.subplots(), image.astype(np.float32) / np.float32(255), title, **grey)
    return figure


def _before_and_after(stage: ConvBlock, before: Values | None, after: Values) -> "Figure":
    """Draw maps of shape (rows, columns, maps) after a nonlinearity, and before it if there is one."""
    rows, columns, count = after.shape
    panels = [("", after)]
    if before is not None:
        panels = [(f"before {stage.nonlinearity}", before), (f"after {stage.nonlinearity}", after)]
    canvases = [square_grid(maps.transpose(2, 0, 1)[..., np.newaxis]) for _, maps in panels]
    height = 0.9 + 4.6 * canvases[0].shape[0] / canvases[0].shape[1]
    figure = new_figure(5 * len(panels) + 0.6, height)
    figure.suptitle(f"{stage.name}: {count} maps of {rows}×{columns}{first_of(count)}", fontsize=11)
    largest = max(float(np.nanmax(np.abs(canvas))) for canvas in canvases) or 1.0
    axes = figure.subplots(1, len(panels), squeeze=False, gridspec_kw={"wspace": 0.05})[0]
    for each, canvas, (when, _) in zip(axes, canvases, panels, strict=True):
        drawn = draw(each, canvas, when, cmap="RdBu_r", vmin=-largest, vmax=largest)
    figure.colorbar(drawn, ax=axes, label="activation", fraction=0.04, pad=0.02)
    return figure
