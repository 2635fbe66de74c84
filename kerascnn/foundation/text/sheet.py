"""One sheet of figures in the forms people take along: text, Markdown, CSV, LaTeX.

Text, Markdown and LaTeX write 1,000 and a dash for what is not known; CSV has plain integers and empty cells.
"""

import csv
import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kerascnn.foundation.text.escapes import in_csv, in_latex, in_markdown
from kerascnn.foundation.text.shown import Block, Facts, Table
from kerascnn.foundation.text.wording import DASH, WIDTH

Cell = str | int | None


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: Its name in CSV.
        title: Its name for people.
        words: Whether it holds words, set to the left.
    """

    key: str
    title: str
    words: bool = False


@dataclass(frozen=True)
class Sheet:
    """A table with what belongs around it.

    Attributes:
        title: One line above.
        notes: Paragraphs above.
        rows: A cell for each column; ``None`` is not known.
        total: The last row, left out in CSV so that a column can be added up.
        details: Below: a heading and named lines for each row that has some.
    """

    title: str
    notes: Sequence[str]
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    total: Sequence[Cell]
    details: Sequence[tuple[str, dict[str, str]]] = ()


def blocks(sheet: Sheet) -> list[Block]:
    """Return the parts that a person reads."""
    above = [sheet.title, *(textwrap.fill(note, WIDTH) for note in sheet.notes)]
    titles = [column.title for column in sheet.columns]
    words = sum(column.words for column in sheet.columns)
    below = [Facts(told, long=True, title=heading) for heading, told in sheet.details]
    return ["\n".join(above), Table(titles, _cells(sheet), left=words), *below]


def text(sheet: Sheet) -> str:
    """Return aligned columns for a terminal."""
    return "\n\n".join(map(str, blocks(sheet)))


def markdown(sheet: Sheet) -> str:
    """Return a Markdown table, and a list for each row that has details."""
    titles = [column.title for column in sheet.columns]
    rules = [":---" if column.words else "---:" for column in sheet.columns]
    rows = [titles, rules, *([in_markdown(cell) for cell in row] for row in _cells(sheet))]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    below = [
        "\n".join(
            [f"**{in_markdown(heading)}**", "", *(f"- {name}: {value}" for name, value in told.items())]
        )
        for heading, told in sheet.details
    ]
    return "\n\n".join([f"**{in_markdown(sheet.title)}**", *sheet.notes, "\n".join(lines), *below])


def comma_separated(sheet: Sheet) -> str:
    """Return CSV: a header of keys, plain integers, nothing for what is not known; 28x28x6 for a volume."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(column.key for column in sheet.columns)
    for row in sheet.rows:
        writer.writerow("" if cell is None else in_csv(str(cell).replace("×", "x")) for cell in row)
    return written.getvalue().rstrip("\n")


def latex(sheet: Sheet) -> str:
    """Return a ``tabular`` for a document with ``\\usepackage{booktabs}``, and the details as a list."""
    *rows, total = [_latex_row(row) for row in _cells(sheet)]
    lines = [
        "% needs \\usepackage{booktabs}",
        *(f"% {line}" for note in sheet.notes for line in textwrap.wrap(note, WIDTH)),
        f"\\begin{{tabular}}{{{''.join('l' if column.words else 'r' for column in sheet.columns)}}}",
        "\\toprule",
        f"\\multicolumn{{{len(sheet.columns)}}}{{l}}{{{in_latex(sheet.title)}}} \\\\",
        "\\midrule",
        _latex_row([column.title for column in sheet.columns]),
        "\\midrule",
        *rows,
        "\\midrule",
        total,
        "\\bottomrule",
        "\\end{tabular}",
    ]
    items = [_latex_item(heading, told) for heading, told in sheet.details]
    return "\n".join([*lines, *(["", "\\begin{description}", *items, "\\end{description}"] if items else [])])


def _latex_row(cells: Sequence[str]) -> str:
    return f"{' & '.join(map(in_latex, cells))} \\\\"


def _latex_item(heading: str, told: dict[str, str]) -> str:
    values = "; ".join(f"{name}: {value}" for name, value in told.items())
    return f"\\item[{in_latex(heading)}] {in_latex(values)}"


def _cells(sheet: Sheet) -> list[list[str]]:
    """Return every row and the total, as people read figures."""
    return [[_read(cell) for cell in row] for row in (*sheet.rows, sheet.total)]


def _read(cell: Cell) -> str:
    if cell is None:
        return DASH
    return f"{cell:,}" if isinstance(cell, int) else cell


FORMATS: dict[str, Callable[[Sheet], str]] = {
    "table": text,
    "markdown": markdown,
    "csv": comma_separated,
    "latex": latex,
}
