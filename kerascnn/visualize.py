"""Figures of a run and of a source; each function returns a Matplotlib figure."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from kerascnn.files import whole_file

# Okabe & Ito's blue and vermilion: colour-blind readers can tell them apart.
TRAINING, VALIDATION = "#0072B2", "#D55E00"

DPI = 120
CELL = 0.85  # inches of a row of a contact sheet: 96 pixels and the gap below them
NAME_POINTS = 10
TALLEST = 400  # inches of a figure: Matplotlib draws at most 65,536 pixels
LONGEST_NAME = 24  # characters beside a row of pictures


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, whole; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as aside, _any_script():
        figure.savefig(aside, dpi=DPI)


@contextmanager
def _any_script() -> Iterator[None]:
    """Let names be written in a script that Matplotlib's font lacks: they are drawn as boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def learning_curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw loss and accuracy over the epochs.

    Args:
        history: The rows of ``history.csv``.
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    epochs = [row["epoch"] for row in history]
    marker = "o" if len(epochs) < 20 else ""  # a single epoch is a point, not a line
    for axes, measure in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[measure] for row in history], color=TRAINING, marker=marker, label="training")
        axes.plot(
            epochs,
            [row[f"val_{measure}"] for row in history],
            color=VALIDATION,
            linestyle="--",
            marker=marker,
            label="validation",
        )
        axes.set(xlabel="epoch", ylabel=measure)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return figure


def heatmap(
    pixels: NDArray[np.uint8],
    scores: NDArray[np.float32],
    extent: tuple[float, float, float, float],
    label: str,
    share: float,
) -> Figure:
    """Draw a map of one class's scores over the picture it was computed from.

    Args:
        pixels: Shape (height, width, 1 or 3).
        scores: Logits, shape (rows, columns).
        extent: What the scores cover: (left, right, bottom, top) in pixels.
        label: The class, ``share`` its probability for the whole picture.
    """
    height, width = pixels.shape[:2]
    wide = width > 1.5 * height
    size = (9, 1.6 + 17 * height / width) if wide else (9, 0.8 + 3.9 * height / width)
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(*((2, 1) if wide else (1, 2)))
    titles = "picture", f"score of {label} at {scores.shape[0]}×{scores.shape[1]} places ({share:.1%})"
    for axes, title in zip(panels, titles, strict=True):
        axes.imshow(np.broadcast_to(pixels, (height, width, 3)), extent=(0, width, height, 0))
        axes.set(title=title, xticks=[], yticks=[])
    # transparent enough to leave the picture visible
    drawn = panels[1].imshow(scores, extent=extent, cmap="inferno", alpha=0.6, interpolation="bilinear")
    panels[1].set(xlim=(0, width), ylim=(height, 0))
    figure.colorbar(drawn, ax=panels[1], label="logit")
    return figure


def contact_sheet(rows: Sequence[NDArray[np.uint8]], classes: Sequence[str]) -> Figure:
    """Draw some pictures of each class, a row a class.

    Args:
        rows: Pictures of each class, shape (n, height, width, 1 or 3), n may differ; all of one size.
        classes: Their names.
    """
    height, width = rows[0].shape[1:3]
    gap = max(height // 16, 1)
    columns = max(1, *(len(row) for row in rows))
    sheet = np.full((len(rows) * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for place, row in enumerate(rows):
        for column, picture in enumerate(row):
            top, left = gap + place * (height + gap), gap + column * (width + gap)
            sheet[top : top + height, left : left + width] = picture  # grey fills all three channels
    cell, names = min(CELL, TALLEST / len(rows)), [_short(name) for name in classes]
    beside = max(map(_inches, names)) + 0.2
    pixel = cell / (height + gap)  # inches
    size = beside + sheet.shape[1] * pixel, sheet.shape[0] * pixel
    figure = Figure(figsize=size)
    axes = figure.add_axes((beside / size[0], 0, 1 - beside / size[0], 1))
    axes.imshow(sheet, aspect="auto")
    middles = gap + np.arange(len(rows)) * (height + gap) + height / 2
    axes.set_yticks(middles, names, fontsize=NAME_POINTS)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _inches(name: str) -> float:
    """Return how wide a name is drawn beside a row of pictures."""
    with _any_script():
        return float(TextPath((0, 0), name, size=NAME_POINTS).get_extents().width) / 72


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def confusion(counts: NDArray[np.int64], classes: Sequence[str]) -> Figure:
    """Draw a confusion matrix; the shade is the share of the row, the number the count.

    Args:
        counts: Shape (classes, classes), rows are the truth.
        classes: Their names.
    """
    side = 2 + 0.45 * len(classes)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (truth, answer), count in np.ndenumerate(counts):
        if count:
            shade = "white" if shares[truth, answer] > 0.5 else "black"
            axes.text(answer, truth, str(count), ha="center", va="center", fontsize=8, color=shade)
    ticks = range(len(classes))
    axes.set_xticks(ticks, classes, rotation=0 if max(map(len, classes)) < 3 else 90)
    axes.set_yticks(ticks, classes)
    axes.set(xlabel="answer", ylabel="truth", title=f"{counts.sum():,} test images")
    return figure
