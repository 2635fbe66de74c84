"""Plots of a run and of a source, as Matplotlib figures.

Matplotlib is loaded by the first figure: most commands that could draw one do not.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kerascnn.foundation.files import whole_file
from kerascnn.foundation.own_files import MAKER

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito's colours: colour-blind readers can tell them apart.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
ORANGE, SKY, YELLOW = "#E69F00", "#56B4E9", "#F0E442"
OKABE_ITO = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, YELLOW)
TRAINING, VALIDATION = BLUE, VERMILION

DPI = 120
CELL = 0.85  # inches of a row of a contact sheet: 96 pixels and the gap below them
NAME_POINTS = 10
METADATA = {".png": {"Software": MAKER}, ".svg": {"Title": MAKER, "Date": None}}
LONGEST_NAME = 24  # characters beside a row of images
NAMED = 40  # classes whose names and counts a confusion matrix has room for


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure as PNG or SVG, by the suffix; its folder is created."""
    from matplotlib import rc_context

    path.parent.mkdir(parents=True, exist_ok=True)
    # without its date, and with ids that are not drawn by lot, an SVG file is the same each time
    with whole_file(path) as aside, _any_script(), rc_context({"svg.hashsalt": path.stem}):
        figure.savefig(aside, dpi=DPI, metadata=METADATA.get(path.suffix))


@contextmanager
def _any_script() -> Iterator[None]:
    """Suppress warnings about names in a script missing from Matplotlib's font: they are drawn as boxes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def new_figure(
    width: float, height: float, layout: Literal["constrained"] | None = "constrained"
) -> "Figure":
    """Return an empty figure, with sides in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout=layout)


def learning_curves(history: Sequence[Mapping[str, Any]]) -> "Figure":
    """Draw loss and accuracy over the epochs.

    Args:
        history: The rows of ``history.csv``.
    """
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(9, 3.4)
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


def heatmaps(
    pixels: NDArray[np.uint8],
    extent: tuple[float, float, float, float],
    classes: Sequence[tuple[str, float, NDArray[np.float32]]],
) -> "Figure":
    """Draw maps of class scores over the image they were computed from, on one scale.

    Args:
        pixels: Shape (height, width, 1 or 3).
        extent: Area of the scores: (left, right, bottom, top) in pixels.
        classes: Name, probability for the whole image, and logits, shape (rows, columns).
    """
    height, width = pixels.shape[:2]
    count, wide = 1 + len(classes), width > 1.5 * height
    across, down = (1, count) if wide else (count, 1)
    panel = 8.0 if wide else max(12 / count, 3.0)  # inches
    size = across * panel + 1, down * (panel * height / width + 0.4) + 0.4
    figure = new_figure(*size)
    panels = list(figure.subplots(down, across).flat)
    for axes in panels:
        axes.imshow(np.broadcast_to(pixels, (height, width, 3)), extent=(0, width, height, 0))
        axes.set(title="image", xticks=[], yticks=[])
    logits = np.stack([scores for *_, scores in classes])
    for axes, (label, share, scores) in zip(panels[1:], classes, strict=True):
        # transparent enough to leave the image visible
        drawn = axes.imshow(scores, extent=extent, cmap="inferno", alpha=0.6, interpolation="bilinear")
        drawn.set_clim(logits.min(), logits.max())
        axes.set(title=f"{short(label)}: {100 * share:.1f} %", xlim=(0, width), ylim=(height, 0))
    figure.suptitle(f"class scores at {logits.shape[1]}×{logits.shape[2]} places")
    figure.colorbar(drawn, ax=panels, label="logit")
    return figure


