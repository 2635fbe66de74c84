"""Bytes inside a page: many parts behind each other, compressed once, as text."""

import base64
import zlib


class Parts:
    """Collects bytes; a page's facts name each part by where it begins and how long it is."""

    def __init__(self) -> None:
        self._content = bytearray()

    def add(self, part: bytes) -> list[int]:
        """Append bytes, from a multiple of eight on, and return their place and length."""
        self._content += bytes(-len(self._content) % 8)
        place = len(self._content)
        self._content += part
        return [place, len(part)]

    def text(self) -> str:
        """Return all of them as the text that ``data.js`` reads."""
        return packed(bytes(self._content))


def packed(content: bytes) -> str:
    """Return bytes as text: deflate without a header, then base64."""
    deflate = zlib.compressobj(9, wbits=-15)
    return base64.b64encode(deflate.compress(content) + deflate.flush()).decode("ascii")


def unpacked(text: str, most: int) -> bytes:
    """Return the bytes of a text that ``packed`` made.

    Raises:
        ValueError: It is another text, or holds more than ``most`` bytes.
    """
    inflate = zlib.decompressobj(-15)
    try:
        content = inflate.decompress(base64.b64decode(text, validate=True), most)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not inflate.eof or inflate.unused_data:
        raise ValueError("it is longer or shorter than its data")
    return content
