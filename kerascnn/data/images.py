"""Decode image files of any kind: any size, grey or colour, EXIF rotation, transparency, 16 bits."""

import re
from dataclasses import dataclass
from pathlib import Path

from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from kerascnn.data.pixels import formats, upright
from kerascnn.foundation.errors import ImageError, first_line

TURNED = (5, 6, 7, 8)  # of EXIF's orientations those in which rows are columns
#: How a file begins that is often called like an image, in lower case, and what it then is.
_BEGINNINGS = {
    rb"....ftyp(hei[cxms]|hev[cxms]|mif1|msf1)": "it is HEIC, as phones keep photos: export it as JPEG",
    rb"....ftyp": "it is a video or of a format like one: export an image as JPEG",
    rb"\s*<(!doctype html|html)": "it is a web page: download the image itself",
    rb"version https://git-lfs": "it is a Git LFS pointer: run `git lfs pull` where it comes from",
}


@dataclass(frozen=True)
class Decoded:
    """A decoded image file.

    Attributes:
        image: Upright, in mode L or RGB, transparency shown on white.
        kind: Format and mode of the file, for instance ``JPEG RGB``.
    """

    image: Image.Image
    kind: str


def require_image_file(path: Path) -> None:
    """Check that an image file exists, without decoding it, before a model is loaded.

    Raises:
        ImageError: It is missing, a folder, a pipe or a device, or cannot be opened.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise ImageError(path, "is a pipe or a device, not an image file")
    try:
        path.open("rb").close()
    except OSError as error:
        raise ImageError(path, _reason(path, error)) from error


def read_image(path: Path, *, invert: bool = False) -> Image.Image:
    """Decode an image file upright, in mode L or RGB, transparency on white.

    Args:
        path: An image file of any format that Pillow decodes by itself, known by its content; of several
            images in it the first.
        invert: Turn dark on light into light on dark, as MNIST's digits are.

    Raises:
        ImageError: The file is missing or is not an image that can be decoded.
    """
    image = decode(path).image
    return ImageOps.invert(image) if invert else image


def decode(path: Path) -> Decoded:
    """Decode an image file as ``read_image`` does, and return its kind too.

    Raises:
        ImageError: The file is missing or is not an image that can be decoded.
    """
    try:
        return Decoded(*upright(path))
    # Pillow's decoders raise whatever their format's code meets: struct.error, SyntaxError, ValueError …
    except Exception as error:
        raise ImageError(path, _reason(path, error)) from error


def full_size(path: Path) -> tuple[int, int]:
    """Return width and height of an image file, upright; a large one is decoded smaller."""
    with Image.open(path, formats=formats()) as opened:
        turned = opened.getexif().get(ExifTags.Base.Orientation) in TURNED
        return (opened.height, opened.width) if turned else opened.size


def _other_kind(path: Path) -> str:
    """Identify a file that Pillow cannot open by its first bytes."""
    with path.open("rb") as file:
        begun = file.read(64).lower()
    if not begun:
        return "it is empty"
    known = (what for pattern, what in _BEGINNINGS.items() if re.match(pattern, begun, re.DOTALL))
    return next(known, "its content is of no known format")


def _reason(path: Path, error: Exception) -> str:
    match error:
        case FileNotFoundError():
            return "does not exist"
        case IsADirectoryError():
            return "is a folder; name the image files in it"
        case UnidentifiedImageError():
            what = _other_kind(path)
        case Image.DecompressionBombError() | Image.DecompressionBombWarning():
            what = f"it has more than {Image.MAX_IMAGE_PIXELS:,} pixels"
        case OSError(strerror=str(reason)):  # of the file system; Pillow's own have a message only
            return f"cannot be read: {reason}"
        case _:
            what = first_line(error).rstrip(".")
    return f"cannot be decoded as an image: {what}"
