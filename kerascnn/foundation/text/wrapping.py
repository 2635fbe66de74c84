"""Text that fits the width of a terminal: lines are broken between words only."""

import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Sequence

NARROWEST = 20  # columns; below that nothing is fitted any further
GAP = 2  # blanks between columns
_BLANKS = re.compile(" +(?!%)")  # a number stays beside its per cent
_COMMAND = re.compile("(kerascnn|sudo|python) ")
_ARGUMENT = re.compile("(?:'[^']*'|[^' ])+")  # a shell takes what is in quotes as it is


def columns() -> int | None:
    """Return the width of the terminal that stdout is, or ``COLUMNS``; ``None`` where there is neither."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return max(int(given), NARROWEST)
    try:
        measured = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError, AttributeError):  # a file, a pipe, a notebook, no stdout at all
        return None
    return max(measured, NARROWEST) if measured else None


def wrapped(text: str, width: int | None, indent: str = "") -> str:
    """Return a text with its lines broken between words; a longer word stands alone.

    Args:
        text: Lines; what a line becomes keeps the blanks it begins with.
        width: Columns; ``None`` leaves the text as it is.
        indent: What stands before the continuation of a line.

    >>> wrapped("one two three", 8)
    'one two\\nthree'
    """
    if width is None:
        return text
    return "\n".join(part for line in text.split("\n") for part in _wrapped(line, width, indent))


def facts(pairs: Sequence[tuple[str, str]], width: int | None = None) -> str:
    """Return names and values, one pair a line, the values aligned; below its name where one has no room."""
    inset = max(cell_width(name) for name, _ in pairs) + GAP
    lines = []
    for name, value in pairs:
        room = None if width is None else width - inset
        if width and room is not None and (inset > width // 2 or _longest(value) > room):
            value = _value(value, width - GAP).replace("\n", "\n" + " " * GAP)
            lines += [wrapped(name, width), " " * GAP + value]
        else:
            lines.append(padded(name, inset) + _value(value, room).replace("\n", "\n" + " " * inset))
    return "\n".join(line.rstrip() for line in lines)


def titled(title: str, text: str, width: int | None) -> str:
    """Return a text below its title, if it has one."""
    return f"{wrapped(title, width, '  ')}\n{text}" if title else text


def cell_width(text: str) -> int:
    """Return the columns that a text takes on a terminal: a Japanese name takes two for each sign."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Return a text with blanks behind it, or before it where it is set to the right."""
    blanks = " " * (width - cell_width(text))
    return blanks + text if right else text + blanks


def words(text: str) -> list[tuple[str, str]]:
    """Return each word with the blanks before it.

    >>> words("50 % of  it")
    [('', '50 %'), (' ', 'of'), ('  ', 'it')]
    """
    gaps = [(0, 0), *(found.span() for found in _BLANKS.finditer(text))]
    ends = [*(start for start, _ in gaps[1:]), len(text)]
    return [(text[start:stop], text[stop:end]) for (start, stop), end in zip(gaps, ends, strict=True)]


def _value(value: str, width: int | None) -> str:
    """Return a value with its lines broken; a command can still be copied."""
    if width is None or not _COMMAND.match(value) or cell_width(value) <= width:
        return wrapped(value, width)
    arguments = [(" ", argument) for argument in _ARGUMENT.findall(value)]
    return " \\\n".join(_filled(arguments, width - 2, "  "))


def _longest(value: str) -> int:
    return max(cell_width(word) for _, word in words(value))


def _cells(sign: str) -> int:
    if unicodedata.category(sign) in ("Mn", "Me", "Cf"):  # drawn over the sign before it, or not at all
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def _wrapped(line: str, width: int, indent: str) -> list[str]:
    content = line.lstrip(" ")
    margin = " " * (len(line) - len(content))
    return [margin + each for each in _filled(words(content), width - len(margin), indent)]


def _filled(parts: Iterable[tuple[str, str]], width: int, indent: str) -> list[str]:
    """Return lines of as many words as fit, each word with the blanks before it."""
    lines = [""]
    for gap, word in parts:
        longer = lines[-1] + gap + word if lines[-1] else word
        if lines[-1].strip() and cell_width(longer) > width:
            lines.append(indent + word)
        else:
            lines[-1] = longer
    return lines
