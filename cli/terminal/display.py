"""The only voice of the command line: results go to stdout as text or as one JSON document."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from kerascnn.foundation.escapes import printable
from kerascnn.foundation.files import json_text

Result = TypeVar("Result")


def display(result: Result, *, as_json: bool, text: Callable[[Result], str]) -> None:
    """Print a result.

    Args:
        result: A result with ``to_dict()``, or a list of such.
        as_json: Whether to print JSON instead of text.
        text: Turns the result into what a person reads.
    """
    if as_json:
        click.echo(json_text(_plain(result)))
    else:
        click.echo(printable(text(result)))


def table(header: list[str], rows: list[list[str]], *, left: int = 1) -> str:
    """Return columns aligned by blanks, the first ``left`` of them to the left, the others to the right."""
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


def facts(pairs: dict[str, str]) -> str:
    """Return names and values, one pair a line, the values aligned."""
    width = max(len(name) for name in pairs)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in pairs.items())


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


def _plain(result: Any) -> Any:
    return [_plain(one) for one in result] if isinstance(result, list) else result.to_dict()
