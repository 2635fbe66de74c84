"""Drawings written as SVG text, the same each time, on a light ground that is legible in a dark page, too."""

from collections.abc import Sequence
from html import escape

from kerascnn.foundation.own_files import MAKER

INK, QUIET, GROUND = "#1b1f24", "#59636e", "#ffffff"
FONT = "system-ui, 'Noto Sans KR', sans-serif"
Point = tuple[float, float]


def drawing(width: float, height: float, title: str, parts: Sequence[str]) -> str:
    """Return an SVG file of a size in pixels; the title is for those who do not see it."""
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
            f'viewBox="0 0 {width:g} {height:g}" role="img" font-family="{FONT}">',
            f"<title>{escape(title)}</title>",
            f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{MAKER}</dc:title></metadata>',
            f'<rect width="100%" height="100%" rx="6" fill="{GROUND}"/>',
            *parts,
            "</svg>\n",
        ]
    )


def text(x: float, y: float, words: str, *, size: float = 12, anchor: str = "middle", fill: str = INK) -> str:
    """Return words, their baseline's middle, ``start`` or ``end`` at a point."""
    place = f'x="{x:g}" y="{y:g}" font-size="{size:g}" text-anchor="{anchor}" fill="{fill}"'
    return f"<text {place}>{escape(words)}</text>"


def rectangle(x: float, y: float, width: float, height: float, *, fill: str, stroke: str = INK) -> str:
    """Return a rectangle."""
    sides = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {sides} fill="{fill}" stroke="{stroke}"/>'


def polygon(points: Sequence[Point], *, fill: str, stroke: str = INK) -> str:
    """Return an area with a line around it."""
    return f'<polygon points="{_listed(points)}" fill="{fill}" stroke="{stroke}" stroke-linejoin="round"/>'


def line(points: Sequence[Point], *, stroke: str = INK, width: float = 1, dashed: bool = False) -> str:
    """Return a line through points."""
    dashes = ' stroke-dasharray="3 3"' if dashed else ""
    drawn = f'fill="none" stroke="{stroke}" stroke-width="{width:g}"{dashes}'
    return f'<polyline points="{_listed(points)}" {drawn}/>'


def arrow(start: Point, end: Point, *, stroke: str = INK) -> str:
    """Return a horizontal arrow to the right."""
    (x, y), back = end, end[0] - 6
    return line([start, end], stroke=stroke) + line([(back, y - 4), (x, y), (back, y + 4)], stroke=stroke)


def _listed(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
