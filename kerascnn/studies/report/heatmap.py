"""Small pictures for a gallery: a test image, and the same with a map of class scores on it, as PNG."""

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kerascnn.analysis.interpretability.class_activation import ClassMap

SIDE = 128  # pixels of the longer side
GAP = 6  # pixels between two pictures
OPACITY = 0.6  # of the map: the picture below stays visible


def enlarged(picture: Image.Image) -> Image.Image:
    """Return a picture at the gallery's size; small ones keep their pixels."""
    factor = SIDE / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    how = Image.Resampling.NEAREST if factor > 2 else Image.Resampling.BICUBIC
    return picture.convert("RGB").resize(size, how)


def heated(found: ClassMap, label: int) -> Image.Image:
    """Return the picture that entered a network, with the scores of one class on it: bright is high."""
    pixels = found.pixels
    picture = enlarged(Image.fromarray(pixels if pixels.shape[2] == 3 else pixels[..., 0]))
    factor = picture.width / pixels.shape[1]
    left, right, bottom, top = (round(factor * edge) for edge in found.extent)
    size = (max(1, right - left), max(1, bottom - top))
    heat = _coloured(found.scores[..., label]).resize(size, Image.Resampling.BILINEAR)
    below = picture.crop((left, top, left + size[0], top + size[1]))
    picture.paste(Image.blend(below, heat, OPACITY), (left, top))
    return picture


def _coloured(scores: NDArray[np.float32]) -> Image.Image:
    """Return scores, shape (rows, columns), as colours from the least to the greatest of them."""
    from matplotlib import colormaps

    shares = (scores - scores.min()) / max(float(np.ptp(scores)), 1e-9)
    colours = (255 * colormaps["inferno"](shares)[..., :3]).astype(np.uint8)
    return Image.fromarray(colours)


def side_by_side(pictures: Sequence[Image.Image]) -> bytes:
    """Return pictures in one row as the content of a PNG file."""
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    row = Image.new("RGB", (width, max(picture.height for picture in pictures)), "white")
    left = 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width + GAP
    content = io.BytesIO()
    row.save(content, "PNG", optimize=True)
    return content.getvalue()
