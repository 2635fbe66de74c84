"""From an image file to a model's input, with Pillow and NumPy alone.

The file itself lies in every bundle beside ``run.py``, so that a device computes the same bytes.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

WHITES = (1.0, 255.0, 4_095.0, 65_535.0)
LARGE = 40_000_000  # pixels; a larger JPEG file is decoded at a half, a quarter or an eighth of its size
ENOUGH = 1_024  # pixels that its shorter side has at least then


def upright(source: Any) -> tuple[Image.Image, str]:
    """Decode an image file upright, in mode L or RGB, transparency on white; large ones smaller.

    Args:
        source: A path or an open binary file, known by its content; of several images in it the first.

    Returns:
        The image, and the file's format and mode, for instance ``JPEG RGB``.

    Raises:
        Exception: Whatever Pillow's decoder of the format meets in a damaged file.
    """
    with Image.open(source, formats=formats()) as opened:
        if opened.width * opened.height > (Image.MAX_IMAGE_PIXELS or np.inf):
            raise Image.DecompressionBombError  # up to twice as many, Pillow only warns
        if opened.width * opened.height > LARGE:
            opened.draft(None, (ENOUGH, ENOUGH))  # no other format than JPEG can be decoded smaller
        return eight_bits(ImageOps.exif_transpose(opened)), f"{opened.format} {opened.mode}"


@cache
def formats() -> tuple[str, ...]:
    """Return Pillow's formats except EPS, for which it runs another program, Ghostscript."""
    Image.init()
    return tuple(name for name in Image.ID if name != "EPS")


def eight_bits(image: Image.Image) -> Image.Image:
    """Convert an image to mode L or RGB."""
    if image.mode.startswith(("I", "F")):  # 16 or 32 bits a pixel; Pillow's own conversion clips at 255
        return scaled(image)
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def scaled(image: Image.Image) -> Image.Image:
    """Scale 16 or 32 bits per pixel to 8."""
    pixels = np.asarray(image, dtype=np.float64)
    if not np.isfinite(pixels).all():
        raise ValueError("some of its values are not numbers")
    brightest = float(pixels.max())
    # The format does not say what white is, since 12 bits of cameras and X-rays come in files for 16: it is
    # the least usual scale that holds all.
    usual = WHITES[{"F": 0, "I": 1}.get(image.mode, 2) :]
    white = next((scale for scale in usual if brightest <= scale), brightest)
    transparent = image.info.get("transparency")  # the grey that stands for it
    if isinstance(transparent, int):
        pixels = np.where(pixels == transparent, white, pixels)
    return Image.fromarray(np.round(pixels * (255 / white)).clip(0, 255).astype(np.uint8))


def on_canvas(
    image: Image.Image, *, height: int, width: int, channels: int, margin: int, fit: str
) -> NDArray[np.uint8]:
    """Scale an image with Pillow's bilinear filter to uint8, shape (height, width, channels).

    Args:
        image: In mode L or RGB.
        height, width: Of the canvas in pixels.
        channels: 1 for grey, 3 for colour.
        margin: Pixels on each side that stay black.
        fit: ``pad`` brings the whole image into the middle, ``crop`` fills the canvas with its middle.
    """
    mode = "L" if channels == 1 else "RGB"
    content = image.convert(mode)
    if fit == "crop":
        canvas = resized(content, (width, height), middle(image, width / height))
    else:
        room = width - 2 * margin, height - 2 * margin
        scale = min(room[0] / image.width, room[1] / image.height)
        size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
        content = resized(content, size)
        canvas = Image.new(mode, (width, height))
        canvas.paste(content, ((width - size[0]) // 2, (height - size[1]) // 2))
    return np.asarray(canvas, dtype=np.uint8).reshape(height, width, channels)


def resized(
    image: Image.Image, size: tuple[int, int], box: tuple[float, float, float, float] | None = None
) -> Image.Image:
    """Scale an image, or its box, with Pillow's bilinear filter: first across, then down.

    The box is (left, top, right, bottom). Left to itself, Pillow takes tall images the other way round from
    version 13 on, and other bytes come out.
    """
    left, top, right, bottom = box or (0, 0, *image.size)
    across = image.resize((size[0], image.height), Image.Resampling.BILINEAR, (left, 0, right, image.height))
    return across.resize(size, Image.Resampling.BILINEAR, (0, top, size[0], bottom))


def middle(image: Image.Image, aspect: float) -> tuple[float, float, float, float]:
    """Return the largest centred box of an aspect ratio (width / height)."""
    width, height = min(image.width, image.height * aspect), min(image.height, image.width / aspect)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    return left, top, left + width, top + height
