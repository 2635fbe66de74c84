"""Draw a filter that slides over one row of pixels, with characters.

Windows and cells (pixels and zeros of the padding) are numbered from 0; where the numbers jump, something is
left out.
"""

from collections.abc import Iterator
from itertools import accumulate, pairwise

from kerascnn.arithmetic.layer import output_side, padded_side
from kerascnn.foundation.text.wording import counted
from kerascnn.foundation.text.wrapping import wrapped

PIXEL, ZERO, FILTER, LEFT_OUT, AND_SO_ON = "■", "□", "━", "…", "⋮"
MOST_WINDOWS = 8


def legend(padding: int, window: str = "filter") -> str:
    """Return the legend of the drawing."""
    zero = f"{ZERO} zero of the padding  " if padding else ""
    return f"{PIXEL} pixel  {zero}{FILTER} {window}, with the number of the value it gives"


def drawn_row(
    side: int, kernel: int, stride: int, padding: int, columns: int, *, window: str = "filter"
) -> str:
    """Return one row of the input with the windows below, titled; nothing if there is no room.

    Args:
        side: Pixels of the row; the window must fit.
        kernel: Pixels of the window.
        stride: Pixels from one window to the next.
        padding: Zeros on each end.
        columns: Width of the terminal.
        window: What slides, in a word.
    """
    picture = sliding_filter(side, kernel, stride, padding, columns=columns)
    places = output_side(side, kernel, stride, padding)
    zeros = f" between 2·{padding} zeros" if padding else ""
    pixels = f"{counted(side, 'pixel')}{zeros}"
    title = f"One row: {pixels}, the {window} at each of its {places} places"
    above = wrapped(f"{title}\n{legend(padding, window)}", columns)
    return "\n".join([above, "", *picture]) if picture else ""


def sliding_filter(side: int, kernel: int, stride: int, padding: int, *, columns: int) -> list[str]:
    """Return the row and its windows, abbreviated to the width; no line if nothing fits.

    Args:
        side: Pixels of the row; the filter must fit.
        kernel: Pixels of the filter.
        stride: Pixels from one window to the next.
        padding: Zeros on each end.
        columns: Width of the terminal.
    """
    padded, windows = padded_side(side, padding), output_side(side, kernel, stride, padding)
    if kernel > columns:
        return []
    for shown, cells in _choices(padded, windows, kernel, stride, columns):
        for pitch in (2, 1):
            at = _columns_of(cells, pitch)
            bars = list(_bars(shown, at, kernel, stride))
            row = _row(at, pitch, range(padding, padding + side))
            if len(row) + 2 + len(str(windows)) <= columns:
                return [row, *(f"{bar.ljust(len(row))}  {end:>{len(str(windows))}}" for bar, end in bars)]
    return []


def _choices(
    padded: int, windows: int, kernel: int, stride: int, columns: int
) -> Iterator[tuple[list[int], list[int]]]:
    """Yield choices of windows and cells to show, the most detailed first."""
    if padded <= columns:
        yield _ends(windows, 3 if windows > MOST_WINDOWS else windows), list(range(padded))
    for first in (3, 2, 1):
        shown = _ends(windows, first)
        seen = {cell for n in shown for cell in range(n * stride, n * stride + kernel + 1) if cell < padded}
        yield shown, sorted(seen)


def _ends(windows: int, first: int) -> list[int]:
    """Return the first windows and the last."""
    return sorted({*range(min(first, windows)), windows - 1})


def _columns_of(cells: list[int], pitch: int) -> dict[int, int]:
    """Return the column of each cell, with a gap where cells are left out."""
    steps = [pitch if after == before + 1 else 2 * pitch for before, after in pairwise(cells)]
    return dict(zip(cells, accumulate(steps, initial=0), strict=True))


def _row(at: dict[int, int], pitch: int, pixels: range) -> str:
    signs = [LEFT_OUT] * (max(at.values()) // pitch + 1)
    for cell, column in at.items():
        signs[column // pitch] = PIXEL if cell in pixels else ZERO
    return (" " * (pitch - 1)).join(signs)


def _bars(shown: list[int], at: dict[int, int], kernel: int, stride: int) -> Iterator[tuple[str, str]]:
    """Yield a bar below the cells of each window, with the window's number counted from 1."""
    start, before = 0, -1
    for number in shown:
        end = at[number * stride + kernel - 1]
        if number > before + 1:
            yield " " * ((start + end) // 2) + AND_SO_ON, AND_SO_ON
        start, before = at[number * stride], number
        yield " " * start + FILTER * (end - start + 1), str(number + 1)
