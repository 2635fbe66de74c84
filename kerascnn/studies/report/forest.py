"""All differences of a study in one figure: points with their intervals, and the margin as a band."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kerascnn.analysis.evaluation.significance import PairedDifference
from kerascnn.figures.plots import BLUE, VERMILION, new_figure, short
from kerascnn.studies.results.verdict import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.9  # inches
LINE = 0.23  # inches of a difference, and of the line that names what is compared
LOOKS = ((BLUE, "o"), (VERMILION, "s"))

#: A name of what is compared, and its differences by what they are of: ``float``, ``int8``.
Row = tuple[str, Mapping[str, PairedDifference]]


def forest(rows: Sequence[Row], margin: float) -> "Figure":
    """Draw differences below each other, each with its interval and in numbers.

    Args:
        rows: At least one; all have differences of the same kinds, two at most.
        margin: Points within which two accuracies count as equivalent.
    """
    lines = sum(1 + len(found) for _, found in rows)
    figure = new_figure(WIDTH, 1.2 + LINE * (lines + 0.4 * len(rows)))
    axes = figure.subplots()
    axes.axvspan(-margin, margin, color="0.85", label=f"within ±{margin:g}", zorder=0)
    axes.axvline(0, color="0.3", linewidth=1, zorder=1)
    place = 0.0
    for name, differences in rows:
        axes.text(0, place, short(name, 60), transform=axes.get_yaxis_transform(), va="center", fontsize=9)
        for (kind, found), look in zip(differences.items(), LOOKS, strict=False):
            place += 1
            _draw(axes, found, place, look, kind if name == rows[0][0] else None)
        place += 1.4
    axes.set(ylim=(place - 0.5, -0.9), yticks=[], xlabel="difference of accuracy in points")
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.margins(x=0.08)
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x", alpha=0.3)
    figure.legend(frameon=False, loc="outside upper center", ncols=3, fontsize=9, handletextpad=0.3)
    return figure


def _draw(
    axes: "Axes", found: PairedDifference, place: float, look: tuple[str, str], label: str | None
) -> None:
    """Draw one difference, and at the right edge its numbers."""
    colour, marker = look
    reach = [[max(0.0, found.points - found.low)], [max(0.0, found.high - found.points)]]
    axes.errorbar(
        found.points, place, xerr=reach, color=colour, marker=marker, linestyle="", capsize=3, label=label
    )
    numbers = f"{signed(found.points)} ({signed(found.low)} to {signed(found.high)})"
    transform = axes.get_yaxis_transform()
    axes.text(1.02, place, numbers, transform=transform, va="center", fontsize=8, color=colour)
