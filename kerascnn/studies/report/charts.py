"""Charts of a study, drawn from plain figures; each function returns a Matplotlib figure.

Heads differ in colour and in marker or line, so that nothing hangs on colour alone.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kerascnn.analysis.evaluation.reliability import Reliability
from kerascnn.analysis.profiling.profile import Profile
from kerascnn.figures.plots import BLUE, OKABE_ITO, VERMILION, new_figure, short
from kerascnn.models.heads import is_head_layer
from kerascnn.studies.results.by_class import ClassDifference
from kerascnn.studies.results.study import HeadResult
from kerascnn.training.records.history import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "osD^vP*X"  # one more than colours, so that both do not return together
LINES = ("-", "--", "-.", ":")
WIDE = 5.2  # inches: what is wider is not legible at the width of a phone
HALF = 4.7  # inches of one of two figures beside each other
ROW = 0.32  # inches of a bar or a point with its name
GRID = 0.3  # opacity


def parameters_of_layers(tables: Mapping[str, Profile]) -> "Figure":
    """Draw how many parameters each layer has, a panel a head.

    Args:
        tables: The layer table of each head's network.
    """
    kept = {name: [row for row in table.layers if row.parameters] for name, table in tables.items()}
    heights = [1 + len(rows) for rows in kept.values()]
    from matplotlib.patches import Patch
    from matplotlib.ticker import MaxNLocator

    figure = new_figure(WIDE, 0.9 + ROW * sum(heights))
    panels = figure.subplots(len(kept), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for axes, (name, rows) in zip(panels, kept.items(), strict=True):
        total = tables[name].parameters
        colours = [VERMILION if is_head_layer(row.name) else BLUE for row in rows]
        bars = axes.barh([row.name for row in rows], [row.parameters for row in rows], color=colours)
        texts = [f"{row.parameters:,} ({100 * row.parameters / total:.1f} %)" for row in rows]
        axes.bar_label(bars, texts, padding=3, fontsize=8)
        axes.set_title(f"{short(name)}: {total:,} parameters", fontsize=10)
        axes.invert_yaxis()
        axes.margins(x=0.35)
        axes.grid(axis="x", alpha=GRID)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter("{x:,.0f}")
    panels[-1].set_xlabel("trainable parameters")
    handles = [
        Patch(color=colour, label=label) for colour, label in ((BLUE, "before the head"), (VERMILION, "head"))
    ]
    figure.legend(handles=handles, frameon=False, loc="outside upper center", ncols=2)
    return figure


def accuracy_against_size(heads: Sequence[HeadResult]) -> "Figure":
    """Draw the int8 files' accuracy against their size, with intervals and the best of each size."""
    sizes = np.array([[head.bytes / 1000, 0.0] for head in heads])
    return _accuracy_against(heads, sizes, "int8 file in kB")


def accuracy_against_latency(heads: Sequence[HeadResult]) -> "Figure":
    """Draw the int8 files' accuracy against their time, with intervals and the best of each time."""
    times = np.array([[head.latency.median, head.latency.p95 - head.latency.median] for head in heads])
    return _accuracy_against(heads, times, "latency in µs, median to 95th percentile")


def _accuracy_against(heads: Sequence[HeadResult], costs: NDArray[np.float64], label: str) -> "Figure":
    figure = new_figure(HALF, 4)
    axes = figure.subplots()
    _against(axes, heads, costs)
    axes.set(xlabel=label, ylabel="int8 accuracy in %")
    _legend_above(figure, axes)
    return figure


def _legend_above(figure: "Figure", axes: "Axes") -> None:
    handles, names = axes.get_legend_handles_labels()
    figure.legend(handles, names, frameon=False, loc="outside upper center", ncols=min(len(names), 3))


def _against(axes: "Axes", heads: Sequence[HeadResult], costs: NDArray[np.float64]) -> None:
    """Draw accuracies against costs, shape (heads, 2): the cost, and how far it reaches upwards."""
    means = np.array([100 * head.int8.mean for head in heads])
    front = [
        place
        for place in np.lexsort((-means, costs[:, 0]))
        if not any((costs[:, 0] <= costs[place, 0]) & (means > means[place]))
    ]
    axes.plot(costs[front, 0], means[front], color="0.6", linewidth=1, label="Pareto front")
    for head, mean, (cost, reach), colour, marker in zip(
        heads, means, costs, cycle(OKABE_ITO), cycle(MARKERS)
    ):
        low, high = (100 * each for each in head.int8.interval)
        axes.errorbar(
            cost,
            mean,
            yerr=[[max(0, mean - low)], [max(0, high - mean)]],
            xerr=[[0], [reach]],
            color=colour,
            marker=marker,
            capsize=3,
            label=short(head.name),
        )
    axes.set_xscale("log")
    spread = (costs[:, 0] + costs[:, 1]).max() / costs[:, 0].min()
    from matplotlib.ticker import LogLocator, MaxNLocator

    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if spread > 8 else MaxNLocator(5))
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.minorticks_off()
    axes.margins(x=0.15)
    axes.grid(alpha=GRID)


