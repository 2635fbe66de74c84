"""A table with the text around it, in four formats: text, Markdown, CSV, LaTeX."""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from kerascnn.foundation.text.escapes import in_latex, in_markdown
from kerascnn.foundation.text.shown import PROSE, Block, Facts, Prose, in_text
from kerascnn.foundation.text.tables import Table


@dataclass(frozen=True)
class Sheet:
    """A table with the text around it.

    Attributes:
        table: With a title.
        notes: Paragraphs between title and table.
        details: Below: a heading and named lines for each row that has some.
    """

    table: Table
    notes: Sequence[str] = ()
    details: Sequence[tuple[str, dict[str, str]]] = ()


def blocks(sheet: Sheet) -> list[Block]:
    """Return the texts, the table and the named lines in their order."""
    above = Prose("\n".join([sheet.table.title, *sheet.notes]))
    below = [Facts(lines, long=True, title=heading) for heading, lines in sheet.details]
    return [above, replace(sheet.table, title=""), *below]


def text(sheet: Sheet) -> str:
    """Return aligned columns for a terminal."""
    return "\n\n".join(in_text(block, None) for block in blocks(sheet))


def markdown(sheet: Sheet) -> str:
    """Return a Markdown table, and a list for each row that has details."""
    below = [
        "\n".join(
            [f"**{in_markdown(heading)}**", "", *(f"- {name}: {value}" for name, value in lines.items())]
        )
        for heading, lines in sheet.details
    ]
    above = [f"**{in_markdown(sheet.table.title)}**", *sheet.notes]
    return "\n\n".join([*above, replace(sheet.table, title="").markdown(), *below])


def comma_separated(sheet: Sheet) -> str:
    """Return the table alone as CSV."""
    return sheet.table.csv().rstrip("\n")


def latex(sheet: Sheet) -> str:
    """Return a ``tabular`` with the notes as comments, and the details as a list."""
    comments = [f"% {line}" for note in sheet.notes for line in textwrap.wrap(note, PROSE)]
    items = [_latex_item(heading, lines) for heading, lines in sheet.details]
    below = ["", "\\begin{description}", *items, "\\end{description}"] if items else []
    return "\n".join(["% needs \\usepackage{booktabs}", *comments, sheet.table.latex(), *below])


def _latex_item(heading: str, lines: dict[str, str]) -> str:
    values = "; ".join(f"{name}: {value}" for name, value in lines.items())
    return f"\\item[{in_latex(heading)}] {in_latex(values)}"


FORMATS: dict[str, Callable[[Sheet], str]] = {
    "table": text,
    "markdown": markdown,
    "csv": comma_separated,
    "latex": latex,
}
