"""How a result shows itself: where it is printed as its command prints it, in a notebook as tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar

from kerascnn.foundation.text.escapes import printable
from kerascnn.foundation.text.wording import facts, folded, table

_NUMBERS, _WORDS = ("text-align: right", "text-align: left")


@dataclass(frozen=True)
class Table:
    """Rows of cells.

    Attributes:
        left: How many columns hold words, set to the left.
        title: A line above.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    left: int = 1
    title: str = ""

    def __str__(self) -> str:
        return _titled(self.title, table(self.header, self.rows, left=self.left))

    def html(self) -> str:
        """Return it for a notebook."""
        return _html_table([*([self.header] if any(self.header) else [])], self.rows, self.left, self.title)


@dataclass(frozen=True)
class Facts:
    """Names and values, a line each.

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

    def __str__(self) -> str:
        return _titled(self.title, (folded if self.long else facts)(self._rows))

    def html(self) -> str:
        """Return it for a notebook."""
        return _html_table([], self._rows, 2, self.title)


Block = str | Table | Facts


class Shown:
    """A result that prints what its command prints."""

    def blocks(self) -> Iterable[Block]:
        """Return the parts of it that a person reads."""
        raise NotImplementedError

    def to_dict(self) -> Any:
        """Return what the command prints with ``--json``."""
        raise NotImplementedError

    def __str__(self) -> str:
        return printable("\n\n".join(str(block) for block in self.blocks()))

    def _repr_html_(self) -> str:
        return "\n".join(_html(block) for block in self.blocks())


Item = TypeVar("Item", bound=Shown)


class ShownList(Shown, list[Item]):
    """Several results of one call."""

    def to_dict(self) -> list[Any]:
        """Return each one's, in a list."""
        return [each.to_dict() for each in self]


def _titled(title: str, text: str) -> str:
    return f"{title}\n{text}" if title else text


def _html(block: Block) -> str:
    return f"<pre>{_safe(block)}</pre>" if isinstance(block, str) else block.html()


def _html_table(header: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], left: int, title: str) -> str:
    caption = f"<caption {_style(_WORDS)}>{_safe(title)}</caption>" if title else ""
    head = "".join(_row("th", cells, left) for cells in header)
    body = "".join(_row("td", cells, left) for cells in rows)
    return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"


def _row(tag: str, cells: Sequence[str], left: int) -> str:
    styles = [_style(_WORDS if position < left else _NUMBERS) for position in range(len(cells))]
    written = (f"<{tag} {style}>{_safe(cell)}</{tag}>" for style, cell in zip(styles, cells, strict=True))
    return f"<tr>{''.join(written)}</tr>"


def _style(alignment: str) -> str:
    return f'style="{alignment}"'


def _safe(text: str) -> str:
    return escape(printable(text))