def curves(histories: Mapping[str, Sequence[Sequence[Epoch]]], measure: str) -> "Figure":
    """Draw a measure over the epochs: the seeds' mean, and a band from the least to the greatest.

    Args:
        histories: Of each head the epochs of each seed; a seed that stopped early counts while it lasted.
        measure: ``loss`` or ``accuracy``.
    """
    from matplotlib.ticker import MaxNLocator

    unit, factor = (" in %", 100) if measure == "accuracy" else ("", 1)
    figure = new_figure(HALF, 5.4)
    panels = figure.subplots(2, 1, sharex=True)
    for axes, (prefix, images) in zip(panels, (("", "training"), ("val_", "validation")), strict=True):
        for (name, seeds), colour, line in zip(histories.items(), cycle(OKABE_ITO), cycle(LINES)):
            _band(axes, factor * _by_epoch(seeds, f"{prefix}{measure}"), name, colour, line)
        axes.set_ylabel(f"{images} {measure}{unit}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(alpha=GRID)
    longest = max(len(seed) for seeds in histories.values() for seed in seeds)
    edge = max(0.5, 0.04 * longest)  # at a single epoch too there is a whole number to mark
    panels[1].set(xlabel="epoch", xlim=(1 - edge, longest + edge))
    _legend_above(figure, panels[0])
    return figure


def _band(axes: "Axes", values: NDArray[np.float64], name: str, colour: str, line: str) -> None:
    """Draw mean, least and greatest of values, shape (seeds, epochs)."""
    epochs = np.arange(1, values.shape[1] + 1)
    marker = "o" if len(epochs) < 20 else ""  # a single epoch is a point, not a line
    mean = np.nanmean(values, axis=0)
    axes.plot(epochs, mean, color=colour, linestyle=line, marker=marker, markersize=4, label=short(name))
    low, high = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    axes.fill_between(epochs, low, high, color=colour, alpha=0.2, linewidth=0)


def _by_epoch(seeds: Sequence[Sequence[Epoch]], measure: str) -> NDArray[np.float64]:
    """Return a measure of every seed and epoch, shape (seeds, epochs); no number where a seed had stopped."""
    values = np.full((len(seeds), max(map(len, seeds))), np.nan)
    for row, seed in zip(values, seeds, strict=True):
        row[: len(seed)] = [dict(epoch)[measure] for epoch in seed]
    return values


def differences_of_classes(rows: Sequence[ClassDifference], a: str, b: str) -> "Figure":
    """Draw the accuracy of b minus that of a class by class.

    Args:
        rows: The classes in the order in which they are drawn.
        a: The one head; ``b``: the other.
    """
    figure = new_figure(WIDE, 1 + ROW * len(rows))
    axes = figure.subplots()
    places, found = range(len(rows)), [row.difference for row in rows]
    points = [each.points for each in found]
    reach = np.array([[each.points - each.low, each.high - each.points] for each in found]).T
    axes.axvline(0, color="0.4", linewidth=1)
    axes.errorbar(points, places, xerr=np.maximum(reach, 0), color=BLUE, marker="o", linestyle="", capsize=3)
    axes.set_yticks(places, [f"{short(row.name)} (n = {row.images:,})" for row in rows], fontsize=9)
    axes.set_xlabel(f"{short(b)} minus {short(a)} in points, 95 % interval")
    axes.invert_yaxis()
    axes.set_xlim(max(-105, axes.get_xlim()[0]), min(105, axes.get_xlim()[1]))
    axes.grid(axis="x", alpha=GRID)
    return figure


def reliability(floating: Reliability, int8: Reliability, name: str) -> "Figure":
    """Draw how often answers are right against how sure they are.

    Args:
        floating: Of the Keras models; ``int8``: of the int8 files.
        name: Of the head.
    """
    figure = new_figure(3.7, 4)
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color="0.6", linewidth=1, label="as stated")
    _answers(axes, floating, BLUE, "o", "-", "float")
    _answers(axes, int8, VERMILION, "s", "--", "int8")
    errors = f"error: float {100 * floating.error:.1f}, int8 {100 * int8.error:.1f} points"
    axes.set_title(f"{short(name)}\n{errors}", fontsize=9)
    axes.set(xlabel="stated probability in %", ylabel="right answers in %", xlim=(0, 103), ylim=(-3, 103))
    axes.grid(alpha=GRID)
    _legend_above(figure, axes)
    return figure


def _answers(axes: "Axes", found: Reliability, colour: str, marker: str, line: str, label: str) -> None:
    stated, correct = (
        100 * np.array([getattr(one, key) for one in found.bins]) for key in ("stated", "correct")
    )
    low, high = 100 * np.array([one.interval for one in found.bins]).T
    axes.errorbar(
        stated,
        correct,
        yerr=np.maximum([correct - low, high - correct], 0),
        color=colour,
        marker=marker,
        markersize=4,
        linestyle=line,
        capsize=2,
        label=label,
    )
