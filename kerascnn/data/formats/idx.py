"""The IDX format of the original MNIST files (LeCun, Cortes, Burges: "The MNIST database").

Big-endian: two zero bytes, one byte for the type (8: unsigned byte), one for the number of dimensions, then
each dimension as four bytes, then the values. Plain or gzip-compressed.
"""

import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kerascnn.data.formats.unpacking import unpacked
from kerascnn.foundation.errors import KerasCnnError

LARGEST_ARRAY = 2**30  # bytes; MNIST's largest file holds 47 million
BLOCK = 2**20  # bytes


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes.

    Args:
        path: The file, compressed or not.
        dimensions: How many it must have: 3 for images, 1 for labels.

    Raises:
        KerasCnnError: Wrong magic number, size or compression.
    """
    try:
        with path.open("rb") as file, unpacked(file) as stream:
            header = stream.read(4 + 4 * dimensions)
            shape = _shape(path, header, dimensions)
            expected = math.prod(shape)
            content = bytearray()  # a forged header claims what the file does not hold: no room ahead of it
            while len(content) <= expected and (block := stream.read(BLOCK)):
                content += block  # reaching the end checks gzip's CRC
    except (OSError, EOFError, zlib.error) as error:
        raise KerasCnnError(f"{path} cannot be read, it may be damaged or truncated: {error}.") from error
    if len(content) != expected:
        found = "more" if len(content) > expected else f"{len(content):,}"
        raise KerasCnnError(f"{path} must hold {expected:,} values after its header, it holds {found}.")
    return np.frombuffer(content, np.uint8).reshape(shape)


def idx_header(shape: tuple[int, ...]) -> bytes:
    """Return the bytes before the values of a file of unsigned bytes."""
    return b"\0\0\x08" + bytes([len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


def _shape(path: Path, header: bytes, dimensions: int) -> tuple[int, ...]:
    magic = b"\0\0\x08" + bytes([dimensions])
    if header[:4] != magic:
        raise KerasCnnError(
            f"{path} must start with the magic number {magic.hex()}, it starts with "
            f"{header[:4].hex() or 'nothing'}: it is not an IDX file of this kind."
        )
    if len(header) < 4 + 4 * dimensions:
        raise KerasCnnError(f"{path} is truncated within its header.")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if math.prod(shape) > LARGEST_ARRAY:
        raise KerasCnnError(f"{path} claims to hold {shape} values: its header is damaged.")
    return shape
