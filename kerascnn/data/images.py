"""Image files as people have them: any size, grey or colour, turned by EXIF, transparent, 16-bit."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from kerascnn.errors import KerasCnnError


def read_image(path: Path, *, invert: bool = False) -> Image.Image:
    """Return a picture upright, in mode L or RGB, transparency shown on white.

    Args:
        path: Any image file that Pillow decodes.
        invert: Turn dark on light into light on dark, as MNIST's digits are.

    Raises:
        KerasCnnError: The file is missing or is not a picture that can be decoded.
    """
    try:
        with Image.open(path) as opened:
            upright = ImageOps.exif_transpose(opened)
            picture = _eight_bits(upright)
    except FileNotFoundError as error:
        raise KerasCnnError(f"{path} does not exist.") from error
    except IsADirectoryError as error:
        raise KerasCnnError(f"{path} is a folder; name the image files in it.") from error
    # Pillow's decoders raise whatever their format's code meets: struct.error, SyntaxError, ValueError …
    except Exception as error:
        raise KerasCnnError(f"{path} cannot be decoded as an image: {str(error).rstrip('.')}.") from error
    return ImageOps.invert(picture) if invert else picture


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # 16 or 32 bits a pixel; Pillow's own conversion clips at 255
        pixels = np.asarray(image, dtype=np.float64)
        white = 65_535 if image.mode.startswith("I;16") else _white(image.mode, float(pixels.max()))
        return Image.fromarray(np.round(pixels * (255 / white)).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        opaque = Image.new("RGBA", image.size, "white")
        opaque.alpha_composite(image.convert("RGBA"))
        return opaque.convert("RGB")
    return image.convert("L" if image.mode in ("1", "L") else "RGB")


def _white(mode: str, brightest: float) -> float:
    """Return what white is in an image whose format does not say: the least usual scale that holds all."""
    scales = (1.0, 255.0, 65_535.0) if mode == "F" else (255.0, 65_535.0)
    return next((scale for scale in scales if brightest <= scale), brightest)
