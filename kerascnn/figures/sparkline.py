"""A curve as small as a word, for a cell of a table."""

from collections.abc import Sequence

WIDTH, HEIGHT, MARGIN = 120, 24, 3  # pixels
COLOUR = "#0072B2"  # legible on light and on dark


def sparkline(values: Sequence[float]) -> bytes:
    """Return an SVG file: the least value at the bottom, the greatest at the top, a dot at the last one."""
    low, high = min(values), max(values)
    step = (WIDTH - 2 * MARGIN) / max(len(values) - 1, 1)
    scale = (HEIGHT - 2 * MARGIN) / (high - low or 1.0)
    points = [(MARGIN + n * step, HEIGHT - MARGIN - (value - low) * scale) for n, value in enumerate(values)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}">'
        f'<polyline points="{line}" fill="none" stroke="{COLOUR}" stroke-width="1.5"/>'
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{COLOUR}"/></svg>'
    ).encode()
