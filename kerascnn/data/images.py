"""Image files as people have them: any size, grey or colour, turned by EXIF, transparent, 16-bit."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from kerascnn.errors import ImageError, first_line


@dataclass(frozen=True)
class Decoded:
    """A decoded file.

    Attributes:
        picture: Upright, in mode L or RGB, transparency shown on white.
        kind: Format and mode of the file, for instance ``JPEG RGB``.
    """

    picture: Image.Image
    kind: str


def read_image(path: Path, *, invert: bool = False) -> Image.Image:
    """Return a picture upright, in mode L or RGB, transparency shown on white.

    Args:
        path: An image file of any format that Pillow decodes by itself, told by its content; of several
            pictures in it the first.
        invert: Turn dark on light into light on dark, as MNIST's digits are.

    Raises:
        ImageError: The file is missing or is not a picture that can be decoded.
    """
    picture = decode(path).picture
    return ImageOps.invert(picture) if invert else picture


def decode(path: Path) -> Decoded:
    """Return what ``read_image`` returns, and what kind of file it is.

    Raises:
        ImageError: The file is missing or is not a picture that can be decoded.
    """
    try:
        with Image.open(path, formats=_formats()) as opened:
            if opened.width * opened.height > (Image.MAX_IMAGE_PIXELS or np.inf):
                raise Image.DecompressionBombError  # up to twice as many, Pillow only warns
            kind = f"{opened.format} {opened.mode}"
            return Decoded(_eight_bits(ImageOps.exif_transpose(opened)), kind)
    # Pillow's decoders raise whatever their format's code meets: struct.error, SyntaxError, ValueError …
    except Exception as error:
        raise ImageError(path, _reason(path, error)) from error


@cache
def _formats() -> tuple[str, ...]:
    """Return the formats to try: all but EPS, which Pillow hands to Ghostscript, a program of its own."""
    Image.init()
    return tuple(name for name in Image.ID if name != "EPS")


def _reason(path: Path, error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "does not exist"
        case IsADirectoryError():
            return "is a folder; name the image files in it"
        case UnidentifiedImageError():
            what = "its content is of no known format" if path.stat().st_size else "it is empty"
        case Image.DecompressionBombError() | Image.DecompressionBombWarning():
            what = f"it has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        case OSError(strerror=str(reason)):  # of the file system; Pillow's own have a message only
            return f"cannot be read: {reason}"
        case _:
            what = first_line(error).rstrip(".")
    return f"cannot be decoded as an image: {what}"


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # 16 or 32 bits a pixel; Pillow's own conversion clips at 255
        return _scaled(image)
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _scaled(image: Image.Image) -> Image.Image:
    pixels = np.asarray(image, dtype=np.float64)
    if not np.isfinite(pixels).all():
        raise ValueError("some of its values are no numbers")
    white = 65_535 if image.mode.startswith("I;16") else _white(image.mode, float(pixels.max()))
    transparent = image.info.get("transparency")  # the grey that stands for it
    if isinstance(transparent, int):
        pixels = np.where(pixels == transparent, white, pixels)
    return Image.fromarray(np.round(pixels * (255 / white)).clip(0, 255).astype(np.uint8))


def _white(mode: str, brightest: float) -> float:
    """Return what white is in an image whose format does not say: the least usual scale that holds all."""
    scales = (1.0, 255.0, 65_535.0) if mode == "F" else (255.0, 65_535.0)
    return next((scale for scale in scales if brightest <= scale), brightest)
