"""Decompress a file while it is read; its first bytes, not its name, say whether it is compressed.

Browsers unpack what they download and keep ``.gz`` in the name, or the other way round.
"""

import gzip
from typing import BinaryIO, cast

GZIP = b"\x1f\x8b"


def unpacked(stream: BinaryIO) -> BinaryIO:
    """Return a stream of a file's content, decompressed if necessary."""
    begins = stream.read(len(GZIP))
    stream.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if begins == GZIP else stream
