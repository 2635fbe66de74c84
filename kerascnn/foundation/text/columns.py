"""Tables as aligned columns, side by side as far as they fit the width of a terminal."""

from collections.abc import Iterator, Sequence

from kerascnn.foundation.text.wrapping import GAP, cell_width, facts, padded, words, wrapped

COMFORTABLE, CROWDED = 30, 16  # columns that words keep if they can, and if they must

Column = Sequence[str]  # the heading first


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1, width: int | None = None
) -> str:
    """Return columns aligned by blanks, the first ``left`` of them to the left, the others to the right.

    Where they are wider than ``width``, headings and words are wrapped; then columns go below the others,
    each group of them behind the first column again; then every row becomes lines of its own.
    """
    columns = list(zip(header, *rows, strict=True))
    natural = [max(map(cell_width, column)) for column in columns]
    if width is None or _sum(natural) <= width:
        return _aligned(columns, natural, left)
    for kept in (COMFORTABLE, CROWDED):
        least = [_least(column, kept if position < left else 0) for position, column in enumerate(columns)]
        groups = _groups(least, width)
        fits = all(_sum([least[position] for position in group]) <= width for group in groups)
        if fits and len(groups) == 1:
            break
    if not fits:
        return _stacked(header, rows, width)
    shown = []
    for group in groups:
        wide, narrow = ([widths[position] for position in group] for widths in (natural, least))
        texts = sum(position < left for position in group)
        shown.append(_aligned([columns[position] for position in group], _shared(wide, narrow, width), texts))
    return "\n\n".join(shown)


def _sum(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _least(column: Column, kept: int) -> int:
    """Return how narrow a column may become: headings and words can be wrapped, numbers cannot.

    Args:
        kept: Columns that words keep if they can; 0 for a column of numbers.
    """
    heading, *cells = (max(cell_width(word) for _, word in words(cell)) for cell in column)
    whole = [cell_width(cell) for cell in column]
    if kept:
        return max([heading, *cells, min(max(whole), kept)])
    return max([heading, *whole[1:]])


def _groups(least: Sequence[int], width: int) -> list[list[int]]:
    """Return the columns that stand side by side, each time behind the first."""
    groups = [[0]]
    for position in range(1, len(least)):
        beside = [*groups[-1], position]
        if len(beside) > 2 and _sum([least[each] for each in beside]) > width:
            groups.append([0, position])
        else:
            groups[-1] = beside
    return groups


def _shared(natural: Sequence[int], least: Sequence[int], width: int) -> list[int]:
    """Return the widths of columns that share a line: the widest that can gives first."""
    widths = list(natural)
    while _sum(widths) > width:
        _, position = max((wide, position) for position, wide in enumerate(widths) if wide > least[position])
        widths[position] -= 1
    return widths


def _aligned(columns: Sequence[Column], widths: Sequence[int], left: int) -> str:
    heading, *rows = (
        [wrapped(cell, wide).split("\n") for cell, wide in zip(row, widths, strict=True)]
        for row in zip(*columns, strict=True)
    )
    tall = max(map(len, heading))
    standing = [[""] * (tall - len(cell)) + cell for cell in heading]  # on their rule
    lines = [*_lines(standing, widths, left), _joined("─" * width for width in widths)]
    return "\n".join([*lines, *(line for row in rows for line in _lines(row, widths, left))])


def _lines(row: Sequence[Sequence[str]], widths: Sequence[int], left: int) -> Iterator[str]:
    """Yield the lines of a row whose cells have some each."""
    for number in range(max(map(len, row))):
        yield _joined(
            padded(cell[number] if number < len(cell) else "", wide, right=position >= left)
            for position, (cell, wide) in enumerate(zip(row, widths, strict=True))
        )


def _joined(cells: Iterator[str]) -> str:
    return (" " * GAP).join(cells).rstrip()


def _stacked(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> str:
    """Return a row as its first cell and, below, the others beside their headings."""
    lines = []
    for first, *others in rows:
        named = wrapped(f"{header[0]}  {first}".strip(), width)
        below = facts([*zip(header[1:], others, strict=True)], width - GAP)
        lines += [named, *(" " * GAP + line for line in below.split("\n"))]
    return "\n".join(lines)
