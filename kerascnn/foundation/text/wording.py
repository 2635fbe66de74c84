"""Format numbers and text for people: aligned tables, named values, times, sizes."""

import textwrap
from collections.abc import Iterable, Sequence

WIDTH = 106  # columns of prose
DASH = "–"  # what is not known


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """Return a table aligned by spaces: the first ``left`` columns to the left, the others to the right."""
    from rich.cells import cell_len  # a Japanese name takes two columns a sign

    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    lines = []
    for row in [header, ["─" * width for width in widths], *rows]:
        cells = []
        for position, (cell, width) in enumerate(zip(row, widths, strict=True)):
            blanks = " " * (width - cell_len(cell))
            cells.append(cell + blanks if position < left else blanks + cell)
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and aligned values, one pair per line."""
    pairs = list(pairs)
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in pairs)


def folded(pairs: Iterable[tuple[str, str]]) -> str:
    """Return names and values, indented, with long values wrapped."""
    pairs = list(pairs)
    inset = max(len(name) for name, _ in pairs) + 2
    lines = [(name, textwrap.wrap(value, WIDTH - inset - 2)) for name, value in pairs]
    block = facts((name, ("\n" + " " * inset).join(value)) for name, value in lines)
    return textwrap.indent(block, "  ")


def duration(seconds: float) -> str:
    """Return a time in the unit that leaves one to three digits: "35 s", "21 min", "3.4 h"."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"


def size(count: int) -> str:
    """Return bytes in the unit that leaves one to four digits: "180 B", "60.9 KiB", "52.0 MiB"."""
    if count < 1024:
        return f"{count} B"
    return f"{count / 2**10:.1f} KiB" if count < 2**20 else f"{count / 2**20:,.1f} MiB"
