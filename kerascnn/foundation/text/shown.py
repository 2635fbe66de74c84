"""Results that print as their command prints them and show tables in a notebook."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar

from kerascnn.foundation.text.escapes import printable
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wrapping import columns, facts, titled, wrapped

PROSE = 106  # columns of prose, where the terminal has as many
UNMEASURED = 80  # columns of a drawing, where there is no terminal


@dataclass(frozen=True)
class Facts:
    """Named values, one per line.

    Attributes:
        pairs: By name, or as pairs where a name comes twice.
        long: Whether values are sentences, which a terminal shows on several lines.
        title: A line above.
    """

    pairs: Mapping[str, str] | Sequence[tuple[str, str]]
    long: bool = False
    title: str = ""

    @property
    def _rows(self) -> list[tuple[str, str]]:
        return list(self.pairs.items() if isinstance(self.pairs, Mapping) else self.pairs)

    def text(self, width: int | None = None) -> str:
        """Return lines for a terminal of that width; ``None``: for none."""
        if not self.long:
            return titled(self.title, facts(self._rows, width), width)
        lines = facts(self._rows, _prose(width) - 2).split("\n")
        return titled(self.title, "\n".join(f"  {line}" for line in lines), width)

    def html(self) -> str:
        """Return an HTML table for a notebook."""
        return Table(("", ""), self._rows, left=2, title=self.title).html()


@dataclass(frozen=True)
class Prose:
    """Paragraphs, one per line, which are wrapped even where no terminal limits the width.

    Attributes:
        indent: Blanks before the continuation of a line.
    """

    paragraphs: str
    indent: str = ""

    def text(self, width: int | None = None) -> str:
        """Return wrapped lines for a terminal of that width; ``None``: for none."""
        return wrapped(self.paragraphs, _prose(width), self.indent)

    def html(self) -> str:
        """Return the lines for a notebook."""
        return _preformatted(self.text())


@dataclass(frozen=True)
class Drawing:
    """Lines of signs that are drawn for a width."""

    draw: Callable[[int], str]

    def text(self, width: int | None = None) -> str:
        """Return the drawing for a terminal of that width; ``None``: for none."""
        return self.draw(width or UNMEASURED)

    def html(self) -> str:
        """Return the drawing for a notebook."""
        return _preformatted(self.text())


#: A string has lines, which only a terminal wraps.
Block = str | Table | Facts | Prose | Drawing


class Shown:
    """A result that prints as its command prints it."""

    def blocks(self) -> Iterable[Block]:
        """Return the texts, tables and named values in their order."""
        raise NotImplementedError

    def to_dict(self) -> Any:
        """Return what the command prints with ``--json``."""
        raise NotImplementedError

    def text(self, width: int | None = None) -> str:
        """Return what a person reads, for a terminal of that width; ``None``: for none."""
        return printable("\n\n".join(filter(None, (in_text(block, width) for block in self.blocks()))))

    def __str__(self) -> str:
        return self.text(columns())

    def _repr_html_(self) -> str:
        return "\n".join(_html(block) for block in self.blocks())


Item = TypeVar("Item", bound=Shown)


class ShownList(Shown, list[Item]):
    """The list of results of one call."""

    def to_dict(self) -> list[Any]:
        """Return the list of each result's dictionary."""
        return [each.to_dict() for each in self]


def in_text(block: Block, width: int | None) -> str:
    """Return a part of a result for a terminal of that width; ``None``: for none."""
    return wrapped(block, width, "  ") if isinstance(block, str) else block.text(width)


def _prose(width: int | None) -> int:
    return PROSE if width is None else min(width, PROSE)


def _html(block: Block) -> str:
    return _preformatted(block) if isinstance(block, str) else block.html()


def _preformatted(text: str) -> str:
    return f"<pre>{escape(printable(text))}</pre>"
