"""A file as a stream of what it holds: its first bytes say whether it is compressed, not its name.

Browsers unpack what they download and keep ``.gz`` in the name, or the other way round.
"""

import gzip
from typing import BinaryIO, cast

GZIP = b"\x1f\x8b"


def unpacked(stream: BinaryIO) -> BinaryIO:
    """Return an open file from its beginning; a compressed one is unpacked while it is read."""
    begins = stream.read(len(GZIP))
    stream.seek(0)
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream)) if begins == GZIP else stream
