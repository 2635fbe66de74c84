"""Figures of a run; each function returns a Matplotlib figure."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

# Okabe & Ito's blue and vermilion: colour-blind readers can tell them apart.
TRAINING, VALIDATION = "#0072B2", "#D55E00"


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
