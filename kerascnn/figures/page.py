"""A page as a single HTML file without other files."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from kerascnn.foundation.own_files import MAKER

TEMPLATE = "page.html.jinja"
WIDE = 560  # pixels; a figure of that width can still be read where it is shown at 350


@dataclass(frozen=True)
class Picture:
    """A figure on a page.

    Attributes:
        content: Of a PNG file, or of one of another ``kind``.
        alt: Alternative text; ``caption`` is the text below it.
        kind: ``png`` or ``svg+xml``.
        heading: What stands out of the caption.
        width: In pixels of a page, where it is shown at its own size.
    """

    content: bytes
    alt: str
    caption: str
    kind: str = "png"
    heading: str = ""
    width: int | None = None

    @property
    def is_wide(self) -> bool:
        """Whether it would be illegible at the width of a phone: there it slides sideways."""
        return self.width is not None and self.width > WIDE

    @property
    def address(self) -> str:
        """The figure as a ``data:`` address, so that the page needs no other file."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode('ascii')}"


class Cell(NamedTuple):
    """A cell of a table.

    Attributes:
        order: The number it is sorted by, ``None`` to sort by the text.
        link: Where its text leads, from the page's folder.
        picture: Beside its text.
    """

    text: str
    order: float | None = None
    link: str = ""
    picture: Picture | None = None


@dataclass(frozen=True)
class Table:
    """A table on a page; with JavaScript, readers can sort it by any column.

    The first cell of a row is its heading.

    Attributes:
        columns: Their headings.
        rows: All have all columns.
        stacks: Whether on a phone each row becomes a list, so that all of it is seen at once.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    stacks: bool = False


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes:
        title: Its heading.
        text: A paragraph below it.
        facts: Names and values, listed.
        pictures: Its figures.
        lead: Paragraphs that stand out; ``notes`` are listed below them.
        table: Below the text.
        code: Commands to type.
        gallery: Small pictures beside each other, below the figures; a caption may have several lines.
        beside: Whether the figures stand beside the rest where the window is wide.
    """

    title: str
    text: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()
    lead: Sequence[str] = ()
    notes: Sequence[str] = ()
    table: Table | None = None
    code: str = ""
    gallery: Sequence[Picture] = ()
    beside: bool = False


@dataclass(frozen=True)
class Part:
    """Sections under one heading, folded away until a reader opens them."""

    title: str
    sections: Sequence[Section]


def page(title: str, sections: Sequence[Section], parts: Sequence[Part] = ()) -> str:
    """Return the HTML document; all texts are escaped.

    Args:
        title: Its heading.
        sections: What is seen at once.
        parts: Below them, folded.
    """
    template = _environment().get_template(TEMPLATE)
    return template.render(title=title, sections=sections, parts=parts, generator=MAKER)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
