"""Results that print as their command prints them and show tables in a notebook."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, TypeVar

from kerascnn.foundation.text.escapes import printable
from kerascnn.foundation.text.tables import Table
from kerascnn.foundation.text.wording import facts, folded


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

    def __str__(self) -> str:
        text = (folded if self.long else facts)(self._rows)
        return f"{self.title}\n{text}" if self.title else text

    def html(self) -> str:
        """Return an HTML table for a notebook."""
        return Table(("", ""), self._rows, left=2, title=self.title).html()


Block = str | Table | Facts


class Shown:
    """A result that prints as its command prints it."""

    def blocks(self) -> Iterable[Block]:
        """Return the texts, tables and named values in their order."""
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
    """The list of results of one call."""

    def to_dict(self) -> list[Any]:
        """Return the list of each result's dictionary."""
        return [each.to_dict() for each in self]


def _html(block: Block) -> str:
    return f"<pre>{escape(printable(block))}</pre>" if isinstance(block, str) else block.html()