def contact_sheet(rows: Sequence[NDArray[np.uint8]], classes: Sequence[str]) -> "Figure":
    """Draw some images of each class, one row per class.

    Args:
        rows: Images of each class, shape (n, height, width, 1 or 3), n may differ; all of one size.
        classes: Their names.
    """
    height, width = rows[0].shape[1:3]
    gap = max(height // 16, 1)
    columns = max(1, *(len(row) for row in rows))
    sheet = np.full((len(rows) * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for place, row in enumerate(rows):
        for column, image in enumerate(row):
            top, left = gap + place * (height + gap), gap + column * (width + gap)
            sheet[top : top + height, left : left + width] = image  # grey fills all three channels
    names = [short(name) for name in classes]
    beside = max(map(_inches, names)) + 0.2
    pixel = CELL / (height + gap)  # inches
    size = beside + sheet.shape[1] * pixel, sheet.shape[0] * pixel
    figure = new_figure(*size, layout=None)
    axes = figure.add_axes((beside / size[0], 0, 1 - beside / size[0], 1))
    axes.imshow(sheet, aspect="auto")
    middles = gap + np.arange(len(rows)) * (height + gap) + height / 2
    axes.set_yticks(middles, names, fontsize=NAME_POINTS)
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return figure


def _inches(name: str) -> float:
    """Return the width of a class name beside its row of images, in inches."""
    from matplotlib.textpath import TextPath

    with _any_script():
        return float(TextPath((0, 0), name, size=NAME_POINTS).get_extents().width) / 72


def short(name: str, longest: int = LONGEST_NAME) -> str:
    """Shorten a name for a figure and escape its dollar signs."""
    cut = name if len(name) <= longest else f"{name[: longest - 1]}…"
    return cut.replace("$", r"\$")


def confusion(
    counts: NDArray[np.int64] | NDArray[np.float64], classes: Sequence[str], name: str = ""
) -> "Figure":
    """Draw a confusion matrix; the shade is the share of the row.

    The number is that of the images, or where that is no whole one the share in per cent. Of more than 40
    classes names and numbers are left out: there is no room for them.

    Args:
        counts: Shape (classes, classes), rows are the truth; of several networks the mean.
        classes: Their names.
        name: Name of the network, if there are several.
    """
    named = len(classes) <= NAMED
    side = 1.2 + 0.4 * len(classes) if named else 9
    figure = new_figure(side, side)
    axes = figure.subplots()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    called = f"{short(name)}: " if name else ""
    drawn = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    whole = np.issubdtype(counts.dtype, np.integer)
    unit = "" if whole else ", % of a row"
    axes.set_title(f"{called}{counts.sum():,.0f} test images{unit}", fontsize=10)
    axes.set(xlabel="answer", ylabel="truth")
    if not named:
        axes.set(xlabel="predicted class, by number", ylabel="true class, by number")
        figure.colorbar(drawn, ax=axes, label="share of the class", fraction=0.04, pad=0.02)
        return figure
    for (truth, answer), count in np.ndenumerate(counts):
        if count:
            shade = "white" if shares[truth, answer] > 0.5 else "black"
            axes.text(
                answer,
                truth,
                f"{count}" if whole else _in_percent(shares[truth, answer]),
                ha="center",
                va="center",
                fontsize=8,
                color=shade,
            )
    ticks, names = range(len(classes)), [short(name) for name in classes]
    axes.set_xticks(ticks, names, rotation=0 if max(map(len, classes)) < 3 else 90)
    axes.set_yticks(ticks, names)
    return figure


def _in_percent(share: float) -> str:
    """Return a share above 0 in few signs: it is neither 0 nor, where anything is left of it, 100."""
    return "<0.1" if share < 0.0005 else f"{min(100 * share, 99.9):.1f}" if share < 1 else "100"


class Spread(NamedTuple):
    """A histogram of the same values before and after quantization.

    Attributes:
        borders: Edges of the bars, shape (bars + 1,).
        trained: Counts before, shape (bars,); ``quantized`` after.
    """

    borders: NDArray[np.floating[Any]]
    trained: NDArray[np.int64]
    quantized: NDArray[np.int64]


def noise_of_layers(rows: Sequence[tuple[str, float | None, float | None]], name: str = "") -> "Figure":
    """Plot the signal-to-quantization-noise ratio of each layer, larger values to the right.

    Args:
        rows: Of the layers in their order: name, what the layer itself adds, and all that has come together
            there, in dB; ``None`` where there is no noise: such a mark stands at the right edge.
        name: Name of the network, if there are several.
    """
    figure = new_figure(5.2, 1.4 + 0.42 * len(rows))
    axes = figure.subplots()
    known = [each for _, *both in rows for each in both if each is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    best = high + max(0.25 * (high - low), 3.0)
    places = np.arange(len(rows))
    for offset, colour, marker, label, column in (
        (-0.17, BLUE, "o", "its own noise", 1),
        (0.17, VERMILION, "s", "including inherited noise", 2),
    ):
        decibels = [row[column] for row in rows]
        shown = [best if each is None else each for each in decibels]
        axes.plot(shown, places + offset, marker, color=colour, markersize=5, label=label)
        for each, place, where in zip(decibels, places + offset, shown, strict=True):
            text = "no noise" if each is None else f"{each:.1f}"
            axes.annotate(text, (where, place), (6, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(places, [name for name, *_ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(low - 0.08 * (best - low), best + 0.22 * (best - low))
    axes.set_xlabel("signal-to-quantization-noise ratio in dB, higher is better")
    axes.set_title(short(name), fontsize=10)
    axes.grid(alpha=0.3)
    figure.legend(frameon=False, loc="outside upper center", ncols=2)
    return figure


def spreads_of_layers(rows: Sequence[tuple[str, Spread | None, Spread | None]]) -> "Figure":
    """Draw histograms of layers before and after quantization, one row per layer.

    Args:
        rows: Name, weights and activations of each layer; ``None`` where there are none.
    """
    figure = new_figure(9, 2.7 * len(rows))
    panels = figure.subplots(len(rows), 2, squeeze=False)
    for axes_of_row, (name, *spreads) in zip(panels, rows, strict=True):
        for axes, kind, spread in zip(axes_of_row, ("weights", "activations"), spreads, strict=True):
            if spread is None:
                axes.set_axis_off()
                axes.set_title(f"{name}: no quantized {kind}", fontsize=9)
                continue
            axes.stairs(spread.trained, spread.borders, color=BLUE, fill=True, alpha=0.4, label="float")
            axes.stairs(spread.quantized, spread.borders, color=VERMILION, label="quantized")
            axes.set_yscale("symlog")  # one value far out is a figure too, and 0 has no logarithm
            axes.set_title(f"{name}: {kind}", fontsize=9)
            axes.set(ylabel="values")
            axes.legend(frameon=False, fontsize=8)
    return figure
