"""A table, with one writer for each format: text, Markdown, CSV, LaTeX and HTML.

CSV has plain numbers and empty cells; the others show 1,000, and a dash for what is not known.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from kerascnn.foundation.text.columns import table
from kerascnn.foundation.text.escapes import in_csv, in_latex, in_markdown, printable
from kerascnn.foundation.text.wording import DASH
from kerascnn.foundation.text.wrapping import titled

Cell = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of cells below a header.

    Attributes:
        header: Titles of the columns, with their units.
        rows: A cell for each column; ``None`` is not known.
        left: How many columns hold words, aligned to the left; the others hold numbers.
        title: A line above.
        total: The last row, left out in CSV so that a column can be added up.
        keys: Names of the columns in CSV, the titles where there are none.
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    left: int = 1
    title: str = ""
    total: Sequence[Cell] = ()
    keys: Sequence[str] = ()

    def text(self, width: int | None = None) -> str:
        """Return aligned columns for a terminal of that width; ``None``: for none."""
        return titled(self.title, table(self.header, self._shown, left=self.left, width=width), width)

    def markdown(self) -> str:
        """Return a Markdown table, below its title in bold."""
        rules = [":---" if position < self.left else "---:" for position in range(len(self.header))]
        rows = [self.header, *self._shown]
        first, *others = [_markdown_row(map(in_markdown, row)) for row in rows]
        lines = "\n".join([first, _markdown_row(rules), *others])
        return f"**{in_markdown(self.title)}**\n\n{lines}" if self.title else lines

    def csv(self) -> str:
        """Return CSV: a header of keys, plain numbers, 28x28x6 for a volume, empty cells for the unknown."""
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(in_csv(key) for key in self.keys or self.header)
        for row in self.rows:
            writer.writerow("" if cell is None else in_csv(str(cell).replace("×", "x")) for cell in row)
        return written.getvalue()

    def latex(self) -> str:
        """Return a ``tabular`` for a document with ``\\usepackage{booktabs}``."""
        title = rf"\multicolumn{{{len(self.header)}}}{{l}}{{{in_latex(self.title)}}} \\"
        rows = [_latex_row(row) for row in self._shown]
        total = ["\\midrule", rows.pop()] if self.total else []
        return "\n".join(
            [
                f"\\begin{{tabular}}{{{'l' * self.left}{'r' * (len(self.header) - self.left)}}}",
                "\\toprule",
                *([title, "\\midrule"] if self.title else []),
                _latex_row(self.header),
                "\\midrule",
                *rows,
                *total,
                "\\bottomrule",
                "\\end{tabular}",
            ]
        )

    def html(self) -> str:
        """Return a ``<table>`` for a notebook."""
        style = _style(is_words=True)
        caption = f"<caption {style}>{_escaped(self.title)}</caption>" if self.title else ""
        head = self._html_row("th", self.header) if any(self.header) else ""
        body = "".join(self._html_row("td", row) for row in self._shown)
        return f"<table>{caption}<thead>{head}</thead><tbody>{body}</tbody></table>"

    @property
    def _shown(self) -> list[list[str]]:
        """Every row and the total, as people read figures."""
        return [[_shown(cell) for cell in row] for row in (*self.rows, *([self.total] if self.total else []))]

    def _html_row(self, tag: str, cells: Sequence[str]) -> str:
        styles = [_style(is_words=position < self.left) for position in range(len(self.header))]
        written = (
            f"<{tag} {style}>{_escaped(cell)}</{tag}>" for style, cell in zip(styles, cells, strict=True)
        )
        return f"<tr>{''.join(written)}</tr>"


def _shown(cell: Cell) -> str:
    if cell is None:
        return DASH
    return cell if isinstance(cell, str) else f"{cell:,}"


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _latex_row(cells: Sequence[str]) -> str:
    return f"{' & '.join(map(in_latex, cells))} \\\\"


def _style(*, is_words: bool) -> str:
    return f'style="text-align: {"left" if is_words else "right"}"'


def _escaped(text: str) -> str:
    return escape(printable(text))
