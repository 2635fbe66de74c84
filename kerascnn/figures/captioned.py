"""Figures with captions and alt texts, written as files and put into the sections of a page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kerascnn.figures.page import Picture, Section
from kerascnn.figures.plots import save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = {"svg": "svg+xml", "png": "png"}
PIXELS = 96  # of a page, in an inch


@dataclass(frozen=True)
class CaptionedFigure:
    """A figure with its file name, alt text and caption."""

    name: str
    figure: "Figure"
    alt: str
    caption: str


class Chapter(NamedTuple):
    """A section of a page with its figures."""

    section: Section
    figures: Sequence[CaptionedFigure] = ()

    def illustrated(self, folder: Path, forms: Sequence[str]) -> Section:
        """Write the figures in each format and return the section with the first format embedded.

        Args:
            folder: Folder for the files, which are named after the figures.
            forms: ``svg`` or ``png`` or both.
        """
        for figure in self.figures:
            for form in forms:
                save_figure(figure.figure, folder / f"{figure.name}.{form}")
                figure.figure.set_layout_engine("none")  # all stays where the first form has it
        pictures = [
            Picture(
                (folder / f"{each.name}.{forms[0]}").read_bytes(),
                each.alt,
                each.caption,
                KINDS[forms[0]],
                width=round(PIXELS * each.figure.get_figwidth()),
            )
            for each in self.figures
        ]
        return replace(self.section, pictures=pictures)
